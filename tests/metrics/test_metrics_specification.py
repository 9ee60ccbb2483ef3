"""Sentences of the metrics specification that no other test shows."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from opentelemetry.metrics import Counter, Histogram, Observation, UpDownCounter
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, Sum
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource

from otel_trading.ground import diagnostics
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.sdk import ApiGauge
from otel_trading.testing.captured import points

SYNCHRONOUS = {
    "create_counter": (Counter, "add"),
    "create_up_down_counter": (UpDownCounter, "add"),
    "create_histogram": (Histogram, "record"),
    "create_gauge": (ApiGauge, "set"),
}


def made(**more: Any) -> tuple[CellMeterProvider, InMemoryMetricReader]:
    """A provider and its reader."""
    reader = InMemoryMetricReader()
    return CellMeterProvider([reader], shutdown_on_exit=False, **more), reader


def metrics(reader: InMemoryMetricReader) -> dict[str, Any]:
    """The collected metrics by name."""
    data = reader.get_metrics_data()
    scopes = data.resource_metrics[0].scope_metrics if data is not None else []
    return {metric.name: metric for scope in scopes for metric in scope.metrics}


def test_providers_are_independent() -> None:
    """Any number of them."""
    (first, one), (second, two) = made(), made()
    first.get_meter("m").create_counter("orders").add(1)
    second.get_meter("m").create_counter("orders").add(2)
    assert [point.value for reader in (one, two) for point in points(reader.get_metrics_data())] == [1, 2]


def test_a_meter_is_its_scope_with_the_resource_of_the_provider() -> None:
    """Name, version, schema and attributes; equal scopes give the same meter."""
    resource = Resource({"service.name": "risk"})
    provider, reader = made(resource=resource)
    meter = provider.get_meter("m", "1.2", "https://example.org/schema", {"desk": "7"})
    assert provider.get_meter("m", "1.2", "https://example.org/schema", {"desk": "7"}) is meter
    assert provider.get_meter("m", "1.3") is not meter
    meter.create_counter("orders").add(1)
    data = reader.get_metrics_data()
    assert data is not None
    assert data.resource_metrics[0].resource.attributes == {"service.name": "risk"}
    scope = data.resource_metrics[0].scope_metrics[0].scope
    assert (scope.name, scope.version, scope.schema_url) == ("m", "1.2", "https://example.org/schema")
    assert dict(scope.attributes or {}) == {"desk": "7"}


@pytest.mark.parametrize("name", ["", None])
def test_a_meter_without_a_name_works(name: Any) -> None:
    """It is a mistake, and no reason to lose data."""
    provider, reader = made()
    provider.get_meter(name).create_counter("orders").add(3)
    assert [point.value for point in points(reader.get_metrics_data())] == [3]


@pytest.mark.parametrize("create", SYNCHRONOUS)
def test_instruments_have_name_kind_unit_and_description(create: str) -> None:
    """And their points have them."""
    provider, reader = made()
    kind, method = SYNCHRONOUS[create]
    instrument = getattr(provider.get_meter("m"), create)("trading.thing", unit="{thing}", description="A thing.")
    assert isinstance(instrument, kind)
    getattr(instrument, method)(2, {"venue": "x"})
    (metric,) = metrics(reader).values()
    assert (metric.name, metric.unit, metric.description) == ("trading.thing", "{thing}", "A thing.")


@pytest.mark.parametrize(
    "create", ["create_observable_counter", "create_observable_up_down_counter", "create_observable_gauge"]
)
def test_asynchronous_instruments_of_each_kind_are_read(create: str) -> None:
    """With unit and description."""
    provider, reader = made()
    getattr(provider.get_meter("m"), create)("thing", [lambda _: [Observation(5)]], unit="{thing}", description="A.")
    (metric,) = metrics(reader).values()
    assert (metric.unit, metric.description, metric.data.data_points[0].value) == ("{thing}", "A.", 5)


@pytest.mark.parametrize("name", ["", "1st", "with space", "a" * 256, "naïve"])
def test_names_that_the_syntax_forbids_are_counted_and_record_nothing(name: str) -> None:
    """Nothing raises."""
    diagnostics.forget()
    provider, reader = made()
    provider.get_meter("m").create_counter(name).add(1)
    assert reader.get_metrics_data() is None
    assert diagnostics.troubles() == {"metrics.create_failed": 1}


@pytest.mark.parametrize("unit", ["a" * 64, "µs"])
def test_units_that_the_syntax_forbids_are_counted_and_record_nothing(unit: str) -> None:
    """At most 63 ASCII letters."""
    diagnostics.forget()
    provider, reader = made()
    provider.get_meter("m").create_counter("orders", unit=unit).add(1)
    assert reader.get_metrics_data() is None
    assert diagnostics.troubles() == {"metrics.create_failed": 1}


def test_descriptions_may_be_long_and_of_any_letters() -> None:
    """1,023 at least, beyond the basic plane too."""
    text = "Ordres envoyés à la bourse 📈 " * 40
    provider, reader = made()
    provider.get_meter("m").create_counter("orders", description=text).add(1)
    assert metrics(reader)["orders"].description == text


def test_equal_instruments_are_one_and_the_first_spelling_of_the_name_stays() -> None:
    """Names differ in case only."""
    provider, reader = made()
    meter = provider.get_meter("m")
    first, second = meter.create_counter("Orders"), meter.create_counter("ORDERS")
    assert first is second
    second.add(1)
    first.add(2)
    assert [(point.name, point.value) for point in points(reader.get_metrics_data())] == [("Orders", 3)]


def test_a_conflicting_instrument_works_and_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    """Both are exported."""
    provider, reader = made()
    meter = provider.get_meter("m")
    meter.create_counter("orders", unit="{order}").add(1)
    meter.create_counter("orders", unit="s").add(2)
    found = sorted((point.unit, point.value) for point in points(reader.get_metrics_data()))
    assert found == [("s", 2), ("{order}", 1)]
    assert "orders" in caplog.text


def test_equal_names_under_different_meters_do_not_conflict(caplog: pytest.LogCaptureFixture) -> None:
    """Each scope has its own."""
    provider, reader = made()
    for number, name in enumerate(("a", "b")):
        provider.get_meter(name).create_counter("orders").add(number + 1)
    assert sorted(point.value or 0 for point in points(reader.get_metrics_data())) == [1, 2]
    assert caplog.text == ""


def test_a_view_that_matches_all_drops_what_a_later_one_brings_back() -> None:
    """Every view that matches makes a stream."""
    provider, reader = made(
        views=[View(instrument_name="*", aggregation=DropAggregation()), View(instrument_name="orders")]
    )
    meter = provider.get_meter("m")
    for name in ("orders", "noise"):
        meter.create_counter(name).add(1)
    assert list(metrics(reader)) == ["orders"]


def test_a_view_renames_describes_and_aggregates() -> None:
    """Sum and last value of a histogram, exponential buckets of a counter."""
    provider, reader = made(
        views=[
            View(instrument_name="latency", name="latency.sum", description="Sum.", aggregation=SumAggregation()),
            View(instrument_name="latency", name="latency.last", aggregation=LastValueAggregation()),
            View(instrument_name="orders", aggregation=ExponentialBucketHistogramAggregation()),
        ]
    )
    meter = provider.get_meter("m")
    for value in (1, 4):
        meter.create_histogram("latency", unit="s", description="Own.").record(value)
        meter.create_counter("orders").add(value)
    found = metrics(reader)
    assert isinstance(found["latency.sum"].data, Sum)
    assert (found["latency.sum"].description, found["latency.last"].description) == ("Sum.", "Own.")
    assert found["latency.sum"].data.data_points[0].value == 5
    assert found["latency.last"].data.data_points[0].value == 4
    assert found["orders"].data.data_points[0].count == 2


def test_meters_instruments_and_series_are_made_once_by_many_threads() -> None:
    """And no measurement is lost while readers collect."""
    provider, reader = made()
    start = threading.Barrier(8)
    rounds, threads = 300, 8

    def work(number: int) -> None:
        start.wait()
        for turn in range(rounds):
            meter = provider.get_meter(f"m{turn % 5}")
            meter.create_counter(f"orders{turn % 7}").add(1, {"n": turn % 11})
            meter.create_histogram("latency").bind(n=turn % 3).record(number)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        reader.collect()
    found = points(reader.get_metrics_data())
    assert sum(point.value or 0 for point in found if point.name != "latency") == rounds * threads
    assert sum(point.count or 0 for point in found if point.name == "latency") == rounds * threads
    assert len({(point.name, *point.attributes.items()) for point in found if point.name == "latency"}) == 3


def test_each_series_starts_with_its_own_first_measurement() -> None:
    """Cumulative points tell since when they count."""
    provider, reader = made()
    orders = provider.get_meter("m").create_counter("orders")
    orders.add(1, {"n": 1})
    reader.collect()
    orders.add(1, {"n": 2})
    data_points = metrics(reader)["orders"].data.data_points
    starts = {point.attributes["n"]: point.start_time_unix_nano for point in data_points}
    assert starts[1] < starts[2] <= data_points[0].time_unix_nano
