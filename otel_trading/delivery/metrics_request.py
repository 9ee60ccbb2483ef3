"""Collections to one OTLP request, a point at a time, so that others get the GIL between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from opentelemetry.sdk.metrics.export import (
    ExponentialHistogram,
    Gauge,
    Histogram,
    Metric,
    MetricsData,
    ResourceMetrics,
    Sum,
)

from otel_trading.delivery.any_value import text
from otel_trading.delivery.metric_points import exponential_point, gauge_point, histogram_point, sum_point
from otel_trading.delivery.origin_fields import resource_field, schema_field, scope_field
from otel_trading.ground import diagnostics
from otel_trading.ground.breath import OF_SMALL_STEPS_NS, step
from otel_trading.ground.protobuf import sized, varint


def metrics_request(collections: Sequence[MetricsData]) -> bytes:
    """An encoded ExportMetricsServiceRequest with all collections, in order.

    The stock encoder makes messages out of all points before it writes the first: 13 ms under the GIL for 1,000
    series. This writes bytes, at a third of the cost, and draws breath. To be called from a worker's thread.

    Raises:
        Exception: one of the metrics has what OTLP cannot carry.
    """
    parts = (part for collection in collections for part in collection.resource_metrics)
    return b"".join([sized(b"\x0a", b"".join(_resource_metrics(part))) for part in parts])


def _resource_metrics(part: ResourceMetrics) -> Iterable[bytes]:
    yield resource_field(part.resource)
    for scope in part.scope_metrics:
        metrics = [sized(b"\x12", _metric(metric)) for metric in scope.metrics]
        yield sized(b"\x12", b"".join((scope_field(scope.scope), *metrics, schema_field(scope.scope))))
    yield schema_field(part.resource)


def _metric(metric: Metric) -> bytes:
    """The content of a Metric."""
    head = text(b"\x0a", metric.name) + text(b"\x12", metric.description) + text(b"\x1a", metric.unit)
    data: Any = metric.data
    if isinstance(data, Sum):
        tail = _temporality(data) + (b"\x18\x01" if data.is_monotonic else b"")
        return head + _data(b"\x3a", data.data_points, sum_point, tail)
    if isinstance(data, Gauge):
        return head + _data(b"\x2a", data.data_points, gauge_point, b"")
    if isinstance(data, Histogram):
        return head + _data(b"\x4a", data.data_points, histogram_point, _temporality(data))
    if isinstance(data, ExponentialHistogram):
        return head + _data(b"\x52", data.data_points, partial(exponential_point, metric), _temporality(data))
    diagnostics.trouble("delivery.unknown_metric", "a metric of a kind that OTLP does not have: %s", type(data))
    return head


def _data(tag: bytes, points: Sequence[Any], encode: Callable[[Any], bytes], tail: bytes) -> bytes:
    """The field that holds the points; nothing if there are none."""
    if not points:
        return b""
    fields = []
    for point in points:
        fields.append(sized(b"\x0a", encode(point)))
        step(OF_SMALL_STEPS_NS)
    return sized(tag, b"".join((*fields, tail)))


def _temporality(data: Any) -> bytes:
    number = int(data.aggregation_temporality)
    return b"\x10" + varint(number) if number else b""
