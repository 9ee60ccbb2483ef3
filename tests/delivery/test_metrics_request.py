"""Collections to one OTLP request."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics import Counter, Histogram
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource

from otel_trading.delivery.metrics_request import metrics_request
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.metrics.histogram_view import HistogramView, exponential

DELTA: dict[type, AggregationTemporality] = {Counter: AggregationTemporality.DELTA}


def metrics(request: Any) -> list[Any]:
    """The metrics of a request, in order."""
    return [metric for part in request.resource_metrics for scope in part.scope_metrics for metric in scope.metrics]


def test_collections_that_wait_together_are_all_in_the_request() -> None:
    """They have the same resource; none takes the place of another."""
    reader = InMemoryMetricReader(DELTA)
    provider = CellMeterProvider([reader], Resource({"service.name": "risk"}), shutdown_on_exit=False)
    orders = provider.get_meter("m").create_counter("orders")
    waiting: list[Any] = []
    for amount in (1, 2, 4):
        orders.add(amount)
        waiting.append(reader.get_metrics_data())
    request = metrics_request(waiting)
    assert [metric.sum.data_points[0].as_int for metric in metrics(request)] == [1, 2, 4]
    assert {part.resource.attributes[0].value.string_value for part in request.resource_metrics} == {"risk"}


def test_zero_thresholds_are_those_of_their_points() -> None:
    """Between others that have none, in several scopes."""
    reader = InMemoryMetricReader({}, {Histogram: ExponentialBucketHistogramAggregation()})
    views = [HistogramView("coarse", boundaries=exponential(zero_threshold=2))]
    provider = CellMeterProvider([reader], shutdown_on_exit=False, views=views)
    for scope in ("a", "b"):
        meter = provider.get_meter(scope)
        for name in ("before", "coarse", "after"):
            for venue in ("x", "y"):
                meter.create_histogram(name).record(1, {"venue": venue})
        meter.create_counter("count").add(1)
    found = [
        (metric.name, [(point.zero_threshold, point.zero_count) for point in metric.exponential_histogram.data_points])
        for metric in metrics(metrics_request([reader.get_metrics_data()]))  # type: ignore[list-item]
    ]
    of_scope: list[Any] = [("before", [(0, 0)] * 2), ("coarse", [(2, 1)] * 2), ("after", [(0, 0)] * 2), ("count", [])]
    assert found == of_scope * 2
