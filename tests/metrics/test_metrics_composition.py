"""`view_matching_mode`: independent views make a stream each, composable ones those of a name together."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import (
    AlwaysOnExemplarFilter,
    Exemplar,
    ExemplarReservoir,
    ObservableGauge,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.export import ExponentialHistogram, Gauge, Histogram, InMemoryMetricReader, Sum
from opentelemetry.sdk.metrics.view import (
    DefaultAggregation,
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)

import otel_trading as ot
from otel_trading.ground import diagnostics
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.sdk import StreamView
from otel_trading.testing import capture

ATTRIBUTES = {"venue": "x", "side": "buy", "desk": "7", "order.id": "1"}


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    """What is said once was not said yet."""
    diagnostics.forget()


def made(*views: Any, mode: Any = "composable", **more: Any) -> tuple[Any, InMemoryMetricReader]:
    """A meter and its reader."""
    reader = InMemoryMetricReader(**more)
    provider = CellMeterProvider(
        [reader], None, AlwaysOnExemplarFilter(), shutdown_on_exit=False, views=views, view_matching_mode=mode
    )
    return provider.get_meter("m"), reader


def metrics(reader: InMemoryMetricReader) -> dict[str, Any]:
    """The metrics of a collection by name; no name is there twice."""
    data = reader.get_metrics_data()
    listed = [] if data is None else data.resource_metrics[0].scope_metrics[0].metrics
    found = {metric.name: metric for metric in listed}
    assert len(found) == len(listed)
    return found


def kept(metric: Any) -> set[str]:
    """The attribute keys of the only point."""
    (point,) = metric.data.data_points
    return set(point.attributes)


def test_independent_is_the_default_and_each_view_makes_a_stream() -> None:
    """Also two of the same name."""
    views = [View(instrument_name="orders", name="o", description=text) for text in ("first", "second")]
    reader = InMemoryMetricReader()
    provider = CellMeterProvider([reader], shutdown_on_exit=False, views=views)
    provider.get_meter("m").create_counter("orders").add(2)
    data = reader.get_metrics_data()
    assert data is not None
    found = [metric.description for metric in data.resource_metrics[0].scope_metrics[0].metrics]
    assert found == ["first", "second"]


def test_views_of_one_name_make_one_stream_and_the_later_wins_by_aspect() -> None:
    """Each aspect on its own; a name is the same in any case, and its first spelling stays."""
    meter, reader = made(
        View(instrument_name="latency", name="Lat", description="first", aggregation=SumAggregation()),
        View(instrument_name="latency", name="lat", description="second"),
        View(instrument_name="latency", name="LAT", aggregation=LastValueAggregation()),
    )
    latency = meter.create_histogram("latency", description="own")
    latency.record(5)
    latency.record(7)
    (metric,) = metrics(reader).values()
    assert (metric.name, metric.description) == ("Lat", "second")
    assert isinstance(metric.data, Gauge)
    assert metric.data.data_points[0].value == 7


def test_a_view_without_a_name_has_part_in_every_named_stream() -> None:
    """Wherever it stands in the list; it makes none of its own then."""
    meter, reader = made(
        View(instrument_name="*", description="first"),
        View(instrument_name="latency", name="a"),
        View(instrument_name="latency", name="b", description="b's own"),
        View(instrument_name="lat*", attribute_keys={"venue"}),
        View(instrument_name="other", name="c"),
    )
    meter.create_histogram("latency").record(5, ATTRIBUTES)
    found = metrics(reader)
    assert {name: metric.description for name, metric in found.items()} == {"a": "first", "b": "b's own"}
    assert [kept(metric) for metric in found.values()] == [{"venue"}] * 2


def test_without_any_name_there_is_one_stream_with_the_name_of_the_instrument() -> None:
    """In its own spelling."""
    meter, reader = made(
        View(instrument_name="*", description="first", attribute_keys={"venue", "side"}),
        View(instrument_name="orders", description="second"),
    )
    meter.create_counter("Orders").add(1, ATTRIBUTES)
    (metric,) = metrics(reader).values()
    assert (metric.name, metric.description, kept(metric)) == ("Orders", "second", {"venue", "side"})


def test_an_instrument_that_no_view_matches_is_as_without_views() -> None:
    """One stream, all attributes."""
    meter, reader = made(View(instrument_name="other", name="a"))
    meter.create_counter("orders").add(1, ATTRIBUTES)
    (metric,) = metrics(reader).values()
    assert (metric.name, kept(metric)) == ("orders", set(ATTRIBUTES))


def test_kept_keys_intersect_and_excluded_keys_unite() -> None:
    """A key stays if every view keeps it."""
    every = View(instrument_name="*")
    meter, reader = made(
        View(instrument_name="*", attribute_keys={"venue", "side", "order.id"}),
        View(instrument_name="orders", attribute_keys={"venue", "desk", "order.id"}),
        StreamView(every, None, ["order.*"]),
        StreamView(every, None, ["des?"]),
    )
    meter.create_counter("orders").add(1, ATTRIBUTES)
    meter.create_counter("fills").add(1, ATTRIBUTES)
    found = metrics(reader)
    assert (kept(found["orders"]), kept(found["fills"])) == ({"venue"}, {"venue", "side"})


def test_what_the_instrument_advises_counts_only_where_no_view_says_otherwise() -> None:
    """Boundaries and attributes."""
    meter, reader = made(
        View(instrument_name="ruled", aggregation=ExplicitBucketHistogramAggregation([1, 2])),
        View(instrument_name="ruled", attribute_keys={"venue"}),
        View(instrument_name="*", description="said"),
    )
    for name in ("ruled", "free"):
        meter.create_histogram(name, explicit_bucket_boundaries_advisory=[7], attributes_advisory=["side"]).record(
            1, ATTRIBUTES
        )
    found = metrics(reader)
    assert [tuple(metric.data.data_points[0].explicit_bounds) for metric in found.values()] == [(1, 2), (7,)]
    assert [kept(metric) for metric in found.values()] == [{"venue"}, {"side"}]


def test_the_last_cardinality_limit_counts() -> None:
    """One that says nothing leaves it."""
    every = View(instrument_name="*")
    meter, reader = made(StreamView(every, 50, ()), StreamView(every, 4, ()), View(instrument_name="orders"))
    orders = meter.create_counter("orders")
    for number in range(100):
        orders.add(1, {"n": number})
    assert len(metrics(reader)["orders"].data.data_points) == 4


class _Marking(ExemplarReservoir):
    """One exemplar that tells of which view it is."""

    def __init__(self, mark: int) -> None:
        self.mark = mark

    def offer(self, value: int | float, time_unix_nano: int, attributes: Any, context: Any) -> None:
        """Keeps nothing of it."""

    def collect(self, point_attributes: Any) -> list[Exemplar]:
        """The mark."""
        return [Exemplar({}, self.mark, 0)]


def test_the_last_reservoir_counts() -> None:
    """One that brings none leaves it."""

    def marking(mark: int) -> Any:
        return lambda _: lambda **__: _Marking(mark)

    views = [View(instrument_name="orders", exemplar_reservoir_factory=marking(mark)) for mark in (1, 2)]
    meter, reader = made(*views, View(instrument_name="*", description="said"))
    with trace.use_span(trace.INVALID_SPAN):
        meter.create_counter("orders").add(1)
    (point,) = metrics(reader)["orders"].data.data_points
    assert [one.value for one in point.exemplars] == [2]


def test_a_later_aggregation_brings_back_what_an_earlier_one_drops() -> None:
    """Even the default, if it is asked for; and the other way round."""
    drop, default = DropAggregation(), DefaultAggregation()
    meter, reader = made(
        View(instrument_name="*", aggregation=drop),
        View(instrument_name="orders", aggregation=default),
        View(instrument_name="fills", aggregation=default),
        View(instrument_name="fills", aggregation=drop),
        View(instrument_name="noise", description="still dropped"),
    )
    for name in ("orders", "fills", "noise"):
        meter.create_counter(name).add(1)
    assert list(metrics(reader)) == ["orders"]


@pytest.mark.parametrize("create", ["create_up_down_counter", "create_gauge"])
def test_an_aggregation_that_is_impossible_is_said_and_an_earlier_one_counts(
    create: str, caplog: pytest.LogCaptureFixture
) -> None:
    """What else its view says still counts, and nothing that is negative is lost."""
    exponential = ExponentialBucketHistogramAggregation()
    meter, reader = made(
        View(instrument_name="*", aggregation=LastValueAggregation()),
        View(instrument_name="*", aggregation=exponential, description="said"),
    )
    level = getattr(meter, create)("level")
    (level.add if hasattr(level, "add") else level.set)(-3)
    meter.create_counter("orders").add(3)
    found = metrics(reader)
    assert isinstance(found["level"].data, Gauge)
    assert (found["level"].data.data_points[0].value, found["level"].description) == (-3, "said")
    assert isinstance(found["orders"].data, ExponentialHistogram)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "asks for ExponentialBucketHistogramAggregation" in line
    assert line.endswith("level. It is as if the view said nothing about it.")


def test_an_independent_view_that_is_impossible_is_said_and_does_not_exist(caplog: pytest.LogCaptureFixture) -> None:
    """The instrument has its other views, or its own stream."""
    views = [
        View(instrument_type=UpDownCounter, aggregation=ExponentialBucketHistogramAggregation()),
        View(instrument_name="renamed", name="other"),
    ]
    meter, reader = made(*views, mode="independent")
    for name in ("position", "renamed"):
        meter.create_up_down_counter(name).add(-2)
    found = metrics(reader)
    assert list(found) == ["position", "other"]
    assert [(type(metric.data), metric.data.data_points[0].value) for metric in found.values()] == [(Sum, -2)] * 2
    lines = [record.getMessage() for record in caplog.records]
    told = "A view asks for ExponentialBucketHistogramAggregation, which is not possible for the UpDownCounter"
    assert lines == [f"{told} {name}. It is as if that view did not exist." for name in ("position", "renamed")]


def test_a_reader_that_wants_the_impossible_gets_the_default(caplog: pytest.LogCaptureFixture) -> None:
    """And the others what they want."""
    preferred: dict[type, Any] = {UpDownCounter: ExponentialBucketHistogramAggregation()}
    meter, reader = made(mode="independent", preferred_aggregation=preferred)
    meter.create_up_down_counter("position").add(-2)
    (metric,) = metrics(reader).values()
    assert isinstance(metric.data, Sum)
    assert "A reader asks for ExponentialBucketHistogramAggregation" in caplog.text


def test_asynchronous_instruments_are_composed_too(caplog: pytest.LogCaptureFixture) -> None:
    """By the same rules; the SDK runs their callbacks."""
    meter, reader = made(
        View(instrument_type=ObservableGauge, attribute_keys={"venue", "side"}),
        View(instrument_name="*", description="said", attribute_keys={"venue", "desk"}),
        View(instrument_name="level", name="level.one"),
        View(instrument_name="level", name="level.two", description="two"),
        View(instrument_name="level", aggregation=ExplicitBucketHistogramAggregation([1])),
    )
    meter.create_observable_gauge("level", [lambda _: [Observation(-3, ATTRIBUTES)]])
    meter.create_observable_counter("ticks", [lambda _: [Observation(4, ATTRIBUTES)]])
    found = metrics(reader)
    assert {name: (metric.description, kept(metric)) for name, metric in found.items()} == {
        "level.one": ("said", {"venue"}),
        "level.two": ("two", {"venue"}),
        "ticks": ("said", {"venue", "desk"}),
    }
    assert isinstance(found["level.one"].data, Gauge)
    assert "ExplicitBucketHistogramAggregation, which is not possible for the ObservableGauge level" in caplog.text


def test_the_first_histogram_view_is_the_only_view_in_both_modes() -> None:
    """Unless an SDK View comes before it."""
    ours = [ot.HistogramView("lat*", boundaries=[1]), ot.HistogramView("latency", boundaries=[2])]
    named = View(instrument_name="latency", name="renamed")
    for mode in ("independent", "composable"):
        for views, name, bounds in (([*ours, named], "latency", [1]), ([named, *ours], "renamed", [9])):
            meter, reader = made(*views, mode=mode)
            meter.create_histogram("latency", explicit_bucket_boundaries_advisory=[9]).record(1)
            (metric,) = metrics(reader).values()
            assert isinstance(metric.data, Histogram)
            assert (metric.name, list(metric.data.data_points[0].explicit_bounds)) == (name, bounds)


def test_a_mode_that_does_not_exist_is_refused() -> None:
    """By the provider."""
    with pytest.raises(ValueError, match="view_matching_mode must be independent or composable; was 'strict'"):
        made(mode="strict")


VIEWS = [
    View(instrument_name="composed.orders", name="composed"),
    View(instrument_name="composed.orders", name="composed", description="second"),
]


def test_init_takes_the_mode_as_an_argument_and_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """And refuses another one with the knob, the rule, the value and what to write."""
    for arguments in ({"view_matching_mode": "composable"}, {}):
        if not arguments:
            monkeypatch.setenv("OTEL_TRADING_VIEW_MATCHING_MODE", "composable")
        with capture(views=VIEWS, **arguments) as captured:
            ot.meter().create_counter("composed.orders").add(1)
            assert [point.name for point in captured.metrics if point.name.startswith("composed")] == ["composed"]
    monkeypatch.setenv("OTEL_TRADING_VIEW_MATCHING_MODE", "strict")
    with pytest.raises(ot.ConfigurationError) as refused:
        ot.init("x")
    assert (
        "'view_matching_mode' (from OTEL_TRADING_VIEW_MATCHING_MODE) must be one of independent, composable; "
        "was 'strict'. Write one of these words."
    ) in str(refused.value)


FILE = """
file_format: "1.1"
meter_provider:
  readers:
    - pull: {{exporter: {{prometheus/development: {{host: 127.0.0.1, port: 0, scope_info_enabled: false}}}}}}
  views:
    - selector: {{instrument_name: composed.filed}}
      stream: {{name: composed, attribute_keys: {{included: [venue, side]}}}}
    - selector: {{instrument_name: composed.filed}}
      stream: {{attribute_keys: {{excluded: [side]}}}}
distribution: {{otel_trading: {{own_metrics: false, stdout: "off", view_matching_mode: {mode}}}}}
"""


def test_a_file_tells_the_mode_in_our_own_node(tmp_path: Path) -> None:
    """Schema 1.1 has no place for it."""
    path = tmp_path / "otel.yaml"
    path.write_text(FILE.format(mode="composable"))
    with ot.init(config_file=path) as telemetry:
        ot.meter().create_counter("composed.filed").add(1, {"venue": "x", "side": "buy"})
        lines = [line for line in _page(telemetry).splitlines() if line.startswith("composed")]
    assert lines == ['composed_total{venue="x"} 1']
    path.write_text(FILE.format(mode="strict"))
    with pytest.raises(ot.ConfigurationError, match=r"'view_matching_mode' \(from otel.yaml:\d+\) must be one of"):
        ot.init(config_file=path)


def _page(telemetry: Any) -> str:
    with urllib.request.urlopen(telemetry.metrics_url) as page:
        return str(page.read().decode())
