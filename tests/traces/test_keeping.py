"""Unsampled spans of an application that end in error, or too slow, arrive."""

from __future__ import annotations

import urllib.request
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.trace import Link, SpanContext, StatusCode, TraceFlags
from support.servers import Receiver

import otel_trading as ot
from otel_trading.traces.keeping import Keeping


def started(otlp: Receiver, **settings: Any) -> Any:
    """Telemetry that samples nothing by itself and sends to the receiver."""
    return ot.init("x", stdout="off", default_ratio=0.0, otlp_endpoint=otlp.url, **settings)


def arrived(otlp: Receiver, telemetry: Any) -> list[Any]:
    """The spans, in the order of their ends."""
    assert telemetry.flush(10)
    found = [
        span
        for path, _, request in otlp.requests
        if path == "/v1/traces"
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    return sorted(found, key=lambda span: int(span.end_time_unix_nano))


def told(span: Any) -> dict[str, Any]:
    """Attributes of ours."""
    found = {pair.key: pair.value for pair in span.attributes if pair.key.startswith("otel_trading.")}
    return {key: value.string_value or value.bool_value for key, value in found.items()}


def work(tracer: Any) -> None:
    """An exception passes through two of four spans."""
    with tracer.start_as_current_span("handle"):
        with tracer.start_as_current_span("parse", attributes={"venue": "binance"}):
            pass
        with pytest.raises(ValueError, match="refused"), tracer.start_as_current_span("check"):
            with tracer.start_as_current_span("ask"):
                raise ValueError("refused")


def test_error_arrives_with_children_and_ancestors(otlp: Receiver) -> None:
    """The whole trace, unsampled by its flags and without a threshold; what went well does not arrive."""
    with started(otlp) as telemetry:
        tracer = ot.tracer()
        with tracer.start_as_current_span("fine"), tracer.start_as_current_span("child"):
            pass
        work(tracer)
        spans = arrived(otlp, telemetry)
        books = telemetry.books()["traces"]
    assert ["parse", "ask", "check", "handle"] == [span.name for span in spans]
    by_name = {span.name: span for span in spans}
    kept = {"otel_trading.kept": "error"}
    assert [{}, kept, kept, {}] == [told(span) for span in spans]
    assert by_name["parse"].parent_span_id == by_name["check"].parent_span_id == by_name["handle"].span_id
    assert {""} == {span.trace_state for span in spans}
    assert {0} == {span.flags & TraceFlags.SAMPLED for span in spans}
    assert "refused" in str(by_name["ask"].events)
    assert 4 == books.offered == books.delivered


def test_slow_span_arrives(otlp: Receiver) -> None:
    """Where a limit is set."""
    with started(otlp, keep_slower_than_s=0.5, keep_errors=False) as telemetry:
        tracer = ot.tracer()
        tracer.start_span("quick", start_time=1).end(500_000_000)
        tracer.start_span("slow", start_time=1).end(500_000_001)
        work(tracer)
        (slow,) = arrived(otlp, telemetry)
    assert ("slow", {"otel_trading.kept": "slow"}) == (slow.name, told(slow))


def test_keeping_can_be_switched_off(otlp: Receiver) -> None:
    """Then an unsampled span does not record."""
    with started(otlp, keep_errors=False) as telemetry:
        work(ot.tracer())
        assert not ot.tracer().start_span("work").is_recording()
        assert [] == arrived(otlp, telemetry)


def test_ticks_cost_what_they_did_unless_they_are_wanted(otlp: Receiver) -> None:
    """They do not record; with `keep_ticks` they do."""
    for wanted in (False, True):
        with started(otlp, tick_ratio=0.0, keep_ticks=wanted):
            assert wanted is ot.tracer().start_span("md.receive").is_recording()


def test_links_and_remote_parents_take_part(otlp: Receiver) -> None:
    """As the slow way begins them; what came from another process is incomplete."""
    remote = trace.NonRecordingSpan(SpanContext(7, 8, True, TraceFlags(0)))
    with started(otlp) as telemetry:
        tracer = ot.tracer()
        with tracer.start_as_current_span("server", trace.set_span_in_context(remote)):
            linked = tracer.start_span("linked", links=[Link(SpanContext(5, 6, True))])
            linked.end()
            with tracer.start_as_current_span("bad", links=[Link(SpanContext(5, 6, True))]) as bad:
                bad.set_status(StatusCode.ERROR)
        spans = arrived(otlp, telemetry)
    assert ["linked", "bad", "server"] == [span.name for span in spans]
    incomplete = {"otel_trading.incomplete": True}
    assert [{}, {"otel_trading.kept": "error", **incomplete}, incomplete] == [told(span) for span in spans]
    assert [1, 1, 0] == [len(span.links) for span in spans]


def test_a_sampler_of_others_has_the_last_word(otlp: Receiver) -> None:
    """What it drops is not recorded, as the specification asks for."""
    with started(otlp, traces_sampler="always_off") as telemetry:
        work(ot.tracer())
        assert not ot.tracer().start_span("work").is_recording()
        assert [] == arrived(otlp, telemetry)


def test_processors_of_others_are_not_told_of_unsampled_spans(otlp: Receiver) -> None:
    """Neither while they are held nor when they are kept; the spans arrive all the same."""
    seen: list[str] = []

    class Told(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            seen.append(span.name)

        def on_end(self, span: Any) -> None:
            seen.append(span.name)

    with started(otlp) as telemetry:
        trace.get_tracer_provider().add_span_processor(Told())  # type: ignore[attr-defined]
        work(ot.tracer())
        assert 4 == len(arrived(otlp, telemetry))
    assert [] == seen


def test_what_was_forgotten_is_a_metric(otlp: Receiver) -> None:
    """`otel_trading.sampling.forgotten`, in spans; one of 70,000 letters has no room."""
    with started(otlp, prometheus_port=0) as telemetry:
        tracer = ot.tracer()
        with tracer.start_as_current_span("root"):
            tracer.start_span("large", attributes={"text": "x" * 30_000, "more": "y" * 40_000}).end()
        page = urllib.request.urlopen(telemetry.metrics_url, timeout=5).read().decode()
    (line,) = [line for line in page.splitlines() if line.startswith("otel_trading_sampling_forgotten_total")]
    assert "1" == line.rpartition(" ")[2].removesuffix(".0")


def test_limit_in_seconds_is_one_of_nanoseconds() -> None:
    """0 is none, and nothing else becomes none."""
    limits = [Keeping(slower_than_s=limit).slow_ns for limit in (0.0, 1e-12, 0.25)]
    assert [0, 1, 250_000_000] == limits
