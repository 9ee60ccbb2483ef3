"""One OTLP log record an event, through OpenTelemetry's logs API."""

from __future__ import annotations

import threading

from otel_trading.ground import order_ids
from otel_trading.ground.diagnostics import trouble
from otel_trading.ground.values import AttributeValue
from otel_trading.logs.event import Event
from otel_trading.sdk import Logger, LoggerProvider


class OtlpEmitter:
    """Hands events to the loggers of one provider.

    Names of loggers are remembered up to `REMEMBERED`: an application that makes one a connection must not fill
    memory; events of later names go through one shared logger and carry theirs as the attribute `logger`.

    The SDK holds plain locks while it makes a logger. A signal handler or a finaliser that logs while its own thread
    is in there would wait for itself for ever; such an event is not emitted and counted as `logs.reentered`. Its line
    on stdout is not affected.
    """

    REMEMBERED = 1_000
    SHARED = "otel_trading.other_loggers"

    __slots__ = ("_loggers", "_provider", "_thread")

    def __init__(self, provider: LoggerProvider) -> None:
        """Takes the provider whose loggers emit."""
        self._provider = provider
        self._loggers: dict[str, Logger] = {}
        self._thread = threading.local()

    def emit(self, event: Event) -> None:
        """Emits one event, unless this thread is emitting already; may raise what the provider raises."""
        if getattr(self._thread, "busy", False):
            trouble("logs.reentered", "a log call inside of another was not emitted to OTLP, see its line on stdout")
            return
        self._thread.busy = True
        try:
            self._emit(event)
        finally:
            self._thread.busy = False

    def _emit(self, event: Event) -> None:
        logger = self._loggers.get(event.logger) or self._logger(event.logger)
        attributes: dict[str, AttributeValue] = {
            order_ids.attribute(name): value for name, value in event.fields.items() if value is not None
        }
        if event.event_name is not None:
            del attributes["event_name"]  # OTLP has a place of its own for it
        if logger is self._loggers.get(self.SHARED):
            attributes["logger"] = event.logger
        logger.emit(
            timestamp=event.time_ns,
            observed_timestamp=event.time_ns,
            context=event.context,
            severity_number=event.level.severity,
            severity_text=event.level.severity_text,
            body=event.text,
            attributes=attributes,
            event_name=event.event_name,
        )

    def _logger(self, name: str) -> Logger:
        if len(self._loggers) >= self.REMEMBERED:
            name = self.SHARED
        # two threads may both get one: providers give the same logger for the same name
        return self._loggers.setdefault(name, self._provider.get_logger(name))
