"""What the SDK's readers give, as streams of numbers: asynchronous instruments, and providers of the application."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    Metric,
    MetricsData,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_trading.ground import diagnostics
from otel_trading.metrics.exponential import explicit_point
from otel_trading.metrics.exposition.labels import Pair
from otel_trading.metrics.live import Kind, Recorded

_DEFAULT_THRESHOLD = 0.0


@dataclass(frozen=True, slots=True)
class Point:
    """One series as it is now.

    Attributes:
        attributes: sorted by key.
        reading: what the engine takes in place of a cell.
        bounds: float[n_bounds] of an explicit one.
        exemplars: by number, oldest first.
    """

    attributes: list[Pair]
    reading: tuple[Any, ...]
    bounds: tuple[float, ...]
    exemplars: dict[int, Recorded]


@dataclass(frozen=True, slots=True)
class Stream:
    """One metric of one scope; `resource` holds its constant labels, as keys and values."""

    scope: InstrumentationScope
    resource: list[Pair]
    name: str
    unit: str
    description: str
    kind: Kind
    points: Sequence[Point]


def streams(data: MetricsData | None, constant: Callable[[Resource], list[Pair]]) -> Iterator[Stream]:
    """The streams of a collection; metrics of delta temporality are left out, and that is said once.

    Args:
        data: None for nothing.
        constant: from a Resource to its constant labels.
    """
    for resource in data.resource_metrics if data is not None else ():
        labels = constant(resource.resource)
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                yield from _streams(metric, scope.scope, labels)


def _streams(metric: Metric, scope: InstrumentationScope, resource: list[Pair]) -> Iterator[Stream]:
    data = metric.data
    if not isinstance(data, Gauge) and data.aggregation_temporality != AggregationTemporality.CUMULATIVE:
        diagnostics.trouble(f"endpoint.delta.{metric.name}", "%s is left out: it is not cumulative", metric.name)
        return
    made = partial(Stream, scope, resource, metric.name, metric.unit or "", metric.description or "")
    if isinstance(data, Sum):
        kind: Kind = "counter" if data.is_monotonic else "up_down"
        yield made(kind, [_number(point) for point in data.data_points])
    elif isinstance(data, Gauge):
        yield made("gauge", [_number(point) for point in data.data_points])
    elif isinstance(data, Histogram):
        yield made("explicit", [_explicit(point) for point in data.data_points])
    elif isinstance(data, ExponentialHistogram):
        yield from _exponential(made, data)


def _exponential(made: Callable[[Kind, list[Point]], Stream], data: ExponentialHistogram) -> Iterator[Stream]:
    """Points with negative values have explicit buckets only."""
    signed = [point for point in data.data_points if any(point.negative.bucket_counts)]
    if signed:
        yield made("explicit", [_explicit(explicit_point(point)) for point in signed])
    rest = [point for point in data.data_points if not any(point.negative.bucket_counts)]
    if rest:
        yield made("exponential", [_scaled(point) for point in rest])


def _number(point: Any) -> Point:
    return _point(point, (point.start_time_unix_nano or 0, 1, point.value, None))


def _explicit(point: Any) -> Point:
    bounds = tuple(map(float, point.explicit_bounds))
    reading = (point.start_time_unix_nano or 0, point.count, point.sum, tuple(point.bucket_counts))
    return _point(point, reading, bounds)


def _scaled(point: ExponentialHistogramDataPoint) -> Point:
    threshold = float(getattr(point, "zero_threshold", _DEFAULT_THRESHOLD) or _DEFAULT_THRESHOLD)
    counts = tuple(point.positive.bucket_counts)
    detail = (point.scale, point.zero_count, point.positive.offset, counts, threshold)
    return _point(point, (point.start_time_unix_nano or 0, point.count, point.sum, detail))


def _point(point: Any, reading: tuple[Any, ...], bounds: tuple[float, ...] = ()) -> Point:
    attributes: Mapping[str, Any] = point.attributes or {}
    exemplars = {number: _recorded(one) for number, one in enumerate(point.exemplars or ())}
    return Point(sorted(attributes.items(), key=lambda pair: str(pair[0])), reading, bounds, exemplars)


def _recorded(exemplar: Any) -> Recorded:
    return Recorded(
        exemplar.value,
        exemplar.time_unix_nano or 0,
        exemplar.trace_id or 0,
        exemplar.span_id or 0,
        exemplar.filtered_attributes or {},
    )
