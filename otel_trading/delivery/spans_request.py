"""Spans to one OTLP request: encoded ones are put behind each other, the SDK's are encoded by the stock encoder."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

from otel_trading.delivery.span_chunk import Source, SpanChunk
from otel_trading.ground.protobuf import varint

_RESOURCE_SPANS, _SCOPE_SPANS = b"\x0a", b"\x12"


def spans_request(items: Sequence[Any]) -> bytes:
    """An encoded ExportTraceServiceRequest with everything that is in the items.

    Chunks cost some microseconds each, whatever is in them; bytes from one MiB on are copied without the GIL.
    """
    chunks = [item for item in items if isinstance(item, SpanChunk)]
    if not chunks:
        return encode_spans(items).SerializeToString()
    parts = [part for source, scopes in _grouped(chunks).items() for part in _resource_spans(source, scopes)]
    if others := [item for item in items if not isinstance(item, SpanChunk)]:
        parts.append(encode_spans(others).SerializeToString())
    return b"".join(parts)


def _grouped(chunks: Iterable[SpanChunk]) -> dict[Source, dict[bytes, list[bytes]]]:
    """By source and scope, each in the order in which it came first."""
    groups: dict[Source, dict[bytes, list[bytes]]] = {}
    for chunk in chunks:
        groups.setdefault(chunk.source, {}).setdefault(chunk.scope, []).append(chunk.spans)
    return groups


def _resource_spans(source: Source, scopes: dict[bytes, list[bytes]]) -> list[bytes]:
    parts = [source.fields]
    for scope, spans in scopes.items():
        parts += [_SCOPE_SPANS, varint(len(scope) + sum(map(len, spans))), scope, *spans]
    return [_RESOURCE_SPANS, varint(sum(map(len, parts))), *parts]
