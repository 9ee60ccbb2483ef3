"""One bad item costs one item, whatever is wrong with it, in each signal."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceFlags
from support.servers import Receiver

from otel_trading.config.plan import ExporterPlan
from otel_trading.delivery.encode import points
from otel_trading.delivery.otlp_http import OtlpHttp
from otel_trading.sdk import LogRecord, ReadableLogRecord

CONTEXT = SpanContext(1, 2, False, TraceFlags(1))
SPANS: dict[str, dict[str, Any]] = {
    "surrogate in the name": {"name": "\ud800"},
    "time before the epoch": {"start_time": -1},
    "time out of range": {"end_time": 2**64},
    "time that is no whole number": {"start_time": 1.5},
    "text for a time": {"start_time": "now"},
    "surrogate in an attribute": {"attributes": {"k": "\udfff"}},
    "surrogate in a key": {"attributes": {"\udfff": 1}},
    "event out of range": {"events": [Event("e", timestamp=-5)]},
    "surrogate in an event": {"events": [Event("\ud800", timestamp=5)]},
    "id out of range": {"links": [Link(SpanContext(1 << 200, 2, False))]},
}


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stock encoder logs what it leaves out, with characters that pytest's workers cannot pass on."""
    monkeypatch.setattr(logging.getLogger("opentelemetry.exporter.otlp.proto.common._internal"), "disabled", True)


def span(**parts: Any) -> ReadableSpan:
    whole = {"name": "good", "start_time": 1, "end_time": 2, **parts}
    return ReadableSpan(context=CONTEXT, resource=Resource({}), **whole)


def send(signal: str, url: str, items: list[Any]) -> dict[str, int]:
    sender = OtlpHttp(signal, ExporterPlan("otlp_http", f"{url}/v1/{signal}"))
    try:
        return dict(sender.send(items, 5).dropped)
    finally:
        sender.close()


@pytest.mark.parametrize("wrong", SPANS)
def test_a_bad_span_costs_itself_at_most(otlp: Receiver, wrong: str) -> None:
    """Its neighbours arrive; it does so too where the encoder can carry it."""
    lost = send("traces", otlp.url, [span(), span(**SPANS[wrong]), span()])
    assert lost in ({}, {"encode_error": 1})
    assert [item.name for item in otlp.spans].count("good") >= 2
    assert len(otlp.spans) == 3 - sum(lost.values())


def test_a_giant_value_arrives_or_costs_itself(otlp: Receiver) -> None:
    """Eight mebibytes of one attribute, and a thousand attributes."""
    wide = {f"k{number}": "x" * 100 for number in range(1000)}
    lost = send("traces", otlp.url, [span(), span(attributes={"k": "x" * (8 << 20)}), span(attributes=wide), span()])
    assert (lost, len(otlp.spans)) == ({}, 4)


@pytest.mark.parametrize("wrong", [{"body": "\ud800"}, {"timestamp": -1}, {"timestamp": 2**64}, {"trace_id": 1 << 200}])
def test_a_bad_log_record_costs_itself_at_most(otlp: Receiver, wrong: dict[str, Any]) -> None:
    """Its neighbours arrive."""

    def record(**parts: Any) -> ReadableLogRecord:
        return ReadableLogRecord(LogRecord(**{"body": "good", "timestamp": 1, **parts}), Resource({}))

    lost = send("logs", otlp.url, [record(), record(**wrong), record()])
    assert lost in ({}, {"encode_error": 1})
    assert len(otlp.logs) == 3 - sum(lost.values())


@pytest.mark.parametrize("wrong", [2**63, "seven", None, -(2**63) - 1])
def test_a_bad_data_point_costs_its_metric_at_most(otlp: Receiver, wrong: Any) -> None:
    """The other metrics of the collection arrive."""

    def metric(name: str, value: Any) -> Metric:
        point = NumberDataPoint({}, 1, 2, value)
        return Metric(name, "", "1", Sum([point], AggregationTemporality.CUMULATIVE, False))

    scope = ScopeMetrics(InstrumentationScope("s"), [metric("a", 1), metric("bad", wrong), metric("b", 2)], "")
    collection = MetricsData([ResourceMetrics(Resource({}), [scope], "")])
    assert points(collection) == 3
    lost = send("metrics", otlp.url, [collection])
    assert lost in ({}, {"encode_error": 1})
    assert [item.name for item in otlp.metrics if item.name != "bad"] == ["a", "b"]
