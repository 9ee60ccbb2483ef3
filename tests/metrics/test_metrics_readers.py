"""Readers, exemplars and asynchronous instruments of the provider over cells; instrumentation of others runs on it."""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from threading import Thread
from typing import Any

import pytest
import requests
from opentelemetry import trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.system_metrics import SystemMetricsInstrumentor
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Counter,
    Exemplar,
    ExemplarReservoir,
    Histogram,
)
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    ConsoleMetricExporter,
    InMemoryMetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from support import children

import otel_trading as ot
from otel_trading.ground import diagnostics
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.testing.captured import points

DELTA: dict[type, AggregationTemporality] = {Counter: AggregationTemporality.DELTA}


def values(reader: InMemoryMetricReader) -> dict[str, Any]:
    """Value or sum by name; each name has one series."""
    return {point.name: point.value if point.sum is None else point.sum for point in points(reader.get_metrics_data())}


def exemplars(reader: InMemoryMetricReader) -> list[Any]:
    """Of the only series."""
    data = reader.get_metrics_data()
    assert data is not None
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    (point,) = metric.data.data_points
    return list(point.exemplars)


def test_each_reader_has_its_own_state() -> None:
    """Cumulative and delta, collected at different times."""
    total, delta = InMemoryMetricReader(), InMemoryMetricReader(DELTA)
    meter = CellMeterProvider([total, delta], shutdown_on_exit=False).get_meter("m")
    orders = meter.create_counter("orders")
    found = []
    for amount in (1, 2, 4):
        orders.add(amount)
        found.append((values(total), values(delta) if amount != 2 else None))
    assert found == [({"orders": 1}, {"orders": 1}), ({"orders": 3}, None), ({"orders": 7}, {"orders": 6})]


def test_a_reader_can_come_later_and_go() -> None:
    """One that wants what is there sees what was recorded before; one that wants something else begins then."""
    first, second, delta = InMemoryMetricReader(), InMemoryMetricReader(), InMemoryMetricReader(DELTA)
    provider = CellMeterProvider([first], shutdown_on_exit=False)
    orders = provider.get_meter("m").create_counter("orders")
    handle = orders.bind()
    handle.add(1)
    provider.add_metric_reader(second)
    handle.add(2)
    assert (values(first), values(second)) == ({"orders": 3}, {"orders": 3})
    provider.remove_metric_reader(second)
    provider.add_metric_reader(delta)
    handle.add(4)
    orders.add(8)
    assert (values(first), values(delta), values(second)) == ({"orders": 15}, {"orders": 12}, {})


SUMS: dict[type, Any] = {Histogram: SumAggregation()}
EXPONENTIAL: dict[type, Any] = {Histogram: ExponentialBucketHistogramAggregation()}


def starts(reader: InMemoryMetricReader) -> dict[tuple[str, Any], int]:
    """Start times by name and venue."""
    data = reader.get_metrics_data()
    assert data is not None
    listed = data.resource_metrics[0].scope_metrics[0].metrics
    return {
        (metric.name, (point.attributes or {}).get("venue")): point.start_time_unix_nano or 0
        for metric in listed
        for point in metric.data.data_points
    }


