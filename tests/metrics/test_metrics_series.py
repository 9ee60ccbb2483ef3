"""Series: which measurements share one, how many there may be, and what a handle holds over init() and shutdown()."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import DropAggregation, View

import otel_trading as ot
from otel_trading.ground import diagnostics
from otel_trading.metrics import instruments, provider
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.testing import capture
from otel_trading.testing.captured import points

OVERFLOW = {"otel.metric.overflow": True}


def told(reader: InMemoryMetricReader, name: str) -> dict[tuple[tuple[str, Any], ...], Any]:
    """Value or sum of each series, by its attributes."""
    return {
        tuple(sorted(point.attributes.items())): point.value if point.sum is None else point.sum
        for point in points(reader.get_metrics_data())
        if point.name == name
    }


def made(views: list[Any] | None = None, **more: Any) -> tuple[Any, InMemoryMetricReader]:
    """A meter over cells, and its reader."""
    reader = InMemoryMetricReader()
    return CellMeterProvider([reader], shutdown_on_exit=False, views=views or [], **more).get_meter("m"), reader


def test_handles_and_calls_with_equal_attributes_share_a_series() -> None:
    """In any order, bound or not; True, 1 and 1.0 are different."""
    meter, reader = made()
    orders = meter.create_counter("orders")
    handle = orders.bind({"a": 1, "b": "x"})
    assert orders.bind(b="x", a=1) is handle
    handle.add(2)
    orders.add(3, {"b": "x", "a": 1})
    orders.add(5, {"a": True, "b": "x"})
    orders.add(7, {"a": 1.0, "b": "x"})
    collected = points(reader.get_metrics_data())
    found = sorted((type(point.attributes["a"]).__name__, point.value) for point in collected)
    assert found == [("bool", 5), ("float", 7), ("int", 5)]


def test_a_handle_bound_after_the_first_call_records_into_the_same_series() -> None:
    """It passes on what it gets."""
    meter, reader = made()
    latency = meter.create_histogram("latency", unit="s")
    latency.record(1, {"venue": "x"})
    latency.bind(venue="x").record(2)
    with latency.bind(venue="x").time():
        pass
    found = told(reader, "latency")
    assert list(found) == [(("venue", "x"),)]
    assert 3 <= found[(("venue", "x"),)] < 4


def test_dropped_attributes_join_series_and_an_allow_list_names_the_rest_other() -> None:
    """Handles with different attributes then share one."""
    view = ot.HistogramView("latency", keep_attributes=["symbol"], allow={"symbol": ["BTC", "ETH"]})
    meter, reader = made([view])
    latency = meter.create_histogram("latency", unit="s")
    for symbol, order in (("BTC", 1), ("BTC", 2), ("DOGE", 3), ("SHIB", 4)):
        latency.bind(symbol=symbol, order=order).record(order)
        latency.record(10 * order, {"symbol": symbol, "order": order})
    assert told(reader, "latency") == {(("symbol", "BTC"),): 33, (("symbol", "other"),): 77}


def test_over_the_limit_everything_goes_into_one_series_and_earlier_ones_keep_theirs() -> None:
    """The limit counts the overflow series too, as the specification says."""
    meter, reader = made(cardinality_limit=3)
    orders = meter.create_counter("orders")
    early = orders.bind(n=0)
    for number in range(10):
        orders.add(1, {"n": number})
    orders.bind(n=99).add(100)
    early.add(5)
    assert told(reader, "orders") == {(("n", 0),): 6, (("n", 1),): 1, (("otel.metric.overflow", True),): 108}


def test_a_view_has_a_limit_of_its_own() -> None:
    """The provider's is for the others."""
    meter, reader = made([ot.HistogramView("latency", cardinality_limit=2)], cardinality_limit=5)
    for name in ("latency", "size"):
        histogram = meter.create_histogram(name)
        for number in range(9):
            histogram.record(1, {"n": number})
    assert len(told(reader, "latency")) == 2
    assert len(told(reader, "size")) == 5


def test_any_number_of_label_values_takes_no_more_series_than_the_limit_and_loses_no_measurement() -> None:
    """The sum is exact."""
    meter, reader = made()
    orders = meter.create_counter("orders")
    for number in range(20_000):
        orders.add(1, {"order": str(number)})
    found = told(reader, "orders")
    assert len(found) == 2000
    assert sum(found.values()) == 20_000
    assert found[(("otel.metric.overflow", True),)] == 18_001


def test_the_memory_of_all_series_is_limited() -> None:
    """A histogram with many buckets uses it up sooner."""
    meter, reader = made(memory_limit_bytes=10_000)
    latency = meter.create_histogram("latency")
    for number in range(100):
        latency.record(1, {"n": number})
    found = told(reader, "latency")
    assert 5 < len(found) < 30
    assert sum(found.values()) == 100
    assert (("otel.metric.overflow", True),) in found


