"""Exemplars keep the attributes of a measurement that its series does not have."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import Histogram, SimpleFixedSizeExemplarReservoir
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.trace import TracerProvider

import otel_trading as ot
from otel_trading.metrics.cell_provider import CellMeterProvider

VENUE = View(instrument_name="latency", attribute_keys={"venue"})
MEASURED = {"venue": "x", "order.id": "A1", "legs": ["buy", "sell"]}
DROPPED = {"order.id": "A1", "legs": ("buy", "sell")}


@pytest.fixture(autouse=True)
def _sampled() -> Iterator[None]:
    """A sampled span is current."""
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("order"):
        yield


def made(*views: Any, readers: int = 1, **more: Any) -> tuple[Any, list[InMemoryMetricReader]]:
    """A histogram and its readers, the second of which has deltas."""
    delta: dict[type, AggregationTemporality] = {Histogram: AggregationTemporality.DELTA}
    given = [InMemoryMetricReader(), InMemoryMetricReader(delta)][:readers]
    provider = CellMeterProvider(given, shutdown_on_exit=False, views=views, **more)
    return provider.get_meter("m").create_histogram("latency"), given


def filtered(reader: InMemoryMetricReader) -> dict[str, list[dict[str, Any]]]:
    """What exemplars keep, by metric."""
    data = reader.get_metrics_data()
    assert data is not None
    return {
        metric.name: [
            dict(one.filtered_attributes or {}) for point in metric.data.data_points for one in point.exemplars
        ]
        for metric in data.resource_metrics[0].scope_metrics[0].metrics
    }


def test_a_call_keeps_what_the_view_dropped_for_every_reader() -> None:
    """Those of the measurement that was taken, also where the series is another call's."""
    latency, readers = made(VENUE, readers=2)
    latency.record(3, MEASURED)
    latency.record(3, {"venue": "x", "order.id": "B2"})
    latency.record(80, {"venue": "x", "order.id": "C3"})
    for reader in readers:
        assert filtered(reader) == {"latency": [DROPPED, {"order.id": "C3"}]}


def test_a_call_whose_attributes_are_all_kept_filters_nothing() -> None:
    """Neither does one without attributes."""
    latency, (reader,) = made()
    latency.record(3, MEASURED)
    latency.record(80)
    assert filtered(reader) == {"latency": [{}, {}]}


def test_each_handle_keeps_its_own() -> None:
    """The one that made the series, those that share it, and calls in between."""
    latency, (reader,) = made(VENUE)
    first, second = latency.bind(MEASURED), latency.bind({"venue": "x", "order.id": "B2"})
    first.record(3)
    second.record(8)
    latency.record(20, {"venue": "x"})
    latency.record(40, {"venue": "x", "desk": 7})
    with second.time():
        pass
    assert filtered(reader) == {"latency": [DROPPED, {"order.id": "B2"}, {}, {"desk": 7}]}


def test_a_call_without_attributes_does_not_take_those_of_a_handle() -> None:
    """Both have the series without attributes."""
    latency, (reader,) = made(View(instrument_name="latency", attribute_keys=set()))
    handle = latency.bind(order="A1")
    latency.record(3)
    handle.record(8)
    assert filtered(reader) == {"latency": [{}, {"order": "A1"}]}


def test_each_of_several_streams_filters_by_its_own_view() -> None:
    """Calls and handles."""
    views = [
        View(instrument_name="latency", name="by.venue", attribute_keys={"venue"}),
        View(instrument_name="latency", name="by.order", attribute_keys={"order.id"}),
    ]
    latency, (reader,) = made(*views)
    latency.bind(venue="x", **{"order.id": "A1"}).record(3)
    latency.record(80, {"venue": "x", "order.id": "B2"})
    latency.record(300, {"venue": "x"})
    assert filtered(reader) == {
        "by.venue": [{"order.id": "A1"}, {"order.id": "B2"}, {}],
        "by.order": [{"venue": "x"}, {"venue": "x"}, {"venue": "x"}],
    }


def test_the_overflow_keeps_all_attributes() -> None:
    """Its series has none of them; handles too."""
    latency, (reader,) = made(cardinality_limit=2)
    latency.record(1, {"n": 0})
    latency.record(3, {"n": 1})
    latency.bind(n=2).record(80)
    assert filtered(reader) == {"latency": [{}, {"n": 1}, {"n": 2}]}


def test_a_value_that_became_other_is_kept_as_it_was() -> None:
    """The series has the key with another value."""
    view = ot.HistogramView("latency", allow={"symbol": ["BTC"]}, keep_attributes=["symbol"])
    latency, (reader,) = made(view)
    latency.record(3, {"symbol": "DOGE", "side": "buy"})
    latency.record(80, {"symbol": "BTC", "side": "buy"})
    assert filtered(reader) == {"latency": [{"symbol": "DOGE", "side": "buy"}, {"side": "buy"}]}


def test_a_reservoir_of_a_view_is_offered_all_attributes() -> None:
    """The SDK's filters them itself."""
    view = View(
        instrument_name="latency",
        attribute_keys={"venue"},
        exemplar_reservoir_factory=lambda _: lambda **__: SimpleFixedSizeExemplarReservoir(size=4),
    )
    latency, (reader,) = made(view)
    latency.record(3, {"venue": "x", "order.id": "A1"})
    latency.bind({"venue": "x", "order.id": "B2"}).record(4)
    assert filtered(reader) == {"latency": [{"order.id": "A1"}, {"order.id": "B2"}]}


def test_a_page_shows_them_after_trace_and_span_as_far_as_there_is_room() -> None:
    """128 letters altogether; the trace always has its place."""
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    knobs: dict[str, Any] = {"metrics_exporter": ["prometheus"], "traces_exporter": "none", "logs_exporter": "none"}
    view = ot.HistogramView("filtered.latency", keep_attributes=["venue"], boundaries=[10])
    with ot.init("x", prometheus_port=0, stdout="off", own_metrics=False, views=[view], **knobs) as telemetry:
        latency = ot.meter().create_histogram("filtered.latency")
        latency.record(3, {"venue": "x", "order.id": "A1"})
        latency.record(30, {"venue": "x", "order.id": "A" * 200})
        request = urllib.request.Request(str(telemetry.metrics_url), headers=accept)
        with urllib.request.urlopen(request) as page:
            lines = [line for line in page.read().decode().splitlines() if line.startswith("filtered_latency_bucket")]
    trace_id = format(trace.get_current_span().get_span_context().trace_id, "032x")
    shown = [line.partition(" # ")[2] for line in lines]
    assert all(f'trace_id="{trace_id}"' in one for one in shown)
    assert ['order_id="A1"' in one for one in shown] == [True, False]
    assert "AAAA" not in shown[1]