def test_readers_that_were_there_keep_totals_and_start_times_when_another_comes() -> None:
    """Cumulative, delta, several streams; handles, calls, and series that are made later."""
    views = [View(instrument_name="latency", name="all", attribute_keys=set()), View(instrument_name="l*")]
    first, delta = InMemoryMetricReader(), InMemoryMetricReader({Histogram: AggregationTemporality.DELTA})
    provider = CellMeterProvider([first, delta], shutdown_on_exit=False, views=views)
    latency = provider.get_meter("m").create_histogram("latency")
    orders = provider.get_meter("m").create_counter("orders")
    handle, counted = latency.bind(venue="x"), orders.bind()
    handle.record(1)
    latency.record(2, {"venue": "y"})
    counted.add(1)
    before = starts(first)
    late = [InMemoryMetricReader(DELTA, SUMS), InMemoryMetricReader({}, EXPONENTIAL)]
    for reader in late:
        provider.add_metric_reader(reader)
    handle.record(4)
    latency.record(8, {"venue": "y"})
    latency.record(16, {"venue": "z"})
    counted.add(2)

    def found(reader: InMemoryMetricReader) -> dict[Any, Any]:
        listed = points(reader.get_metrics_data())
        return {(one.name, one.attributes.get("venue")): one.value if one.sum is None else one.sum for one in listed}

    everything = {("all", None): 31, ("latency", "x"): 5, ("latency", "y"): 10, ("latency", "z"): 16}
    assert found(first) == {**everything, ("orders", None): 3}
    assert found(delta) == {**everything, ("orders", None): 3}
    since = {("all", None): 28, ("latency", "x"): 4, ("latency", "y"): 8, ("latency", "z"): 16}
    assert found(late[0]) == {**since, ("orders", None): 2}
    assert found(late[1]) == {**since, ("orders", None): 3}
    assert {key: starts(first)[key] for key in before} == before
    assert starts(late[1])["latency", "x"] > before["latency", "x"]


def test_a_reader_that_wants_nothing_of_an_instrument_changes_nothing() -> None:
    """It drops what the others read."""
    first = InMemoryMetricReader()
    nothing: dict[type, Any] = {Counter: DropAggregation()}
    second = InMemoryMetricReader({}, nothing)
    provider = CellMeterProvider([first], shutdown_on_exit=False)
    orders = provider.get_meter("m").create_counter("orders")
    orders.add(1)
    provider.add_metric_reader(second)
    orders.add(2)
    assert (values(first), values(second)) == ({"orders": 3}, {})


def test_what_nobody_read_begins_when_a_reader_wants_it() -> None:
    """Handles from before record into it."""
    nothing: dict[type, Any] = {Counter: DropAggregation()}
    first, second = InMemoryMetricReader({}, nothing), InMemoryMetricReader()
    provider = CellMeterProvider([first], shutdown_on_exit=False)
    orders = provider.get_meter("m").create_counter("orders")
    handle = orders.bind()
    handle.add(1)
    provider.add_metric_reader(second)
    handle.add(2)
    orders.add(4)
    assert (values(first), values(second)) == ({}, {"orders": 6})


def test_a_reader_that_comes_later_has_exemplars_and_reservoirs_too(sampled: trace.SpanContext) -> None:
    """Of what is recorded from then on."""
    view = View(instrument_name="kept", exemplar_reservoir_factory=lambda _: lambda **__: Largest())
    for name in ("kept", "plain"):
        provider = CellMeterProvider([InMemoryMetricReader()], shutdown_on_exit=False, views=[view])
        late = InMemoryMetricReader({}, EXPONENTIAL)
        handle = provider.get_meter(name).create_histogram(name).bind()
        handle.record(100)
        provider.add_metric_reader(late)
        handle.record(7)
        assert [one.value for one in exemplars(late)] == [7], name


def test_readers_that_come_and_go_leave_nothing_behind() -> None:
    """The next delta reader gets what the last one had, empty."""
    first = InMemoryMetricReader()
    provider = CellMeterProvider([first], shutdown_on_exit=False)
    orders = provider.get_meter("m").create_counter("orders")
    for _ in range(5):
        delta = InMemoryMetricReader(DELTA)
        orders.add(1)
        provider.add_metric_reader(delta)
        orders.add(2)
        assert values(delta) == {"orders": 2}
        orders.add(4)
        provider.remove_metric_reader(delta)
    (stream,) = provider.streams()
    assert len(stream.storages) == 2
    assert values(first) == {"orders": 35}


