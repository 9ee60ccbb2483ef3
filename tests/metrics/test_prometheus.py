"""/metrics: what a scrape shows, switches, exponential streams, OTLP beside it."""

from __future__ import annotations

import itertools
import urllib.request
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from prometheus_client.parser import text_string_to_metric_families
from support.servers import Receiver, wait_until

import otel_trading as ot
from otel_trading.metrics.exponential import explicit, explicit_point

SERVED: dict[str, Any] = {
    "traces_exporter": "none",
    "metrics_exporter": "prometheus",
    "logs_exporter": "none",
    "stdout": "off",
    "prometheus_port": 0,
}


def scraped(telemetry: ot.Telemetry, accept: str = "") -> str:
    assert telemetry.metrics_url is not None
    request = urllib.request.Request(telemetry.metrics_url, headers={"Accept": accept} if accept else {})
    with urllib.request.urlopen(request) as reply:
        return str(reply.read().decode())


def test_a_scrape_shows_names_units_types_values_and_labels() -> None:
    """Counter, up-down counter as gauge, gauge, histogram."""
    with ot.init("risk", **SERVED) as telemetry:
        meter = ot.meter("m", "1.0")
        meter.create_counter("scraped.orders", unit="{order}", description="Orders.").bind(venue="a").add(3)
        meter.create_up_down_counter("open.orders").add(-2)
        meter.create_gauge("spread", unit="bps").set(1.5)
        meter.create_histogram("latency", unit="s", explicit_bucket_boundaries_advisory=[0.1, 1]).record(0.5)
        families = {family.name: family for family in text_string_to_metric_families(scraped(telemetry))}
    told = {(s.name, s.labels.get("le")): (s.value, s.labels) for f in families.values() for s in f.samples}
    assert told[("scraped_orders_total", None)][0] == 3
    assert told[("scraped_orders_total", None)][1] == {
        "venue": "a",
        "otel_scope_name": "m",
        "otel_scope_version": "1.0",
        "otel_scope_schema_url": "",
    }
    assert (families["scraped_orders"].type, families["scraped_orders"].documentation) == ("counter", "Orders.")
    assert (families["open_orders"].type, told[("open_orders", None)][0]) == ("gauge", -2)
    assert told[("spread_bps", None)][0] == 1.5
    assert [told[("latency_seconds_bucket", le)][0] for le in ("0.1", "1", "+Inf")] == [0, 1, 1]
    assert families["target_info"].samples[0].labels["service_name"] == "risk"


def test_switches_of_the_specification_are_obeyed() -> None:
    """scope_info_enabled and target_info_enabled."""
    with ot.init("risk", scope_info_enabled=False, target_info_enabled=False, **SERVED) as telemetry:
        ot.meter().create_counter("orders").add(1)
        text = scraped(telemetry)
    assert "\norders_total 1\n" in text
    assert "target_info" not in text
    assert "otel_scope" not in text


def test_resource_attributes_become_labels() -> None:
    """resource_constant_labels."""
    knobs = {**SERVED, "scope_info_enabled": False, "resource_constant_labels": ["service.n*"]}
    with ot.init("risk", **knobs) as telemetry:
        ot.meter().create_counter("orders").add(1)
        assert 'orders_total{service_name="risk"} 1' in scraped(telemetry)


def test_openmetrics_is_served_to_those_who_ask() -> None:
    """Content negotiation."""
    with ot.init("risk", **SERVED) as telemetry:
        ot.meter().create_counter("orders").add(1)
        assert scraped(telemetry, "application/openmetrics-text; version=1.0.0").endswith("# EOF\n")
        assert "# EOF" not in scraped(telemetry)


def test_an_exponential_stream_is_converted_and_the_scrape_goes_on() -> None:
    """The stock exporter's whole scrape would raise."""
    with ot.init("risk", views=[ot.HistogramView("latency", boundaries=ot.exponential())], **SERVED) as telemetry:
        ot.meter().create_histogram("latency", unit="s").record(0.25)
        ot.meter().create_counter("orders").add(1)
        text = scraped(telemetry)
    shown = {line.partition("{")[0]: line.rpartition(" ")[2] for line in text.splitlines()}
    assert (shown["latency_seconds_count"], shown["latency_seconds_sum"], shown["orders_total"]) == ("1", "0.25", "1")
    assert 'le="0.25"} 1' in text


def test_a_converted_stream_has_no_gaps_between_its_bounds() -> None:
    """A bucket that appears late would be a series whose beginning is lost."""
    with ot.init("risk", views=[ot.HistogramView("gaps", boundaries=ot.exponential())], **SERVED) as telemetry:
        histogram = ot.meter().create_histogram("gaps")
        for value in (1.5, 100.0):
            histogram.record(value)
        lines = [line for line in scraped(telemetry).splitlines() if line.startswith("gaps_bucket")]
    bounds = [float(line.split('le="')[1].split('"')[0]) for line in lines][:-1]
    ratios = [high / low for low, high in itertools.pairwise(bounds)]
    assert len(bounds) == 26
    assert ratios == pytest.approx([2**0.25] * 25)


