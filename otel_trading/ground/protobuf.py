"""Protobuf's wire format, as far as messages are written by hand."""

from __future__ import annotations

_DELIMITED = 2

BYTE = tuple(bytes((number,)) for number in range(0x80))
"""Varints of one byte."""


def varint(value: int) -> bytes:
    """An unsigned number."""
    if value < 0x80:
        return BYTE[value]
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def sized(tag: bytes, content: bytes) -> bytes:
    """A message, a text or bytes as a field with this tag."""
    size = len(content)
    return tag + (BYTE[size] if size < 0x80 else varint(size)) + content


def delimited(field: int, content: bytes) -> bytes:
    """The same for the number of a field."""
    return sized(varint(field << 3 | _DELIMITED), content)
