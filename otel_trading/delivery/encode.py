"""Items to OTLP requests; one item that cannot be encoded costs that item only."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics.export import MetricsData

from otel_trading.delivery.logs_request import logs_request
from otel_trading.delivery.metrics_request import metrics_request
from otel_trading.delivery.outcome import ENCODE_ERROR
from otel_trading.delivery.span_chunk import SpanChunk
from otel_trading.delivery.spans_request import spans_request
from otel_trading.ground import diagnostics

_GZIP = 31
"""The largest window, with gzip's header and trailer."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What differs between spans, metrics and logs on the wire.

    Attributes:
        name: `traces`, `metrics` or `logs`.
        encode: items to the encoded request.
        response: class of the reply message.
        rejected: name of the partial success field that counts rejected items.
    """

    name: str
    encode: Callable[[Sequence[Any]], bytes]
    response: type[Any]
    rejected: str


SIGNALS = {
    "traces": Signal("traces", spans_request, ExportTraceServiceResponse, "rejected_spans"),
    "metrics": Signal("metrics", metrics_request, ExportMetricsServiceResponse, "rejected_data_points"),
    "logs": Signal("logs", logs_request, ExportLogsServiceResponse, "rejected_log_records"),
}


def request_bytes(signal: Signal, items: Sequence[Any]) -> tuple[bytes, Sequence[Any]]:
    """The request for the items, and the items that are in it.

    Bad items are left out; the caller counts what is missing as `encode_error`.
    """
    try:
        return signal.encode(items), items
    except Exception as error:
        diagnostics.trouble("delivery.encode_error", "%s that OTLP cannot carry are left out: %r", signal.name, error)
    good = [mended for item in items for mended in _mend(signal, item)]
    return signal.encode(good), good


def _mend(signal: Signal, item: Any) -> list[Any]:
    """The item if it can be encoded alone; a MetricsData without its bad metrics; nothing otherwise."""
    if isinstance(item, MetricsData):
        return [_without_bad_metrics(signal, item)]
    return [item] if _encodable(signal, item) else []


def _encodable(signal: Signal, item: Any) -> bool:
    try:
        signal.encode([item])
    except Exception:
        return False
    return True


def _without_bad_metrics(signal: Signal, item: MetricsData) -> MetricsData:
    resources = []
    for resource in item.resource_metrics:
        scopes = []
        for scope in resource.scope_metrics:
            good = [
                metric
                for metric in scope.metrics
                if _encodable(
                    signal, MetricsData([replace(resource, scope_metrics=[replace(scope, metrics=[metric])])])
                )
            ]
            scopes.append(replace(scope, metrics=good))
        resources.append(replace(resource, scope_metrics=scopes))
    return MetricsData(resources)


def compressed(body: bytes, compression: str) -> bytes:
    """The body as `gzip` or `deflate`; both let the GIL go while they work."""
    if compression == "gzip":
        return zlib.compress(body, 1, wbits=_GZIP)
    return zlib.compress(body, 1) if compression == "deflate" else body


def points(item: MetricsData) -> int:
    """How many data points a collection holds; what metrics count in the books."""
    return sum(
        len(metric.data.data_points)
        for resource in item.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


def weight(items: Sequence[Any]) -> int:
    """How much items count in the books: data points, spans of a chunk, or one each."""
    return sum(map(_weight, items))


def _weight(item: Any) -> int:
    if isinstance(item, SpanChunk):
        return item.count
    return points(item) if hasattr(item, "resource_metrics") else 1


def missing(items: Sequence[Any], good: Sequence[Any]) -> dict[str, int]:
    """The loss of the items that are not among the good ones of `request_bytes`."""
    return {} if good is items else with_loss({}, ENCODE_ERROR, weight(items) - weight(good))


def with_loss(losses: dict[str, int], reason: str, count: int) -> dict[str, int]:
    """The losses with one more, if there is any."""
    return {**losses, reason: losses.get(reason, 0) + count} if count else losses


def rejected(signal: Signal, reply: bytes, items: Sequence[Any], place: str) -> int:
    """How much of the items a receiver says it did not take, which is also said once; 0 if the reply is no OTLP."""
    if not reply:
        return 0
    try:
        partial = signal.response.FromString(reply).partial_success
    except Exception:  # some receivers answer 200 with a body of their own
        return 0
    count = int(getattr(partial, signal.rejected))
    if count or partial.error_message:
        diagnostics.trouble(
            "delivery.partial_success",
            "%s took %s but rejected %d: %s",
            place,
            signal.name,
            count,
            partial.error_message[:200],
        )
    return min(max(count, 0), weight(items))
