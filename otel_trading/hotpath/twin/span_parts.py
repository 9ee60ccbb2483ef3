"""Events and links, encoded as they come."""

from __future__ import annotations

import struct
from typing import Any

from otel_trading.ground.protobuf import sized, varint
from otel_trading.hotpath.twin.span_attributes import encoded_attributes
from otel_trading.hotpath.twin.span_begun import WORD
from otel_trading.hotpath.twin.span_ids import MOST_ID, MOST_TRACE_ID, id_of
from otel_trading.hotpath.twin.span_message import EVENT, LINK
from otel_trading.hotpath.twin.span_value import Odd, text_of

_HAS_IS_REMOTE, _IS_REMOTE = 0x100, 0x200
_IDS = struct.Struct(">HQQHQ").pack
_FIXED32 = struct.Struct("<BI").pack
_FIXED64 = struct.Struct("<BQ").pack


def event(name: bytes, at_ns: int, attributes: Any, most: int, letters: int) -> bytes:
    """The field `events` of a span."""
    content = _FIXED64(0x09, at_ns) + sized(b"\x12", name)
    fields, dropped = encoded_attributes(b"\x1a", attributes, most, letters)
    tail = b"\x20" + varint(dropped) if dropped else b""
    return sized(EVENT, b"".join((content, *fields.values(), tail)))


def link(given: tuple[Any, Any, Any, Any, Any], attributes: Any, most: int, letters: int) -> bytes:
    """The field `links` of a span, empty for a link that says nothing; raises Odd for what is no id.

    Args:
        given: trace id, span id, flags, trace state, whether it is remote.
        attributes: a mapping.
        most: attributes.
        letters: of a text.
    """
    trace, span, bits = id_of(given[0], MOST_TRACE_ID), id_of(given[1], MOST_ID), id_of(given[2], 0xFF)
    state = b"" if given[3] is None else text_of(given[3])
    if trace is None or span is None or bits is None:
        raise Odd
    fields, dropped = encoded_attributes(b"\x22", attributes, most, letters)
    if not (trace and span) and not state and not fields:
        return b""
    content = _IDS(0x0A10, trace >> 64, trace & WORD, 0x1208, span) + (sized(b"\x1a", state) if state else b"")
    tail = b"\x28" + varint(dropped) if dropped else b""
    tail += _FIXED32(0x35, bits | _HAS_IS_REMOTE | (_IS_REMOTE if given[4] is True else 0))
    return sized(LINK, b"".join((content, *fields.values(), tail)))
