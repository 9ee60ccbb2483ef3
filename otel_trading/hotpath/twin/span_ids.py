"""Random ids; a child has a seed of its own. Not the module's generator, which an application may seed."""

from __future__ import annotations

import os
from random import Random

MOST_ID, MOST_TRACE_ID = 2**64 - 1, 2**128 - 1

_source = Random()
bits = _source.getrandbits
"""One step of the interpreter, so that threads need no lock."""

os.register_at_fork(after_in_child=_source.seed)


def id_of(given: object, most: int) -> int | None:
    """An int from 0 to `most`; 0 for None, None for anything else."""
    if given is None:
        return 0
    return given if type(given) is int and 0 <= given <= most else None


def made(size: int) -> int:
    """Random bits, not all zero."""
    while not (found := bits(size)):
        pass
    return found