def test_an_exponential_preference_by_otlp_leaves_metrics_explicit(otlp: Receiver) -> None:
    """Each reader gets what it can carry."""
    knobs = {**SERVED, "metrics_exporter": ["otlp", "prometheus"], "otlp_endpoint": otlp.url}
    with ot.init("risk", metrics_histogram_aggregation="base2_exponential_bucket_histogram", **knobs) as telemetry:
        ot.meter().create_histogram("preferred.latency", unit="s").record(0.25)
        buckets = [
            line for line in scraped(telemetry).splitlines() if line.startswith("preferred_latency_seconds_bucket")
        ]
        assert len(buckets) == 16  # the specification's default boundaries and +Inf
        assert telemetry.flush(5) is True
    kinds = {metric.name: metric.WhichOneof("data") for metric in otlp.metrics}
    assert kinds["preferred.latency"] == "exponential_histogram"


@pytest.mark.parametrize(("temporality", "expected"), [("delta", [2, 3]), ("cumulative", [2, 5])])
def test_metrics_go_by_otlp_with_the_preferred_temporality(
    otlp: Receiver, temporality: Any, expected: list[int]
) -> None:
    """Names, units, attributes and magnitudes."""
    knobs = {**SERVED, "metrics_exporter": "otlp", "otlp_endpoint": otlp.url, "own_metrics": False}
    knobs["metrics_temporality"] = temporality
    telemetry = ot.init("risk", **knobs)
    handle = ot.meter().create_counter("orders", unit="{order}").bind(venue="a")
    for amount in (2, 3):
        handle.add(amount)
        assert telemetry.flush(5) is True
    points = [(m.unit, p.attributes[0].value.string_value, p.as_int) for m in otlp.metrics for p in m.sum.data_points]
    assert points == [("{order}", "a", value) for value in expected]


def test_metrics_are_sent_at_the_interval_without_a_flush(otlp: Receiver) -> None:
    """The reader collects by itself, again and again, with what came meanwhile."""
    knobs = {**SERVED, "metrics_exporter": "otlp", "otlp_endpoint": otlp.url, "metrics_export_interval_s": 0.05}
    with ot.init("risk", own_metrics=False, **knobs):
        orders = ot.meter().create_counter("orders")

        def sent() -> list[int]:
            return [metric.sum.data_points[0].as_int for metric in otlp.metrics]

        def came(number: int) -> bool:
            return number in sent()

        for number in (1, 2, 3):
            orders.add(1)
            wait_until(partial(came, number))
    assert sent() == sorted(sent())


def test_a_counter_beyond_64_bits_goes_on_as_a_float(otlp: Receiver) -> None:
    """Every later export of the stock parts would fail."""
    knobs = {**SERVED, "metrics_exporter": "otlp", "otlp_endpoint": otlp.url, "own_metrics": False}
    telemetry = ot.init("risk", **knobs)
    big, good = ot.meter().create_counter("big"), ot.meter().create_counter("good")
    big.add(2**62)
    big.add(2**62)
    good.add(1)
    assert telemetry.flush(5) is True
    found = {metric.name: metric.sum.data_points[0] for metric in otlp.metrics}
    assert (found["big"].as_double, found["good"].as_int) == (2.0**63, 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.floats(0, 1e6), st.floats(1e-300, 1e300)), min_size=1, max_size=60))
def test_a_converted_point_keeps_count_sum_extremes_and_order(values: list[float]) -> None:
    """And each value stays at or below the bound of its bucket, above the one before."""
    reader = InMemoryMetricReader(preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation()})
    histogram = MeterProvider([reader], shutdown_on_exit=False).get_meter("m").create_histogram("h")
    for value in values:
        histogram.record(value)
    data = reader.get_metrics_data()
    assert data is not None
    original = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]
    point = explicit_point(original)  # type: ignore[arg-type]
    assert (point.count, point.min, point.max) == (len(values), min(values), max(values))
    assert point.sum == original.sum  # type: ignore[union-attr]
    assert list(point.explicit_bounds) == sorted(set(point.explicit_bounds))
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert sum(point.bucket_counts) == len(values)
    running, slack = 0, 1e-9
    for bound, count in zip(point.explicit_bounds, point.bucket_counts, strict=False):
        running += count
        low = sum(value <= bound - abs(bound) * slack - 1e-300 for value in values)
        high = sum(value <= bound + abs(bound) * slack + 1e-300 for value in values)
        assert low <= running <= high
    assert explicit(data).resource_metrics[0].scope_metrics[0].metrics[0].name == "h"
