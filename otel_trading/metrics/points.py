"""From the cells to the data points that readers and exporters of the SDK know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Buckets,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    Sum,
)

from otel_trading.hotpath.engine import Snapshot
from otel_trading.metrics import exemplars
from otel_trading.metrics.live import Series
from otel_trading.metrics.stream import Storage

_EMPTY = Buckets(0, [0])


@dataclass(frozen=True)
class ThresholdPoint(ExponentialHistogramDataPoint):
    """An exponential point with the threshold up to which values are zeros, which the SDK's own has no place for."""

    zero_threshold: float = 0.0


def metric(storage: Storage, since_ns: int, now_ns: int) -> Metric | None:
    """What a storage has for a reader; None if nothing was recorded.

    Args:
        storage: one aggregation of a stream; a delta one begins anew.
        since_ns: wall time of the reader's previous collection; 0 if there was none.
        now_ns: wall time of this one.
    """
    listed = storage.live.series[:]
    storage.begun.extend(bytes(max(0, len(listed) - len(storage.begun))) if storage.delta else b"")
    points = [
        point
        for number, series in enumerate(listed)
        if (point := _point(storage, number, series, since_ns, now_ns)) is not None
    ]
    if not points:
        return None
    live = storage.live
    return Metric(live.name, live.description, live.unit, _data(storage, points))


def _data(storage: Storage, points: Sequence[Any]) -> Any:
    temporality = AggregationTemporality.DELTA if storage.delta else AggregationTemporality.CUMULATIVE
    kind = storage.plan.kind
    if kind == "gauge":
        return Gauge(points)
    if kind == "explicit":
        return Histogram(points, temporality)
    if kind == "exponential":
        return ExponentialHistogram(points, temporality)
    return Sum(points, temporality, storage.plan.monotonic)


def _point(storage: Storage, number: int, series: Series, since_ns: int, now_ns: int) -> Any:
    cell = series.cell
    started_ns = cell.started_ns
    count, total, *more = cell.take() if storage.delta else cell.snapshot()
    if count == 0:
        return None
    snapshot: Any = (count, _carried(total), *more)
    # the first record may have come between the reading of its time and the taking
    start_ns = started_ns or since_ns or now_ns
    if storage.delta:
        storage.taken += count
        if storage.begun[number]:  # it goes on where the reader's previous collection ended
            start_ns = since_ns
        storage.begun[number] = 1
    made = exemplars.since(series, since_ns)
    attributes = dict(zip(series.keys, series.values, strict=True))
    if storage.plan.kind == "explicit":
        return _explicit(storage, attributes, snapshot, start_ns, now_ns, made)
    if storage.plan.kind == "exponential":
        return _exponential(storage, attributes, snapshot, start_ns, now_ns, made)
    if storage.plan.kind == "gauge":
        return NumberDataPoint(attributes, None, now_ns, snapshot[1], made)  # type: ignore[arg-type]  # as the SDK does
    return NumberDataPoint(attributes, start_ns, now_ns, snapshot[1], made)


def _carried(value: int | float) -> int | float:
    """OTLP carries ints of 64 bits; a sum that has outgrown them goes on as a float."""
    return value if isinstance(value, float) or -(2**63) <= value < 2**63 else float(value)


def _explicit(
    storage: Storage, attributes: Any, snapshot: Snapshot, start_ns: int, now_ns: int, made: list[Exemplar]
) -> HistogramDataPoint:
    count, total, least, most, counts = snapshot
    return HistogramDataPoint(
        attributes=attributes,
        start_time_unix_nano=start_ns,
        time_unix_nano=now_ns,
        count=count,
        sum=total,
        bucket_counts=counts,
        explicit_bounds=storage.live.bounds,
        min=_extreme(storage, least),
        max=_extreme(storage, most),
        exemplars=made,
    )


def _exponential(
    storage: Storage, attributes: Any, snapshot: Snapshot, start_ns: int, now_ns: int, made: list[Exemplar]
) -> ExponentialHistogramDataPoint:
    count, total, least, most, (scale, zeros, offset, counts) = snapshot
    threshold = storage.plan.zero_threshold
    kind = partial(ThresholdPoint, zero_threshold=threshold) if threshold else ExponentialHistogramDataPoint
    return kind(
        attributes=attributes,
        start_time_unix_nano=start_ns,
        time_unix_nano=now_ns,
        count=count,
        sum=total,
        scale=scale,
        zero_count=zeros,
        positive=Buckets(offset, counts) if counts else _EMPTY,
        negative=_EMPTY,
        flags=0,
        min=_extreme(storage, least),
        max=_extreme(storage, most),
        exemplars=made,
    )


def _extreme(storage: Storage, value: Any) -> Any:
    """OTLP leaves min and max out if they are None."""
    return value if storage.plan.extremes else None
