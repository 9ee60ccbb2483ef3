"""Exponential histogram points as explicit ones, for readers that cannot carry them.

A base-2 exponential histogram merges exactly into a coarser scale, so the buckets are merged down to one fixed scale
first: boundaries then stay the same from scrape to scrape while the SDK changes its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from opentelemetry.sdk.metrics.export import (
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
)

SCALE = 2
"""Buckets grow by 2 ** (1 / 4), some 19 percent; finer ones would be too many series."""


def explicit(data: MetricsData) -> MetricsData:
    """The same collection without exponential streams; unchanged if there are none."""
    if not any(
        isinstance(metric.data, ExponentialHistogram)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    ):
        return data
    return MetricsData(
        [
            replace(
                resource,
                scope_metrics=[
                    replace(scope, metrics=[_metric(metric) for metric in scope.metrics])
                    for scope in resource.scope_metrics
                ],
            )
            for resource in data.resource_metrics
        ]
    )


def _metric(metric: Metric) -> Metric:
    if not isinstance(metric.data, ExponentialHistogram):
        return metric
    points = [explicit_point(point) for point in metric.data.data_points]
    return replace(metric, data=Histogram(points, metric.data.aggregation_temporality))


def explicit_point(point: ExponentialHistogramDataPoint) -> HistogramDataPoint:
    """One point with explicit bounds: `bucket_counts: int[n_bounds + 1]`, same count, sum, min and max."""
    scale = min(point.scale, SCALE)
    shift = point.scale - scale
    positive = _merged(point.positive.offset, point.positive.bucket_counts, shift)
    negative = _merged(point.negative.offset, point.negative.bucket_counts, shift)
    # bucket `index` holds (base ** index, base ** (index + 1)], its mirror [-base ** (index + 1), -base ** index)
    at_upper_bound: dict[float, int] = {}
    for index in _span(negative):
        at_upper_bound[-_power(index, scale)] = negative[index]
    if point.zero_count or negative:
        at_upper_bound[float(getattr(point, "zero_threshold", 0.0))] = point.zero_count
    elif positive:
        at_upper_bound[_power(min(positive), scale)] = 0
    for index in _span(positive):
        at_upper_bound[_power(index + 1, scale)] = positive[index]
    bounds = sorted(at_upper_bound)
    return HistogramDataPoint(
        attributes=point.attributes,
        start_time_unix_nano=point.start_time_unix_nano,
        time_unix_nano=point.time_unix_nano,
        count=point.count,
        sum=point.sum,
        bucket_counts=[*(at_upper_bound[bound] for bound in bounds), 0],
        explicit_bounds=bounds,
        min=point.min,
        max=point.max,
        exemplars=point.exemplars,
    )


def _merged(offset: int, counts: Sequence[int], shift: int) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    for position, count in enumerate(counts):
        if count:
            found[(offset + position) >> shift] += count
    return found


def _span(buckets: dict[int, int]) -> range:
    """Every index from the lowest filled bucket to the highest: a gap would be a series that comes and goes."""
    return range(min(buckets), max(buckets) + 1) if buckets else range(0)


def _power(index: int, scale: int) -> float:
    try:
        return float(2.0 ** (index * 2.0**-scale))
    except OverflowError:
        return float("inf")
