"""Who is told of log records: our delivery first, then the LogRecordProcessors of others as they were added."""

from __future__ import annotations

import threading
from typing import Any

from otel_trading.delivery.last_call import LastCall, all_ended
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline
from otel_trading.logs.export import LogDelivery
from otel_trading.sdk import LogRecordProcessor, ReadWriteLogRecord

_SHUTDOWN_S = 5.0


class RecordProcessors(LogRecordProcessor):
    """Takes the place of the SDK's list of processors. What one raises is counted and goes nowhere. Thread-safe."""

    def __init__(self, delivery: LogDelivery) -> None:
        """Knows nobody else yet."""
        self._delivery = delivery
        self._all: tuple[Any, ...] = (delivery,)
        self._lock = threading.RLock()
        self._over = False
        self.last_calls: tuple[LastCall, ...] = ()
        """The shutdown of each that was added."""

    def add_log_record_processor(self, log_record_processor: LogRecordProcessor) -> None:
        """One more."""
        with self._lock:
            self._all += (log_record_processor,)
            name = type(log_record_processor).__name__
            self.last_calls += (LastCall(name, log_record_processor.shutdown),)

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Tells each, until the shutdown."""
        if self._over:
            return
        for processor in self._all:
            try:
                processor.on_emit(log_record)
            except Exception as error:
                diagnostics.trouble("logs.processor_failed", "a LogRecordProcessor failed in on_emit: %r", error)

    def enabled(self, **asked: Any) -> bool:
        """True while somebody takes such records."""
        return not self._over and any(processor.enabled(**asked) for processor in self._all)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Delivers what waits, and flushes the processors of others, within the limit."""
        deadline, clean = Deadline(timeout_millis / 1000), True
        lane = self._delivery.lane
        tickets = None if lane is None else lane.ask_to_flush()
        for processor in self._all[1:]:
            left_ms = int(deadline.remaining_s() * 1000)
            clean &= left_ms > 0 and processor.force_flush(left_ms) is not False
        return (lane is None or tickets is None or lane.flushed(tickets, deadline)) and clean

    def shutdown(self) -> None:
        """Takes no more records, delivers what waits within five seconds, and shuts those of others down meanwhile."""
        deadline = Deadline(_SHUTDOWN_S)
        self._over = True
        for call in self.last_calls:
            call.begin()
        lane = self._delivery.lane
        if lane is not None:
            lane.flushed(lane.ask_to_flush(), deadline)
        all_ended(self.last_calls, deadline)