@pytest.mark.parametrize("create", ["create_counter", "create_histogram"])
def test_the_last_value_of_what_takes_no_negative_numbers_is_none(create: str) -> None:
    """They are refused and counted, whatever a view makes of the others."""
    diagnostics.forget()
    reader = InMemoryMetricReader()
    view = View(instrument_name="last", aggregation=LastValueAggregation())
    meter = CellMeterProvider([reader], shutdown_on_exit=False, views=[view]).get_meter("m")
    made = getattr(meter, create)("last")
    record = made.add if create == "create_counter" else made.record
    for value in (3, -1, -2.5):
        record(value)
    assert values(reader) == {"last": 3}
    assert diagnostics.troubles() == {"metrics.negative_value": 2}


def test_the_stock_prometheus_reader_gets_explicit_buckets_of_an_exponential_histogram() -> None:
    """It cannot carry the others, and would end the whole scrape."""
    registry = CollectorRegistry()
    reader = PrometheusMetricReader(registry=registry)
    view = View(instrument_name="latency", aggregation=ExponentialBucketHistogramAggregation())
    meter = CellMeterProvider([reader], shutdown_on_exit=False, views=[view]).get_meter("m")
    for value in (1, 2, 4):
        meter.create_histogram("latency", unit="s").record(value)
    families = {family.name: family for family in text_string_to_metric_families(generate_latest(registry).decode())}
    buckets = {one.labels["le"]: one.value for one in families["latency_seconds"].samples if "le" in one.labels}
    assert (buckets["1.0"], buckets["2.0"], buckets["4.0"], buckets["+Inf"]) == (1, 2, 3, 3)


def test_a_periodic_reader_exports_at_flush_and_shutdown() -> None:
    """Any SDK reader works; a second shutdown does nothing."""
    out = StringIO()
    reader = PeriodicExportingMetricReader(ConsoleMetricExporter(out=out), export_interval_millis=3_600_000)
    provider = CellMeterProvider([reader], shutdown_on_exit=False)
    counter = provider.get_meter("m").create_counter("flushed")
    counter.add(3)
    assert provider.force_flush()
    assert '"value": 3' in out.getvalue()
    counter.add(4)
    provider.shutdown()
    provider.shutdown()
    assert '"value": 7' in out.getvalue()
    counter.add(1)


@pytest.fixture
def sampled() -> Iterator[trace.SpanContext]:
    """A recording span is current."""
    with TracerProvider(shutdown_on_exit=False).get_tracer("t").start_as_current_span("order") as span:
        yield span.get_span_context()


def test_an_exemplar_a_bucket_is_taken_in_a_sampled_span(sampled: trace.SpanContext) -> None:
    """And again after each collection, by each reader."""
    readers = [InMemoryMetricReader(), InMemoryMetricReader()]
    meter = CellMeterProvider(readers, shutdown_on_exit=False).get_meter("m")
    handle = meter.create_histogram("latency", explicit_bucket_boundaries_advisory=[10]).bind()
    for value in (1, 2, 11, 12):
        handle.record(value)
    for reader in readers:
        found = exemplars(reader)
        assert [(one.value, one.trace_id, one.span_id) for one in found] == [
            (1, sampled.trace_id, sampled.span_id),
            (11, sampled.trace_id, sampled.span_id),
        ]
        assert found[0].time_unix_nano > 0
    assert exemplars(readers[0]) == []
    handle.record(3)
    assert [one.value for one in exemplars(readers[0])] == [3]


@pytest.mark.parametrize(
    ("wanted", "count"), [(None, 0), (AlwaysOnExemplarFilter(), 1), (AlwaysOffExemplarFilter(), 0)]
)
def test_without_a_span_the_filter_decides(wanted: Any, count: int) -> None:
    """Trace based is the default."""
    reader = InMemoryMetricReader()
    meter = CellMeterProvider([reader], exemplar_filter=wanted, shutdown_on_exit=False).get_meter("m")
    meter.create_counter("orders").add(5)
    assert [(one.value, one.trace_id) for one in exemplars(reader)] == [(5, None)] * count


def test_always_off_takes_none_in_a_span_either(sampled: trace.SpanContext) -> None:
    """Nothing is offered at all."""
    reader = InMemoryMetricReader()
    off = AlwaysOffExemplarFilter()
    meter = CellMeterProvider([reader], exemplar_filter=off, shutdown_on_exit=False).get_meter("m")
    meter.create_counter("orders").add(5)
    assert exemplars(reader) == []


