"""Families of prometheus_client registries on the page, in every format."""

from __future__ import annotations

from typing import Any

import pytest
from exposition.exposition_messages import families, labels
from exposition.exposition_streams import OPEN, PROTOBUF, Streams, body, text
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client.core import GaugeHistogramMetricFamily, SummaryMetricFamily, UnknownMetricFamily
from prometheus_client.openmetrics import parser as open_parser
from prometheus_client.parser import text_string_to_metric_families as read_text

from otel_trading.ground import diagnostics

read_open: Any = open_parser.text_string_to_metric_families  # it has no types


class Further:
    """What collectors may give beside instruments."""

    def collect(self) -> Any:
        yield GaugeHistogramMetricFamily("gh", "d", buckets=[("1.0", 2), ("+Inf", 3)], gsum_value=4)
        yield UnknownMetricFamily("anything", "d", value=5)
        summary = SummaryMetricFamily("q", "d", count_value=2, sum_value=3)
        summary.add_sample("q", {"quantile": "0.5"}, 1.5)
        yield summary


@pytest.fixture
def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("orders", 'Orders "all"\\\n', ["venue"], registry=made).labels('a"\n').inc(2, exemplar={"trace_id": "x"})
    Gauge("load", "Load.", registry=made).set(0.5)
    Histogram("latency", "Latency.", buckets=(0.5, 1), registry=made).observe(0.7, exemplar={"trace_id": "y"})
    Summary("size", "Size.", registry=made).observe(3)
    Info("build", "Build.", registry=made).info({"version": "1"})
    Enum("state", "State.", states=["open", "closed"], registry=made).state("closed")
    made.register(Further())
    return made


def test_all_types_are_read_by_prometheus_clients_parsers(streams: Streams, registry: CollectorRegistry) -> None:
    """After our own families; OpenMetrics ends after them."""
    streams.series(streams.stream("counter", "own"), {}, 1)
    page = streams.page(registries=[registry])
    assert page.startswith("# TYPE own_total counter\nown_total 1\n# HELP orders_total")
    found = {family.name: family for family in read_text(page)}
    assert (found["orders"].type, found["orders"].documentation) == ("counter", 'Orders "all"\\\n')
    assert (found["orders"].samples[0].labels, found["orders"].samples[0].value) == ({"venue": 'a"\n'}, 2.0)
    assert found["latency"].samples[1].labels == {"le": "1.0"}
    opened = {family.name: family for family in read_open(streams.page(OPEN, registries=[registry]))}
    assert opened["orders"].samples[0].exemplar.labels == {"trace_id": "x"}
    assert [opened[name].type for name in ("build", "state", "gh", "q")] == [
        "info",
        "stateset",
        "gaugehistogram",
        "summary",
    ]


def test_protobuf_has_them_as_messages(streams: Streams, registry: CollectorRegistry) -> None:
    """Samples of the same labels are one metric."""
    found = {family.name: family for family in families(body(streams.exposition(registries=[registry]), PROTOBUF))}
    [orders] = found["orders_total"].metric
    assert (labels(orders), orders.counter.value) == ({"venue": 'a"\n'}, 2.0)
    [latency] = found["latency"].metric
    rows = [(bucket.upper_bound, bucket.cumulative_count) for bucket in latency.histogram.bucket]
    assert (rows, latency.histogram.sample_count) == ([(0.5, 0), (1.0, 1), (float("inf"), 1)], 1)
    [summary] = found["q"].metric
    assert (summary.summary.sample_count, summary.summary.quantile[0].value) == (2, 1.5)
    assert (found["gh"].type, found["gh"].metric[0].histogram.sample_count) == (5, 3)
    assert found["build_info"].metric[0].gauge.value == 1.0
    assert found["anything"].metric[0].untyped.value == 5.0
    assert [metric.gauge.value for metric in found["state"].metric] == [0.0, 1.0]


def test_a_name_that_is_on_the_page_already_is_left_out(streams: Streams, registry: CollectorRegistry) -> None:
    """Ours is the first; of several registries the first."""
    streams.series(streams.stream("gauge", "load"), {}, 9)
    page = streams.page(registries=[registry, registry])
    assert (page.count("# TYPE load "), page.count("# TYPE orders_total ")) == (1, 1)
    assert "\nload 0.5\n" not in page
    assert "endpoint.names.load" in diagnostics.troubles()


def test_a_registry_that_fails_costs_its_own_families_only(streams: Streams) -> None:
    """It is said."""

    class Broken:
        def collect(self) -> Any:
            raise RuntimeError("no")

    streams.series(streams.stream("counter", "own"), {}, 1)
    assert text(streams.exposition(registries=[Broken()])).endswith("own_total 1\n")
    assert diagnostics.troubles()["endpoint.registry_failed"] == 1