def test_a_handle_gets_a_new_series_at_each_init_by_the_views_of_then() -> None:
    """Joined by one view, apart again without it."""
    latency = ot.meter().create_histogram("revived.latency", unit="s")
    handles = [latency.bind(venue=venue, n=1) for venue in "ab"]
    join = ot.HistogramView("revived.*", keep_attributes=["n"])
    for views, expected in (([join], {3: {"n": 1}}), ([], {1: {"venue": "a", "n": 1}, 2: {"venue": "b", "n": 1}})):
        with capture(views=views) as again:
            for number, handle in enumerate(handles):
                handle.record(number + 1)
        assert {point.sum: point.attributes for point in again.metrics} == expected
    for handle in handles:
        handle.record(1)  # nobody listens, nothing raises


def test_an_instrument_with_several_sdk_views_has_several_streams() -> None:
    """Bound and unbound."""
    views = [
        View(instrument_name="latency", name="by.venue", attribute_keys={"venue"}),
        View(instrument_name="latency", name="by.symbol", attribute_keys={"symbol"}, description="Of the view."),
    ]
    meter, reader = made(views)
    latency = meter.create_histogram("latency", unit="s", description="Of the instrument.")
    latency.record(1, {"venue": "x", "symbol": "BTC"})
    latency.bind(venue="y", symbol="BTC").record(2)
    assert told(reader, "by.venue") == {(("venue", "x"),): 1, (("venue", "y"),): 2}
    assert told(reader, "by.symbol") == {(("symbol", "BTC"),): 3}


def test_a_dropped_instrument_is_not_enabled_and_costs_nothing_but_a_call() -> None:
    """An instrument before init() is not enabled either."""
    meter, reader = made([View(instrument_name="noise", aggregation=DropAggregation())])
    noise, orders = meter.create_counter("noise"), meter.create_counter("orders")
    assert (noise.enabled(), orders.enabled()) == (False, True)
    noise.add(1)
    noise.bind(a=1).add(1)
    assert reader.get_metrics_data() is None
    assert not ot.meter().create_counter("asleep").enabled()
    assert diagnostics.troubles() == {}


def test_handles_meters_and_instruments_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes over is counted, said once, and harms nothing."""
    monkeypatch.setattr(instruments, "HANDLES", 2)
    monkeypatch.setattr(provider, "METERS", 2)
    monkeypatch.setattr(provider, "INSTRUMENTS", 2)
    diagnostics.forget()
    meter, reader = made()
    orders = meter.create_counter("orders")
    for number in range(4):
        orders.bind(n=number).add(1)
    assert told(reader, "orders") == {(("n", 0),): 1, (("n", 1),): 1, (("otel.metric.overflow", True),): 2}
    meter.create_counter("second").add(1)
    meter.create_counter("third").add(1)
    assert told(reader, "third") == {}
    own = provider.DelegatingMeterProvider()
    for name in "abc":
        own.get_meter(name).create_counter("c").add(1)
    assert set(diagnostics.troubles()) == {
        "metrics.too_many_handles",
        "metrics.too_many_instruments",
        "metrics.too_many_meters",
    }


def test_histograms_with_a_boundary_below_zero_take_negative_values() -> None:
    """Slippage has a sign."""
    meter, reader = made([ot.HistogramView("slippage", boundaries=[-5, 0, 5])])
    slippage = meter.create_histogram("slippage", unit="bps")
    for value in (-7, -5, 3):
        slippage.record(value)
    (point,) = points(reader.get_metrics_data())
    assert (point.sum, point.count, point.bucket_counts) == (-9, 3, (2, 0, 1, 0))


def test_advised_attributes_are_kept_where_no_view_says_otherwise() -> None:
    """Of every kind of instrument; a view wins; wrong advice keeps all."""
    meter, reader = made([View(instrument_name="viewed", attribute_keys={"symbol"})])
    for name in ("advised", "viewed"):
        counter = meter.create_counter(name, attributes_advisory=["venue"])
        counter.add(1, {"venue": "x", "symbol": "BTC", "order": 1})
        counter.bind(venue="x", symbol="BTC", order=2).add(1)
    histogram = meter.create_histogram("latency", attributes_advisory=())
    histogram.record(1, {"venue": "x"})
    wrong = meter.create_gauge("wrong", attributes_advisory="venue")
    wrong.set(3, {"book": "a"})
    assert told(reader, "advised") == {(("venue", "x"),): 2}
    assert told(reader, "viewed") == {(("symbol", "BTC"),): 2}
    assert told(reader, "latency") == {(): 1}
    assert told(reader, "wrong") == {(("book", "a"),): 3}
    assert diagnostics.troubles()["metrics.invalid_advisory"] == 1
