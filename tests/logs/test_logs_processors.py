"""LogRecordProcessors of others, and the provider's own flush and shutdown."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry._logs import Logger, get_logger, get_logger_provider
from opentelemetry.sdk.trace import SpanProcessor
from support.servers import Receiver

import otel_trading as ot
from otel_trading.ground import diagnostics
from otel_trading.sdk import LogRecordDroppedAttributesWarning, LogRecordProcessor

QUIET: dict[str, Any] = {"metrics_exporter": "none", "stdout": "off"}


@pytest.fixture
def telemetry(otlp: Receiver) -> Iterator[ot.Telemetry]:
    """Running, with a real receiver; nothing is sent before a flush."""
    with ot.init("x", otlp_endpoint=otlp.url, logs_schedule_delay_s=60, **QUIET) as running:
        yield running


class Mine(LogRecordProcessor, SpanProcessor):
    """Counts its calls; what `gate` holds up ends when it opens."""

    def __init__(self, raises: BaseException | None = None) -> None:
        self.emitted = self.stopped = 0
        self.raises = raises
        self.gate = threading.Event()
        self.gate.set()

    def on_emit(self, log_record: Any) -> None:
        self.emitted += 1
        if self.raises is not None:
            raise self.raises

    def shutdown(self) -> None:
        self.gate.wait(30)
        self.stopped += 1
        if self.raises is not None:
            raise self.raises

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def provider() -> Any:
    """The global one, as others find it."""
    return get_logger_provider()


def test_shutdown_of_the_provider_delivers_and_ends_it(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """Records that come later go nowhere, processors of others are shut down once, and `init()` begins anew."""
    mine, logger = Mine(), get_logger("t")
    provider().add_log_record_processor(mine)
    logger.emit(body="before")
    provider().shutdown()
    assert [record.body.string_value for record in otlp.logs] == ["before"]
    logger.emit(body="after")
    assert logger.enabled() is not hasattr(Logger, "enabled")  # the oldest API has none
    assert (mine.emitted, mine.stopped) == (1, 1)
    telemetry.shutdown()
    assert (len(otlp.logs), mine.stopped, telemetry.books()["logs"].offered) == (1, 1, 1)
    with ot.init("x", otlp_endpoint=otlp.url, **QUIET) as again:
        logger.emit(body="again")
        assert again.flush(10)
    assert [record.body.string_value for record in otlp.logs] == ["before", "again"]


@pytest.mark.parametrize("raises", [None, ValueError("no"), SystemExit()], ids=repr)
def test_processors_of_others_are_shut_down_with_telemetry(telemetry: ot.Telemetry, raises: Any) -> None:
    """Of spans and of log records, whatever they raise."""
    mine = Mine(raises)
    provider().add_log_record_processor(mine)
    ot.providers.tracers.add_span_processor(mine)
    assert telemetry.shutdown() is True
    assert mine.stopped == 2


def test_a_processor_that_hangs_at_shutdown_costs_the_deadline_only(telemetry: ot.Telemetry) -> None:
    """The others are shut down meanwhile, what waits is delivered, and it is said."""
    diagnostics.forget()
    hanging, mine = Mine(), Mine()
    hanging.gate.clear()
    for each in (hanging, mine):
        provider().add_log_record_processor(each)
        ot.providers.tracers.add_span_processor(each)
    get_logger("t").emit(body="a")
    began = time.monotonic()
    telemetry.shutdown(0.5)
    took_s = time.monotonic() - began
    hanging.gate.set()
    assert 0.4 < took_s < 1.5
    assert mine.stopped == 2
    assert telemetry.books()["logs"].delivered == 1
    assert diagnostics.troubles() == {"delivery.last_call_hangs": 2}


def test_what_a_processor_raises_costs_nobody_else(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """The next one is told, and the record is delivered."""
    mine = Mine()
    for each in (Mine(ValueError("no")), mine):
        provider().add_log_record_processor(each)
    get_logger("t").emit(body="a")
    assert telemetry.flush(10)
    assert (mine.emitted, len(otlp.logs)) == (1, 1)


def test_a_record_with_too_many_attributes_arrives_where_warnings_are_errors(
    otlp: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK warns of what it drops; `python -W error` would make that the loss of the record."""
    monkeypatch.setenv("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "2")
    with ot.init("x", otlp_endpoint=otlp.url, **QUIET) as telemetry, warnings.catch_warnings():
        warnings.simplefilter("error")
        get_logger("t").emit(body="a", attributes={f"k{number}": number for number in range(5)})
        with pytest.raises(LogRecordDroppedAttributesWarning):  # the filters are the application's again
            warnings.warn("x", LogRecordDroppedAttributesWarning, stacklevel=1)
        assert telemetry.flush(10)
    (record,) = otlp.logs
    assert (len(record.attributes), record.dropped_attributes_count) == (2, 3)
