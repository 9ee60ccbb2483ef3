"""Rows of the specification's compliance matrix for the logs API that no other test shows."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry._logs import Logger, get_logger, get_logger_provider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from support.servers import Receiver, wait_until

import otel_trading as ot
from otel_trading.logs.provider import DelegatingLoggerProvider
from otel_trading.sdk import LogRecordProcessor, SdkLoggerProvider, SeverityNumber

QUIET: dict[str, Any] = {"traces_exporter": "none", "metrics_exporter": "none", "stdout": "off"}


@pytest.fixture
def telemetry(otlp: Receiver) -> Iterator[ot.Telemetry]:
    """Running, with a real receiver; nothing is sent before a flush."""
    with ot.init("x", otlp_endpoint=otlp.url, logs_schedule_delay_s=60, **QUIET) as running:
        yield running


def provider() -> Any:
    """The global one, as others find it."""
    return get_logger_provider()


def test_a_logger_is_its_scope(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """Name, version, schema URL and attributes, as they are sent."""
    get_logger("orders", "1.2", schema_url="https://example.org/1", attributes={"desk": "eu"}).emit(body="a")
    assert telemetry.flush(10)
    ((_, _, request),) = otlp.requests
    (sent,) = request.resource_logs[0].scope_logs
    assert (sent.scope.name, sent.scope.version, sent.schema_url) == ("orders", "1.2", "https://example.org/1")
    assert [(pair.key, pair.value.string_value) for pair in sent.scope.attributes] == [("desk", "eu")]


def test_a_record_arrives_with_all_that_was_emitted(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """Both times, severity, body, attributes and event name."""
    get_logger("t").emit(
        timestamp=5, observed_timestamp=6, severity_number=SeverityNumber.WARN2, severity_text="odd",
        body={"size": 2}, attributes={"venue": "x", "n": 1}, event_name="order.filled",
    )  # fmt: skip
    assert telemetry.flush(10)
    (record,) = otlp.logs
    assert (record.time_unix_nano, record.observed_time_unix_nano) == (5, 6)
    assert (record.severity_number, record.severity_text, record.event_name) == (14, "odd", "order.filled")
    assert [(pair.key, pair.value.int_value) for pair in record.body.kvlist_value.values] == [("size", 2)]
    assert {pair.key for pair in record.attributes} == {"venue", "n"}


def test_a_record_has_the_ids_of_the_current_span(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """Trace, span and flags; none without a span."""
    with ot.tracer().start_as_current_span("order.submit") as span:
        get_logger("t").emit(body="inside")
    get_logger("t").emit(body="outside")
    assert telemetry.flush(10)
    inside, outside = otlp.logs
    context = span.get_span_context()
    assert (inside.trace_id, inside.span_id) == (
        context.trace_id.to_bytes(16, "big"),
        context.span_id.to_bytes(8, "big"),
    )
    assert inside.flags & 0xFF == context.trace_flags
    assert (outside.trace_id, outside.span_id) == (b"", b"")


@pytest.mark.skipif("exception" not in inspect.signature(Logger.emit).parameters, reason="this API takes no exception")
def test_an_exception_that_is_emitted_becomes_attributes(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """Type, message and stack trace; what the caller says of them stays."""
    get_logger("t").emit(body="failed", exception=ValueError("too large"), attributes={"exception.message": "mine"})
    assert telemetry.flush(10)
    (record,) = otlp.logs
    told = {pair.key: pair.value.string_value for pair in record.attributes}
    assert (told["exception.type"], told["exception.message"]) == ("ValueError", "mine")
    assert "ValueError: too large" in told["exception.stacktrace"]


class Asked(LogRecordProcessor):
    """Says whether records are wanted, and changes those that come."""

    def __init__(self, wanted: bool = True) -> None:
        self.wanted = wanted
        self.asked: list[Any] = []
        self.flushed = self.stopped = 0

    def enabled(self, **given: Any) -> bool:
        self.asked.append((given.get("severity_number"), given.get("event_name")))
        return self.wanted

    def on_emit(self, log_record: Any) -> None:
        log_record.log_record.attributes = {**log_record.log_record.attributes, "seen": True}

    def shutdown(self) -> None:
        self.stopped += 1

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.flushed += 1
        return True


def test_a_processor_of_others_sees_records_and_is_flushed(telemetry: ot.Telemetry) -> None:
    """It may change them for those that were added later."""
    asked, exporter = Asked(), InMemoryLogRecordExporter()
    provider().add_log_record_processor(asked)
    provider().add_log_record_processor(SimpleLogRecordProcessor(exporter))
    get_logger("t").emit(body="a", attributes={"venue": "x"})
    (seen,) = exporter.get_finished_logs()
    assert dict(seen.log_record.attributes or {}) == {"venue": "x", "seen": True}
    assert provider().force_flush(1000) is True
    assert asked.flushed == 1


@pytest.mark.skipif(not hasattr(Logger, "enabled"), reason="this API has no Logger.enabled")
def test_a_logger_is_enabled_while_somebody_takes_its_records(telemetry: ot.Telemetry) -> None:
    """Processors are asked with what the caller said; ours takes all; nobody does after the end."""
    logger = get_logger("t")
    assert logger.enabled(severity_number=SeverityNumber.DEBUG)
    telemetry.shutdown()
    assert logger.enabled() is False
    asked, theirs, ours = Asked(wanted=False), SdkLoggerProvider(shutdown_on_exit=False), DelegatingLoggerProvider()
    theirs.add_log_record_processor(asked)
    ours.delegate_to(theirs)
    assert ours.get_logger("t").enabled(severity_number=SeverityNumber.DEBUG, event_name="order.filled") is False
    assert asked.asked == [(SeverityNumber.DEBUG, "order.filled")]


def test_a_flush_of_the_provider_delivers_and_says_so(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """False in time while the receiver does not answer."""
    logger = get_logger("t")
    logger.emit(body="a")
    assert provider().force_flush(10_000) is True
    assert [record.body.string_value for record in otlp.logs] == ["a"]
    over = threading.Event()

    def hang(path: str) -> tuple[int, dict[str, str], bytes]:
        over.wait(20)
        return 200, {}, b""

    otlp.answer = hang
    logger.emit(body="b")
    assert provider().force_flush(200) is False
    over.set()
    wait_until(lambda: len(otlp.logs) == 2)


def test_after_the_end_nothing_is_taken(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """What was emitted before is delivered; a logger from before and a new one do nothing."""
    logger = get_logger("t")
    logger.emit(body="before")
    assert telemetry.shutdown() is True
    logger.emit(body="late")
    get_logger("new").emit(body="late")
    assert [record.body.string_value for record in otlp.logs] == ["before"]


def test_an_exporter_of_others_takes_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of its entry point."""
    from otel_trading import sdk

    made: list[InMemoryLogRecordExporter] = []

    def create() -> InMemoryLogRecordExporter:
        made.append(InMemoryLogRecordExporter())
        return made[-1]

    real = sdk.load_entry_point
    monkeypatch.setattr(sdk, "entry_point_names", lambda *groups: {"mine"})
    monkeypatch.setattr(sdk, "load_entry_point", lambda name, *g: create if name == "mine" else real(name, *g))
    with ot.init("x", logs_exporter="mine", **QUIET) as telemetry:
        get_logger("t").emit(body="a")
        assert telemetry.flush(10)
        assert [item.log_record.body for exporter in made for item in exporter.get_finished_logs()] == ["a"]


