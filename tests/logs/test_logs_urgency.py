"""Which log records a full queue keeps."""

from __future__ import annotations

from opentelemetry.sdk.resources import Resource

from otel_trading.delivery.urgency import Urgency
from otel_trading.logs.urgency import record_measure
from otel_trading.sdk import LogRecord, ReadableLogRecord, SeverityNumber


def urgency(severity: SeverityNumber | None, **attributes: str) -> Urgency:
    record = LogRecord(severity_number=severity, body="x", attributes=attributes)
    return record_measure(ReadableLogRecord(record, Resource({}))).urgency


def test_errors_and_orders_stay_and_debug_records_go() -> None:
    """A record without severity is one like any other."""
    assert urgency(SeverityNumber.ERROR) is urgency(SeverityNumber.FATAL) is Urgency.HIGH
    assert urgency(SeverityNumber.DEBUG, **{"trading.order.id": "1"}) is Urgency.HIGH
    assert urgency(SeverityNumber.DEBUG) is urgency(SeverityNumber.TRACE) is Urgency.LOW
    assert urgency(SeverityNumber.INFO) is urgency(SeverityNumber.WARN) is urgency(None) is Urgency.NORMAL


def test_a_giant_body_is_seen_in_the_size() -> None:
    """Structured ones too."""
    for body in ("x" * 100_000, {"a": ["x" * 50_000, "x" * 50_000]}):
        record = ReadableLogRecord(LogRecord(body=body), Resource({}))
        assert 100_000 < record_measure(record).size < 103_000
