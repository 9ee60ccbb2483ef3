"""An encoded span as it may be exported: without secrets, as `privacy.spans` does it with the SDK's spans."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from otel_trading.privacy.redaction import Redactor


def redact_encoded(span: bytes, redactor: Redactor) -> bytes:
    """A message Span of OTLP without secrets; ids, times, kind, flags, counts and trace state stay.

    Raises:
        google.protobuf.message.DecodeError: it is no span.
    """
    message = Span.FromString(span)
    message.name = redactor.text(message.name)
    _redact(message.attributes, redactor)
    for event in message.events:
        event.name = redactor.text(event.name)
        _redact(event.attributes, redactor)
    for link in message.links:
        _redact(link.attributes, redactor)
    if message.status.message:
        message.status.message = redactor.text(message.status.message)
    return message.SerializeToString()


def _redact(attributes: Iterable[KeyValue], redactor: Redactor) -> None:
    for pair in attributes:
        old = _plain(pair.value)
        new = redactor.value(pair.key, old)
        if new is not old:
            pair.value.Clear()
            _put(pair.value, new)


def _plain(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return tuple(_plain(element) for element in value.array_value.values)
    if kind == "kvlist_value":
        return {pair.key: _plain(pair.value) for pair in value.kvlist_value.values}
    return getattr(value, kind)


def _put(into: AnyValue, value: Any) -> None:
    """Into an AnyValue without a value."""
    if isinstance(value, str):
        into.string_value = value
    elif isinstance(value, bool):
        into.bool_value = value
    elif isinstance(value, int):
        into.int_value = value
    elif isinstance(value, float):
        into.double_value = value
    elif isinstance(value, dict):
        into.kvlist_value.SetInParent()
        for key, held in value.items():
            pair = into.kvlist_value.values.add(key=key)
            pair.value.SetInParent()
            _put(pair.value, held)
    elif isinstance(value, list | tuple):
        into.array_value.SetInParent()
        for element in value:
            _put(into.array_value.values.add(), element)