class Largest(ExemplarReservoir):
    """Keeps the largest value, as an application might want it."""

    def __init__(self, **_: Any) -> None:
        self.kept: Exemplar | None = None

    def offer(self, value: int | float, time_unix_nano: int, attributes: Any, context: Any) -> None:
        """Compares."""
        if self.kept is None or value > self.kept.value:
            span = trace.get_current_span(context).get_span_context()
            self.kept = Exemplar({}, value, time_unix_nano, span.span_id, span.trace_id)

    def collect(self, point_attributes: Any) -> list[Exemplar]:
        """Begins anew."""
        found, self.kept = self.kept, None
        return [found] if found is not None else []


def test_a_view_may_bring_a_reservoir_of_its_own(sampled: trace.SpanContext) -> None:
    """It sees every measurement that the filter lets through."""
    reader = InMemoryMetricReader()
    view = View(instrument_name="latency", exemplar_reservoir_factory=lambda _: lambda **__: Largest())
    meter = CellMeterProvider([reader], shutdown_on_exit=False, views=[view]).get_meter("m")
    handle = meter.create_histogram("latency").bind(venue="x")
    for value in (1, 9, 3, 700, 2):
        handle.record(value)
    (found,) = exemplars(reader)
    assert (found.value, found.trace_id) == (700, sampled.trace_id)
    handle.record(5)
    with trace.use_span(trace.INVALID_SPAN):
        handle.record(8)
    assert [one.value for one in exemplars(reader)] == [5]


def test_asynchronous_instruments_are_forwarded_to_the_sdk_with_its_views() -> None:
    """Their points stand beside those of cells, in the same scope; True is 1 for both."""
    reader = InMemoryMetricReader()
    views = [View(instrument_name="position", name="position.renamed", attribute_keys={"book"})]
    meter = CellMeterProvider([reader], shutdown_on_exit=False, views=views).get_meter("m", "1.0")
    meter.create_observable_gauge("position", [lambda _: [Observation(7, {"book": "a", "id": 1})]], unit="{contract}")
    meter.create_observable_counter("ticks", [lambda _: [Observation(9)]])
    meter.create_observable_gauge("open", [lambda _: [Observation(True)]])
    meter.create_counter("orders").add(2)
    meter.create_gauge("closed").set(True)
    data = reader.get_metrics_data()
    assert data is not None
    (scope,) = data.resource_metrics[0].scope_metrics
    assert (scope.scope.name, scope.scope.version) == ("m", "1.0")
    found = {point.name: (point.value, point.attributes) for point in points(data)}
    assert found == {
        "position.renamed": (7, {"book": "a"}),
        "ticks": (9, {}),
        "orders": (2, {}),
        "open": (1, {}),
        "closed": (1, {}),
    }
    assert {type(value) for value, _ in found.values()} == {int}


@pytest.fixture
def url() -> Iterator[str]:
    """A web server that says 200."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


def test_instrumentation_of_requests_records_into_cells(url: str) -> None:
    """Its histogram of durations, with advisory boundaries of its own."""
    reader = InMemoryMetricReader()
    instrumentor = RequestsInstrumentor()
    instrumentor.instrument(meter_provider=CellMeterProvider([reader], shutdown_on_exit=False))
    try:
        requests.get(url, timeout=5)
    finally:
        instrumentor.uninstrument()
    (point,) = [one for one in points(reader.get_metrics_data()) if one.name == "http.client.duration"]
    assert (point.unit, point.count, point.attributes["http.status_code"]) == ("ms", 1, 200)
    assert point.sum is not None
    assert 0 <= point.sum < 5000


def test_instrumentation_of_asyncio_records_into_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter and a histogram of coroutines."""
    monkeypatch.setenv("OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE", "decide")
    reader = InMemoryMetricReader()
    instrumentor = AsyncioInstrumentor()
    instrumentor.instrument(meter_provider=CellMeterProvider([reader], shutdown_on_exit=False))

    async def decide() -> None:
        await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(decide(), decide(), decide())

    try:
        asyncio.run(main())
    finally:
        instrumentor.uninstrument()
    found = [one for one in points(reader.get_metrics_data()) if one.attributes.get("name") == "decide"]
    assert {one.name: one.value if one.count is None else one.count for one in found} == {
        "asyncio.process.created": 3,
        "asyncio.process.duration": 3,
    }


