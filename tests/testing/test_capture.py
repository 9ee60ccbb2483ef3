"""capture(): in memory, fixed clock, fixed ids; and its pytest fixture."""

from __future__ import annotations

import pytest
from opentelemetry._logs import SeverityNumber

import otel_trading as ot
from otel_trading.testing import Captured, capture
from otel_trading.testing.fixed import START_NS


def record_everything() -> None:
    with ot.tracer().start_as_current_span("order.submit"):
        ot.get_logger("risk").warning("rejected", client_order_id="C1")
    ot.meter().create_counter("orders", unit="{order}").bind(venue="x").add(2)
    ot.meter().create_histogram("capture.latency", unit="s", explicit_bucket_boundaries_advisory=[1, 2]).record(1.5)


def test_two_captures_of_the_same_code_are_equal() -> None:
    """Times and ids do not differ from run to run."""
    told = []
    for _ in range(2):
        with capture("risk") as captured:
            record_everything()
            told.append((captured.spans[0].to_json().replace("\n", ""), captured.metrics))
    instance = [text for text in told[0][0].split('"') if len(text) == 36 and text.count("-") == 4]
    other = [text for text in told[1][0].split('"') if len(text) == 36 and text.count("-") == 4]
    assert told[0][0].replace(instance[0], "") == told[1][0].replace(other[0], "")
    assert told[0][1] == told[1][1]


def test_all_three_signals_are_there_with_exact_values(captured_telemetry: Captured) -> None:
    """The fixture, too."""
    captured = captured_telemetry
    record_everything()
    span, record = captured.span("order.submit"), captured.log("rejected")
    assert (span.start_time, span.context.span_id) == (START_NS, 1)
    assert (record.timestamp, record.severity_number) == (START_NS, SeverityNumber.WARN)
    assert (record.trace_id, record.span_id) == (span.context.trace_id, span.context.span_id)
    assert dict(record.attributes)["trading.order.client_id"] == "C1"
    point = captured.metric("capture.latency")
    assert (point.unit, point.count, point.sum, point.bucket_counts, point.explicit_bounds) == (
        "s",
        1,
        1.5,
        (0, 1, 0),
        (1.0, 2.0),
    )
    assert captured.metric("orders", venue="x").value == 2


def test_the_clock_moves_only_when_told(captured_telemetry: Captured) -> None:
    """Durations are exact."""
    began = ot.now()
    captured_telemetry.clock.advance(1.5, nanoseconds=7)
    assert ot.now() - began == 1_500_000_007


def test_what_is_missing_is_told_with_what_is_there(captured_telemetry: Captured) -> None:
    """An assertion that helps."""
    record_everything()
    with pytest.raises(AssertionError, match=r"0 spans are called 'order.fill'; there are \['order.submit'\]"):
        captured_telemetry.span("order.fill")
    with pytest.raises(AssertionError, match="0 series match 'fills'"):
        captured_telemetry.metric("fills")
    with pytest.raises(AssertionError, match="0 records say 'x'"):
        captured_telemetry.log("x")


def test_capture_refuses_to_run_inside_running_telemetry(captured_telemetry: Captured) -> None:
    """It would see nothing of it."""
    with pytest.raises(RuntimeError, match="call otel_trading.shutdown"), capture():
        pass


def test_an_init_of_the_code_under_test_joins_the_capture(captured_telemetry: Captured) -> None:
    """Nothing is sent; its arguments are reported and not obeyed."""
    assert ot.init("production", otlp_endpoint="http://127.0.0.1:9") is captured_telemetry.telemetry
    assert captured_telemetry.telemetry.books()["traces"].offered == 0


def test_spans_and_logs_are_captured_as_they_would_leave() -> None:
    """So that users can test their own redaction."""
    with capture(redact_keys=["weights"]) as captured:
        with ot.tracer().start_as_current_span("order", attributes={"weights": "1,2", "venue": "x"}):
            ot.get_logger().info("done", weights="1,2")
    assert dict(captured.span("order").attributes or {}) == {"weights": "[redacted]", "venue": "x"}
    assert dict(captured.log("done").attributes)["weights"] == "[redacted]"


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Unless a knob says so."""
    with capture():
        record_everything()
    assert capsys.readouterr().out == ""
