"""Values and attributes as OTLP's AnyValue and KeyValue, written as bytes: a third of what making messages costs.

`tests/delivery/test_logs_request.py` holds them to the stock encoder.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from otel_trading.ground import diagnostics
from otel_trading.ground.protobuf import sized, varint

_DOUBLE = struct.Struct("<d")
_TEXT, _VALUE = (tuple(tag + varint(size) for size in range(128)) for tag in (b"\x0a", b"\x12"))
"""Tags with the sizes that most have."""


def text(tag: bytes, value: str | None) -> bytes:
    """A text as a field, nothing if it is empty; raises UnicodeEncodeError for a lone surrogate."""
    return sized(tag, value.encode()) if value else b""


def any_value(value: Any) -> bytes:
    """The content of an AnyValue.

    Raises:
        TypeError: a value of a kind that OTLP does not have.
        ValueError: a text or a number that it cannot hold.
        RecursionError: it is nested too deeply.
    """
    if isinstance(value, str):
        written = value.encode()
        size = len(written)
        return (_TEXT[size] if size < 128 else b"\x0a" + varint(size)) + written
    if isinstance(value, bool):
        return b"\x10\x01" if value else b"\x10\x00"
    if isinstance(value, float):
        return b"\x21" + _DOUBLE.pack(value)
    if isinstance(value, int):
        if not -1 << 63 <= value < 1 << 63:
            raise ValueError("a number of more than 64 bits")
        return b"\x18" + varint(int(value) & 0xFFFFFFFFFFFFFFFF)
    if value is None:
        return b""
    if isinstance(value, bytes):
        return sized(b"\x3a", value)
    if isinstance(value, Sequence):
        return sized(b"\x2a", b"".join([sized(b"\x0a", any_value(each)) for each in value]))
    if isinstance(value, Mapping):
        return sized(b"\x32", b"".join([sized(b"\x0a", key_value(str(key), each)) for key, each in value.items()]))
    raise TypeError(f"a value of type {type(value).__name__}")


def key_value(key: str, value: Any) -> bytes:
    """The content of a KeyValue; see `any_value` for what is raised, and TypeError for a key that is no text."""
    content = any_value(value)
    size = len(content)
    return _key(key) + (_VALUE[size] if size < 128 else b"\x12" + varint(size)) + content


@lru_cache(maxsize=1024)
def _key(key: str) -> bytes:
    if not isinstance(key, str):
        raise TypeError(f"a key of type {type(key).__name__}")
    return text(b"\x0a", key)


def attributes(tag: bytes, pairs: Mapping[str, Any] | None) -> bytes:
    """A field for each pair; one that OTLP cannot hold is left out and counted as a trouble."""
    fields: list[bytes] = []
    for key, value in pairs.items() if pairs else ():
        try:
            field = key_value(key, value)
        except Exception as error:
            diagnostics.trouble("delivery.attribute_not_encoded", "an attribute that OTLP cannot carry: %r", error)
            continue
        fields += (tag, varint(len(field)), field)
    return b"".join(fields)