@pytest.mark.filterwarnings("ignore:Log record attributes were dropped")
def test_limits_of_the_configuration_are_in_effect(otlp: Receiver) -> None:
    """Attributes and lengths; what is beyond them is dropped and counted."""
    from opentelemetry.sdk._logs import LoggerProvider

    if "log_record_limits" not in inspect.signature(LoggerProvider.__init__).parameters:
        pytest.skip("this SDK takes no limits of log records")
    limits = {"log_attribute_count_limit": 2, "log_attribute_value_length_limit": 3}
    with ot.init("x", otlp_endpoint=otlp.url, **limits, **QUIET) as telemetry:
        get_logger("t").emit(body="a", attributes={"a": "abcdef", "b": "abcdef", "c": "abcdef"})
        assert telemetry.flush(10)
    (record,) = otlp.logs
    assert {pair.value.string_value for pair in record.attributes} == {"abc"}
    assert (len(record.attributes), record.dropped_attributes_count) == (2, 1)


@pytest.mark.filterwarnings("ignore:Log record attributes were dropped")
def test_a_redacted_record_still_tells_how_many_attributes_were_dropped(
    otlp: Receiver, telemetry: ot.Telemetry
) -> None:
    """It is another record then; those beyond the default limit of 128 were dropped of the first one."""
    many = {f"a{number}": number for number in range(130)}
    get_logger("t").emit(body="a", attributes={**many, "password": "s3cret"})
    assert telemetry.flush(10)
    (record,) = otlp.logs
    assert (len(record.attributes), record.dropped_attributes_count) == (128, 3)
    assert "password" in str(record)
    assert "s3cret" not in str(record)
