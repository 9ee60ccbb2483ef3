"""Spans as the tests of both engines make them and read them again."""

from __future__ import annotations

from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

SCOPE = b"\x0a\x06\x0a\x04test"
"""The encoded field `scope` of ScopeSpans, with the name test."""


def recorder(engine: Any, arena: Any = None, **limits: Any) -> Any:
    """With an arena of its own unless one is given."""
    return engine.Recorder(arena or engine.Arena(), SCOPE, **limits)


def taken(arena: Any) -> list[Message]:
    """All that waits, decoded by opentelemetry-proto; chunks are as they should be."""
    found: list[Message] = []
    while (chunk := arena.take()) is not None:
        scope, items, encoded, _ = chunk
        parsed = ScopeSpans.FromString(scope + encoded)
        assert ("test", items) == (parsed.scope.name, len(parsed.spans))
        found += parsed.spans
    return found


def plain(value: AnyValue) -> Any:
    """The Python value; sequences are tuples."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return tuple(plain(element) for element in value.array_value.values)
    if kind == "kvlist_value":
        return {pair.key: plain(pair.value) for pair in value.kvlist_value.values}
    return getattr(value, kind)


def attributes(message: Any) -> dict[str, Any]:
    """Of a span, an event or a link; no key is there twice."""
    found = {pair.key: plain(pair.value) for pair in message.attributes}
    assert len(found) == len(message.attributes)
    return found


def one(engine: Any, made: dict[str, Any], **limits: Any) -> Message:
    """A span that was begun with these attributes and ended."""
    arena = engine.Arena()
    recorder(engine, arena, **limits).begin("order.submit", attributes=made).end()
    (message,) = taken(arena)
    return message


def troubles(arena: Any) -> dict[str, int]:
    """Those that occurred."""
    return {what: count for what, count in arena.troubles().items() if count}
