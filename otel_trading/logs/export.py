"""Log records from the SDK's logger to the lane."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource

from otel_trading.delivery.lane import Lane
from otel_trading.ground.clock import Deadline
from otel_trading.privacy.redaction import Redactor
from otel_trading.sdk import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord


def redact_record(item: ReadableLogRecord, redactor: Redactor) -> ReadableLogRecord:
    """The record with body and attributes converted and redacted; the same object if nothing changed.

    Our own pipeline has done it before; this is for records that others emit through OpenTelemetry's logs API.
    """
    record = item.log_record
    attributes = dict(record.attributes or {})
    safe, body = redactor.mapping(attributes), redactor.value("body", record.body)
    if safe == attributes and body == record.body:
        return item
    changed = copy.copy(record)
    changed.attributes, changed.body = _told(safe, item.dropped_attributes), body
    return replace(item, log_record=changed)


def _told(attributes: dict[str, Any], dropped: int) -> Any:
    """The attributes, with the number of those that were beyond the limit as the SDK keeps it."""
    if not dropped:
        return attributes
    bounded = BoundedAttributes(attributes=attributes, immutable=False)
    bounded.dropped = dropped
    return bounded


class LogDelivery(LogRecordProcessor):
    """Offers every record to the workers. `on_emit` never blocks for I/O and never raises."""

    def __init__(self, lane: Lane | None = None) -> None:
        self.lane = lane
        """Where records go; None drops them, in an application's own provider that keeps its processors for ever."""

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """Hands the record over."""
        lane = self.lane
        if lane is None:
            return
        lane.offer(
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
        lane = self.lane
        return lane is None or lane.flushed(lane.ask_to_flush(), Deadline(timeout_millis / 1000))
