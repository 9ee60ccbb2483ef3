"""Log records from the SDK's logger to the lane."""

from __future__ import annotations

from opentelemetry.sdk.resources import Resource

from otel_trading.delivery.lane import Lane
from otel_trading.ground.clock import Deadline
from otel_trading.sdk import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord


class LogDelivery(LogRecordProcessor):
    """Offers every record to the workers. `on_emit` never blocks for I/O and never raises."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Hands the record over."""
        self._lane.offer(
            ReadableLogRecord(
                log_record=log_record.log_record,
                resource=log_record.resource or Resource.get_empty(),
                instrumentation_scope=log_record.instrumentation_scope,
                limits=log_record.limits,
            )
        )

    def shutdown(self) -> None:
        """Does nothing; the runtime stops the lane with the deadline that all signals share."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flushes the lane within the limit."""
        return self._lane.flushed(self._lane.ask_to_flush(), Deadline(timeout_millis / 1000))
