"""`demo --stack` without a stack, and what is made of the answers of its stores."""

# the house puts the expected value on the left

import os
import subprocess
import sys
from pathlib import Path

import pytest

from otel_trading.demo.mirror import line_from_document, spans_from_json
from otel_trading.viewer.rows import Link

TRACE, SPAN, TICK_TRACE, TICK = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "0a" * 16, "0b" * 8


def refused(*arguments: str, **variables: str) -> str:
    """What the demo says when it cannot begin."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-m", "otel_trading.cli.main", "demo", *arguments],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (2, "") == (done.returncode, done.stdout)
    return done.stderr


def test_a_stack_that_is_not_there_is_named_with_the_way_to_start_one() -> None:
    """And nothing is started."""
    said = refused("--stack", OTEL_TRADING_JAEGER_URL="http://127.0.0.1:1")
    assert "http://127.0.0.1:1: nobody listens there" in said
    assert "python -m tools.backends up --usual-ports" in said


def test_a_wrong_address_is_named_by_its_knob() -> None:
    """Like any other mistake in the configuration."""
    assert "OTEL_TRADING_ELASTICSEARCH_URL" in refused("--stack", OTEL_TRADING_ELASTICSEARCH_URL="ftp://x")


@pytest.mark.parametrize("option", [("--metrics", "otlp"), ("--prometheus-targets", "x.json")])
def test_options_of_a_stack_need_the_stack(option: tuple[str, str]) -> None:
    """They would do nothing."""
    assert "are for --stack" in refused(*option)


def test_targets_need_a_folder(tmp_path: Path) -> None:
    """Said before anything is asked."""
    assert "there is no folder" in refused("--stack", "--prometheus-targets", str(tmp_path / "none" / "x.json"))


def test_a_trace_of_jaeger_becomes_rows() -> None:
    """Hexadecimal ids, times as text, the service from the resource, links."""
    span = {
        "traceId": TRACE, "spanId": SPAN, "parentSpanId": TICK, "name": "order.submit SIMX", "kind": 4,
        "startTimeUnixNano": "1700000000000000001", "endTimeUnixNano": "1700000000000000501",
        "attributes": [{"key": "trading.order.quantity", "value": {"doubleValue": 2.5}}],
        "links": [{"traceId": TICK_TRACE, "spanId": TICK}], "status": {"code": 2, "message": "no"}, "news": 1,
    }  # fmt: skip
    service = [{"key": "service.name", "value": {"stringValue": "execution"}}]
    trace = {"resourceSpans": [{"resource": {"attributes": service}, "scopeSpans": [{"scope": {}, "spans": [span]}]}]}
    [row] = spans_from_json(trace)
    assert (TRACE, SPAN, TICK) == (row.trace_id, row.span_id, row.parent_id)
    assert ("execution", "producer", "error", "no") == (row.service, row.kind, row.status, row.status_message)
    assert (1_700_000_000_000_000_001, 500) == (row.start_ns, row.duration_ns)
    assert {"trading.order.quantity": 2.5} == row.attributes
    assert (Link(TICK_TRACE, TICK),) == row.links


@pytest.mark.parametrize(
    "broken", [{"name": 3}, {"traceId": "xyz"}, {"startTimeUnixNano": "soon"}, {"links": [{"traceId": 7}]}]
)
def test_an_unreadable_trace_is_empty(broken: dict[str, object]) -> None:
    """Jaeger's next version must not end the demo."""
    span = {"traceId": TRACE, "spanId": SPAN, **broken}
    assert [] == spans_from_json({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]})


def test_a_document_of_elasticsearch_becomes_a_line() -> None:
    """The form in which the collector stores it; nanoseconds as they were."""
    line = line_from_document(
        {
            "severity_text": "WARNING",
            "severity_number": 13,
            "body": {"text": "order denied"},
            "trace_id": TRACE,
            "span_id": SPAN,
            "resource": {"attributes": {"service.name": "risk"}},
            "attributes": {"time_unix_nano": 1_700_000_000_000_000_001, "reason": "limit"},
        }
    )
    assert ("warning", 13, "order denied") == (line.severity, line.severity_number, line.body)
    assert (TRACE, SPAN, "risk") == (line.trace_id, line.span_id, line.service)
    assert (1_700_000_000_000_000_001, {"reason": "limit"}) == (line.time_ns, line.attributes)


def test_a_foreign_document_is_a_line_too() -> None:
    """Nothing in it need be there."""
    assert ("", "", 0) == (line_from_document({}).body, line_from_document({}).service, line_from_document({}).time_ns)
