"""The message Span of OTLP, made of what a span was begun with and what it was told later."""

from __future__ import annotations

import struct

from otel_trading.ground.protobuf import BYTE, sized, varint
from otel_trading.hotpath.twin.span_attributes import attribute_fields
from otel_trading.hotpath.twin.span_begun import OFFSET, WORD, Begun, span_id, trace_id
from otel_trading.hotpath.twin.span_later import Told
from otel_trading.hotpath.twin.span_value import name_of

ATTRIBUTE, EVENT, LINK = b"\x4a", b"\x5a", b"\x6a"
_SPANS, _NAME, _STATE, _STATUS, _TEXT = b"\x12", b"\x2a", b"\x1a", b"\x7a", b"\x12"
_DROPPED = (b"\x50", b"\x60", b"\x70")
_HAS_IS_REMOTE = 0x100
_IDS = struct.Struct(">HQQHQ").pack
_PARENT = struct.Struct(">BBQ").pack
_TIMES = struct.Struct("<BBBQBQ").pack
_FLAGS = struct.Struct("<HI").pack


def field(begun: Begun, ended: int, told: Told | None) -> bytes:
    """As a field of ScopeSpans; it ended at this reading of the clock that it began by."""
    return sized(_SPANS, message(begun, begun[OFFSET] + ended, told))


def message(begun: Begun, end_ns: int, told: Told | None) -> bytes:
    """As it is now; `end_ns` is 0 before the end."""
    terms, name, _, _, above, flags, kind, decision, offset, started, attributes, _, _ = begun
    trace = trace_id(begun)
    fields, dropped = attribute_fields(ATTRIBUTE, attributes, terms[1])
    if told is not None and told[0] is not None:
        name = told[0]
    parts = [
        _IDS(0x0A10, trace >> 64, trace & WORD, 0x1208, span_id(begun)),
        _PARENT(0x22, 8, above) if above else b"",
        _TIMES(0x30, kind, 0x39, offset + started, 0x41, end_ns),
        _FLAGS(0x0185, flags | _HAS_IS_REMOTE),
        sized(_NAME, name if type(name) is bytes else name_of(name)),
        *fields,
    ]
    state = decision[3]
    if state:
        parts.append(sized(_STATE, state.encode()))
    if told is not None or dropped:
        parts += _told(told or (None, 0, b"", None, ()), dropped)
    return b"".join(parts)


def _told(told: Told, dropped: int) -> list[bytes]:
    _, status, text, counts, fields = told
    first, *others = counts or (0, 0, 0)
    found = [*fields]
    found += [tag + varint(count) for tag, count in zip(_DROPPED, (first + dropped, *others), strict=True) if count]
    if status:
        said = sized(_TEXT, text) if text else b""
        found.append(sized(_STATUS, said + b"\x18" + BYTE[status]))
    return found
