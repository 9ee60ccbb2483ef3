"""Builds the log record provider from its plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry.sdk.resources import Resource

from otel_trading import sdk
from otel_trading.config.plan import LogsPlan
from otel_trading.delivery.lane import Lane
from otel_trading.logs.export import LogDelivery, redact_record
from otel_trading.privacy.redaction import Redactor


def create_lane(plan: LogsPlan, redactor: Redactor) -> Lane:
    """Workers for log records, redaction in front of each exporter; raises ConfigurationError."""
    return Lane("logs", plan.batches, redact=lambda item: redact_record(item, redactor))


_joined: WeakKeyDictionary[Any, LogDelivery] = WeakKeyDictionary()
"""Processors in applications' own providers, which keep them for ever: each is used again at the next `init()`."""


def join(provider: Any, lane: Lane) -> Callable[[], None]:
    """Delivers the records of an application's own provider too, if nobody else does.

    Returns:
        A function that lets go again.
    """
    delivery = _joined.get(provider)
    if delivery is None:
        add: Any = getattr(provider, "add_log_record_processor", None)
        if add is None or sdk.has_processors(provider):
            return lambda: None
        delivery = _joined[provider] = LogDelivery()
        add(delivery)
    delivery.lane = lane

    def let_go() -> None:
        delivery.lane = None

    return let_go


def create_provider(plan: LogsPlan, resource: Resource, lane: Lane) -> sdk.SdkLoggerProvider:
    """An SDK logger provider that delivers to `lane`."""
    provider = sdk.logger_provider(resource, plan.limits)
    provider.add_log_record_processor(LogDelivery(lane))
    return provider
