"""What an encoded span says: OTLP's message Span, decoded as the engines write it.

For those who need values back: processors of others, tests. The path of a span never comes here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_VARINT, _FIXED64, _DELIMITED = 0, 1, 2
_SPANS = 0x12
"""Tag of the field `spans` of ScopeSpans."""


@dataclass(slots=True)
class Event:
    """An event of a span."""

    name: str = ""
    time_ns: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)
    dropped_attributes: int = 0


@dataclass(slots=True)
class Link:
    """A link of a span."""

    trace_id: int = 0
    span_id: int = 0
    trace_state: str = ""
    flags: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)
    dropped_attributes: int = 0


@dataclass(slots=True)
class Reading:
    """A span; ids are ints, times UTC nanoseconds. Sequences in attributes are tuples."""

    trace_id: int = 0
    span_id: int = 0
    parent_id: int = 0
    trace_state: str = ""
    flags: int = 0
    name: str = ""
    kind: int = 0
    start_ns: int = 0
    end_ns: int = 0
    attributes: dict[str, Any] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0
    status: int = 0
    status_text: str = ""


def read(encoded: bytes) -> Reading:
    """The span that `Span.encoded()` gave."""
    found = Reading()
    for number, value in fields(encoded):
        if number in _PLACES:
            name, convert = _PLACES[number]
            setattr(found, name, convert(value))
        elif number == 9:
            _read_attribute(found.attributes, value)
        elif number == 11:
            found.events.append(_event(value))
        elif number == 13:
            found.links.append(_link(value))
        elif number == 15:
            _read_status(found, value)
    return found


def _text(value: bytes) -> str:
    return value.decode()


def _id(value: bytes) -> int:
    return int.from_bytes(value, "big")


_PLACES: dict[int, tuple[str, Any]] = {
    1: ("trace_id", _id),
    2: ("span_id", _id),
    3: ("trace_state", _text),
    4: ("parent_id", _id),
    5: ("name", _text),
    6: ("kind", int),
    7: ("start_ns", int),
    8: ("end_ns", int),
    10: ("dropped_attributes", int),
    12: ("dropped_events", int),
    14: ("dropped_links", int),
    16: ("flags", int),
}


def _event(encoded: bytes) -> Event:
    found = Event()
    for number, value in fields(encoded):
        if number == 1:
            found.time_ns = value
        elif number == 2:
            found.name = value.decode()
        elif number == 3:
            _read_attribute(found.attributes, value)
        elif number == 4:
            found.dropped_attributes = value
    return found


def _link(encoded: bytes) -> Link:
    found = Link()
    for number, value in fields(encoded):
        if number == 1:
            found.trace_id = _id(value)
        elif number == 2:
            found.span_id = _id(value)
        elif number == 3:
            found.trace_state = value.decode()
        elif number == 4:
            _read_attribute(found.attributes, value)
        elif number == 5:
            found.dropped_attributes = value
        elif number == 6:
            found.flags = value
    return found


def _read_status(found: Reading, encoded: bytes) -> None:
    for number, value in fields(encoded):
        if number == 2:
            found.status_text = value.decode()
        elif number == 3:
            found.status = value


def _read_attribute(into: dict[str, Any], encoded: bytes) -> None:
    key, content = "", b""
    for number, value in fields(encoded):
        if number == 1:
            key = value.decode()
        elif number == 2:
            content = value
    into[key] = value_of(content)


def value_of(encoded: bytes) -> Any:
    """What an AnyValue holds; None for nothing."""
    for number, value in fields(encoded):
        match number:
            case 1:
                return value.decode()
            case 2:
                return bool(value)
            case 3:
                return value - (1 << 64) if value >> 63 else value
            case 4:
                return struct.unpack("<d", struct.pack("<Q", value))[0]
            case 5:
                return tuple(value_of(element) for _, element in fields(value))
            case 6:
                pairs: dict[str, Any] = {}
                for _, pair in fields(value):
                    _read_attribute(pairs, pair)
                return pairs
    return None


def fields(encoded: bytes) -> Iterator[tuple[int, Any]]:
    """Number and content: an int, or bytes."""
    at, end = 0, len(encoded)
    while at < end:
        tag, at = varint(encoded, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = varint(encoded, at)
            yield tag >> 3, value
            continue
        if kind == _DELIMITED:
            size, at = varint(encoded, at)
        else:
            size = 8 if kind == _FIXED64 else 4
        content = encoded[at : at + size]
        at += size
        if at > end:
            raise ValueError("the message is cut")
        yield tag >> 3, content if kind == _DELIMITED else int.from_bytes(content, "little")


def span_fields(spans: bytes) -> Iterator[tuple[int, int]]:
    """Where each field `spans` of ScopeSpans begins and ends.

    Raises:
        ValueError: it is none of `spans`.
    """
    at, end = 0, len(spans)
    while at < end:
        size, content = varint(spans, at + 1)
        if spans[at] != _SPANS or content + size > end:
            raise ValueError(f"no span at {at} of {end}")
        yield at, content + size
        at = content + size


def varint(encoded: bytes, at: int) -> tuple[int, int]:
    """The number that stands there, and where it ends; raises ValueError if the bytes are over before."""
    value = shift = 0
    while at < len(encoded):
        byte = encoded[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("the number is cut")
