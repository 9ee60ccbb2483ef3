"""Builds the log record provider from its plan."""

from __future__ import annotations

from opentelemetry.sdk.resources import Resource

from otel_trading import sdk
from otel_trading.config.plan import LogsPlan
from otel_trading.delivery.joining import Joining
from otel_trading.delivery.lane import Lane
from otel_trading.logs.export import LogDelivery, redact_record
from otel_trading.logs.processors import RecordProcessors
from otel_trading.logs.urgency import record_measure
from otel_trading.privacy.redaction import Redactor

join = Joining("add_log_record_processor", LogDelivery).join
"""Delivers the records of an application's own provider too; see `Joining.join`."""


def create_lane(plan: LogsPlan, redactor: Redactor) -> Lane:
    """Workers for log records, redaction in front of each exporter; raises ConfigurationError."""
    return Lane("logs", plan.batches, redact=lambda item: redact_record(item, redactor), measure=record_measure)


def create_provider(plan: LogsPlan, resource: Resource, lane: Lane) -> tuple[sdk.SdkLoggerProvider, RecordProcessors]:
    """An SDK logger provider that delivers to `lane`, and whom it tells."""
    processors = RecordProcessors(LogDelivery(lane))
    return sdk.logger_provider(resource, plan.limits, processors), processors
