"""gzip of a page, part by part; zlib works without the GIL."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

LEVEL = 1
"""Pages repeat themselves: the cheapest level makes a tenth of them."""

_GZIP = 16 + zlib.MAX_WBITS


def compressed(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The parts as one gzip stream."""
    machine = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
    for part in parts:
        made = machine.compress(part)
        if made:
            yield made
    yield machine.flush()
