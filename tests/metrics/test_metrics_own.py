"""Metrics about telemetry itself: measurements by outcome, series, overflow, memory, collections."""

from __future__ import annotations

import gc
import re
import urllib.request

from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import otel_trading as ot
from otel_trading.catalogue.reading import ours
from otel_trading.ground import diagnostics
from otel_trading.metrics import garbage, own
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.metrics.garbage import GarbageCollections
from otel_trading.testing.captured import Point, points


def told(reader: InMemoryMetricReader) -> dict[tuple[str, str], Point]:
    """By name and outcome."""
    found = points(reader.get_metrics_data())
    return {(point.name, str(point.attributes.get("outcome", ""))): point for point in found}


def test_measurements_are_counted_by_outcome_and_series_with_their_memory() -> None:
    """Exactly, whatever the temporality of other readers."""
    diagnostics.forget()
    reader = InMemoryMetricReader()
    provider = CellMeterProvider([reader], shutdown_on_exit=False, views=own.VIEWS, cardinality_limit=3)
    own.tell(provider, [reader], None)
    orders = provider.get_meter("m").create_counter("orders", unit="{order}")
    for number in range(5):
        orders.add(1, {"n": number})
    orders.add(-1)
    orders.add("wrong")  # type: ignore[arg-type]
    first = told(reader)
    measured = first["otel_trading.metrics.measurements", "recorded"]
    assert (measured.value, measured.unit) == (5, "{measurement}")
    assert first["otel_trading.metrics.measurements", "negative"].value == 1
    assert first["otel_trading.metrics.measurements", "not_a_number"].value == 1
    assert first["otel_trading.metrics.series", ""].value == 3
    overflows = first["otel_trading.metrics.overflows", ""]
    assert (overflows.value, overflows.unit) == (4, "{lookup}")  # of three n, and of no attributes
    memory = first["otel_trading.metrics.memory", ""]
    assert memory.unit == "By"
    assert 400 < (memory.value or 0) < 4000


def test_the_time_of_collections_stands_under_the_conventions_name() -> None:
    """In seconds, in buckets that fit."""
    reader = InMemoryMetricReader()
    provider = CellMeterProvider([reader], shutdown_on_exit=False, views=own.VIEWS)
    own.tell(provider, [reader], None)
    reader.collect()
    duration = told(reader)["otel.sdk.metric_reader.collection.duration", ""]
    assert (duration.unit, duration.count) == ("s", 1)
    assert duration.explicit_bounds == (0.0001, 0.001, 0.01, 0.1, 1.0, 10.0)
    assert duration.sum is not None
    assert 0 < duration.sum < 10


def test_scrapes_are_counted_by_format_with_their_size_and_time() -> None:
    """A page shows those before it."""
    with ot.init("x", metrics_exporter=["prometheus"], traces_exporter="none", logs_exporter="none") as telemetry:
        assert telemetry.metrics_url is not None
        sizes = []
        for _ in range(2):
            with urllib.request.urlopen(telemetry.metrics_url) as page:
                text = page.read().decode()
                sizes.append(len(text.encode()))
    found = {line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}
    (scrapes,) = [line for line in text.splitlines() if line.startswith("otel_trading_scrapes") and "whole" in line]
    assert 'format="text"' in scrapes
    assert scrapes.endswith(" 1")
    assert found["otel_trading_scrape_size_bytes_total"] == sizes[0]
    assert 0 < found["otel_trading_scrape_render_time_seconds_total"] < 1
    assert 0 < found["otel_trading_scrape_collection_time_seconds_total"] < 5


def test_each_garbage_collection_is_timed_until_the_end() -> None:
    """Under the registry's name, with its unit and boundaries; afterwards nobody is told."""
    before = list(gc.callbacks)
    reader = InMemoryMetricReader()
    provider = CellMeterProvider([reader], shutdown_on_exit=False)
    collections = GarbageCollections(provider, own.SCOPE)
    [metric] = [metric for metric in ours().metrics if metric.name == garbage.NAME]
    gc.disable()
    try:
        collections.begin()
        for _ in range(3):
            gc.collect()
        collections.end()
        gc.collect()
    finally:
        gc.enable()
    assert before == gc.callbacks
    point = told(reader)[metric.name, ""]
    assert (point.unit, point.explicit_bounds) == (metric.unit, metric.boundaries)
    assert (point.count, point.sum is not None and 0 < point.sum < 30) == (3, True)


def test_a_service_tells_its_pauses_and_leaves_no_callback() -> None:
    """On /metrics, by default; a thousand rounds would leave a thousand otherwise."""
    before = list(gc.callbacks)
    for _ in range(2):
        with ot.init("x", metrics_exporter=["prometheus"], traces_exporter="none", logs_exporter="none") as telemetry:
            assert len(gc.callbacks) == len(before) + 1
            gc.collect()
            assert telemetry.metrics_url is not None
            with urllib.request.urlopen(telemetry.metrics_url) as page:
                text = page.read().decode()
        assert before == gc.callbacks
    [count] = re.findall(r"^otel_trading_runtime_gc_pause_duration_seconds_count\{.*\} (\S+)$", text, re.MULTILINE)
    assert float(count) >= 1
