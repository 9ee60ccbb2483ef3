"""Collections to one OTLP request."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.sdk.metrics import Counter, Exemplar, Histogram
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)  # fmt: skip
from opentelemetry.sdk.metrics.export import Histogram as Histograms
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_trading.delivery.metrics_request import metrics_request
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.metrics.histogram_view import HistogramView, exponential


def collected(reader: InMemoryMetricReader) -> MetricsData:
    found = reader.get_metrics_data()
    assert found is not None
    return found


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
    request = ExportMetricsServiceRequest.FromString(metrics_request(waiting))
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
    request = ExportMetricsServiceRequest.FromString(metrics_request([collected(reader)]))
    found = [
        (metric.name, [(point.zero_threshold, point.zero_count) for point in metric.exponential_histogram.data_points])
        for metric in metrics(request)
    ]
    of_scope: list[Any] = [("before", [(0, 0)] * 2), ("coarse", [(2, 1)] * 2), ("after", [(0, 0)] * 2), ("count", [])]
    assert found == of_scope * 2


def test_it_says_what_the_stock_encoder_says() -> None:
    """Of each kind of metric, with more points than are encoded at a time, two scopes, and one without points."""
    reader = InMemoryMetricReader({}, {})
    resource = Resource({"service.name": "risk", "shard": 3}, "https://opentelemetry.io/schemas/1.30.0")
    views = [HistogramView("grown", boundaries=exponential())]
    provider = CellMeterProvider([reader], resource, shutdown_on_exit=False, views=views)
    for scope in ("a", "b"):
        meter = provider.get_meter(scope, "1.2", "https://example.com/schema", {"desk": "fx"})
        meter.create_observable_gauge("empty", [lambda _: []])
        for number in range(11):
            series = {"venue": f"v{number}", "live": number % 2 == 0, "weights": [0.5, 1.5]}
            meter.create_counter("orders", "1", "sent").add(number, series)
            meter.create_up_down_counter("open").add(-number / 3, series)
            meter.create_gauge("price").set(number * 1.5, series)
            meter.create_histogram("latency", "s").record(number, series)
            meter.create_histogram("grown", "s").record(number - 5.0, series)
    data = collected(reader)
    expected: Any = encode_metrics(data)
    for metric in metrics(expected):
        for point in metric.exponential_histogram.data_points:
            point.zero_threshold = 0.0
    assert expected == ExportMetricsServiceRequest.FromString(metrics_request([data]))


DOUBLES = st.floats(allow_nan=False)
INT64 = st.integers(-(1 << 63), (1 << 63) - 1)
UINT64 = st.integers(0, (1 << 64) - 1)
ATTRIBUTES = st.dictionaries(st.text("abc", min_size=1), st.text("xyz") | INT64 | st.booleans() | DOUBLES, max_size=3)
EXEMPLARS = st.lists(
    st.builds(
        Exemplar,
        ATTRIBUTES,
        INT64 | DOUBLES,
        UINT64,
        st.none() | st.integers(1, (1 << 64) - 1),
        st.none() | st.integers(1, (1 << 128) - 1),
    ),
    max_size=2,
)
NUMBERS = st.builds(NumberDataPoint, ATTRIBUTES, st.none() | UINT64, UINT64, INT64 | DOUBLES, EXEMPLARS)
HISTOGRAMS = st.builds(
    HistogramDataPoint,
    ATTRIBUTES,
    UINT64,
    UINT64,
    UINT64,
    DOUBLES,
    st.lists(UINT64, max_size=3),
    st.lists(DOUBLES, max_size=2),
    DOUBLES,
    DOUBLES,
    EXEMPLARS,
)
TEMPORALITIES = st.sampled_from(AggregationTemporality)
DATA = (
    st.builds(Gauge, st.lists(NUMBERS, max_size=3))
    | st.builds(Sum, st.lists(NUMBERS, max_size=3), TEMPORALITIES, st.booleans())
    | st.builds(Histograms, st.lists(HISTOGRAMS, max_size=3), TEMPORALITIES)
)
TEXTS = st.text(max_size=5)


@given(st.lists(st.builds(Metric, TEXTS, TEXTS, TEXTS, DATA), max_size=3))
def test_each_field_is_what_the_stock_encoder_says(metrics_: list[Any]) -> None:
    """With exemplars, extreme numbers, empty parts."""
    data = MetricsData([ResourceMetrics(Resource({}), [ScopeMetrics(InstrumentationScope("a"), metrics_, "")], "")])
    assert encode_metrics(data) == ExportMetricsServiceRequest.FromString(metrics_request([data]))
