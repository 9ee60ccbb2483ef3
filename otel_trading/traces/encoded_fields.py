"""Resource and scope as the encoded fields that stand before spans: made once, as the stock encoder makes them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext

from otel_trading.ground import values
from otel_trading.hotpath.span_reading import value_of

_CONTEXT = SpanContext(1, 1, is_remote=False)


def encoded_resource(resource: Resource) -> bytes:
    """The fields `resource` and `schema_url` of ResourceSpans."""
    message = _encoded(resource, None)
    message.ClearField("scope_spans")
    return message.SerializeToString()


def encoded_scope(scope: InstrumentationScope) -> bytes:
    """The fields `scope` and `schema_url` of ScopeSpans."""
    version = None if scope.version is None else values.text(scope.version)
    clean = InstrumentationScope(values.text(scope.name), version, scope.schema_url, scope.attributes)
    message = _encoded(Resource.get_empty(), clean).scope_spans[0]
    message.ClearField("spans")
    return message.SerializeToString()


@lru_cache(maxsize=256)
def decoded_scope(fields: bytes) -> InstrumentationScope:
    """The scope of which these are the fields."""
    message = ScopeSpans.FromString(fields)
    attributes = {pair.key: value_of(pair.value.SerializeToString()) for pair in message.scope.attributes}
    return InstrumentationScope(message.scope.name, message.scope.version or None, message.schema_url, attributes)


def _encoded(resource: Resource, scope: InstrumentationScope | None) -> ResourceSpans:
    span: Any = ReadableSpan(name="", context=_CONTEXT, resource=resource, instrumentation_scope=scope)
    return encode_spans([span]).resource_spans[0]