def test_instrumentation_of_the_system_is_read() -> None:
    """Observable instruments of psutil's figures."""
    reader = InMemoryMetricReader()
    instrumentor = SystemMetricsInstrumentor(config={"process.memory.usage": None, "process.thread.count": None})
    instrumentor.instrument(meter_provider=CellMeterProvider([reader], shutdown_on_exit=False))
    try:
        found = values(reader)
    finally:
        instrumentor.uninstrument()
    assert found["process.memory.usage"] > 1_000_000
    assert found["process.thread.count"] >= 1


def test_a_child_begins_empty_and_can_start_anew() -> None:
    """The parent's totals are not exported twice, and no lock is inherited in a held state."""
    code = """
    import os, threading
    import otel_trading as ot
    from otel_trading.testing import capture

    orders = ot.meter().create_counter("orders")
    handle = orders.bind(venue="x")
    stop = threading.Event()
    def busy():
        number = 0
        while not stop.is_set():
            number += 1
            orders.add(1, {"n": number % 50})
    with capture() as captured:
        handle.add(5)
        worker = threading.Thread(target=busy)
        worker.start()
        for _ in range(20):
            child = os.fork()
            if child == 0:
                handle.add(1)
                orders.add(1, {"n": 1})
                with capture() as inner:
                    handle.add(2)
                    orders.add(3, {"venue": "x"})
                    found = {tuple(point.attributes.items()): point.value for point in inner.metrics}
                os._exit(0 if found == {(("venue", "x"),): 5} else 7)
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), end=" ")
        stop.set()
        worker.join()
        print(captured.metric("orders", venue="x").value)
    """
    ended = children.run(code, measured=False)
    assert ended.out == "0 " * 20 + "5\n", ended.err


def test_a_handle_of_ours_works_on_an_instrument_of_the_application() -> None:
    """Forwarded, converted, checked; see also test_handles."""
    reader = InMemoryMetricReader()
    from opentelemetry.sdk.metrics import MeterProvider

    histogram = MeterProvider([reader], shutdown_on_exit=False).get_meter("theirs").create_histogram("h", unit="ms")
    handle = ot.bind(histogram, venue="x")
    handle.record(2)
    handle.record(-1)
    handle.record("wrong")
    handle.record_since(ot.now())
    (point,) = points(reader.get_metrics_data())
    assert (point.count, point.attributes) == (2, {"venue": "x"})
    assert point.sum is not None
    assert 2 <= point.sum < 1000


def test_a_scrape_shows_newer_exemplars_each_time() -> None:
    """Also where nothing but /metrics reads."""
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    knobs: dict[str, Any] = {"metrics_exporter": ["prometheus"], "traces_exporter": "none", "logs_exporter": "none"}
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("t")
    with ot.init("x", prometheus_port=0, stdout="off", **knobs) as telemetry:
        assert telemetry.metrics_url is not None
        handle = ot.meter().create_counter("exemplified.orders").bind()
        for number in range(3):
            with tracer.start_as_current_span("order") as span:
                handle.add(number + 1)
            request = urllib.request.Request(telemetry.metrics_url, headers=accept)
            with urllib.request.urlopen(request) as page:
                (line,) = [
                    one for one in page.read().decode().splitlines() if one.startswith("exemplified_orders_total")
                ]
            assert format(span.get_span_context().trace_id, "032x") in line
            assert f"}} {number + 1}.0 " in line or f"}} {number + 1} " in line
