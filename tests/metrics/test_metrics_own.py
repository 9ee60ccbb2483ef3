"""Metrics about telemetry itself: measurements by outcome, series, overflow, memory, collections."""

from __future__ import annotations

from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from otel_trading.ground import diagnostics
from otel_trading.metrics import own
from otel_trading.metrics.cell_provider import CellMeterProvider
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
    assert 800 < (memory.value or 0) < 4000


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
