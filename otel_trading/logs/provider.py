"""The logger provider that is set once, and delegates to whatever `init()` last built."""

from __future__ import annotations

import threading
import warnings
from typing import Any
from weakref import WeakSet

from opentelemetry.util.types import Attributes

from otel_trading.ground import diagnostics, values
from otel_trading.ground.delegating import Delegating
from otel_trading.sdk import Logger, LoggerProvider, LogRecordDroppedAttributesWarning, NoOpLoggerProvider

_filtering = threading.RLock()
"""Held while the filters of warnings are not the application's: they are the whole process'."""


class DelegatingLoggerProvider(Delegating, LoggerProvider):
    """Hands out loggers that follow `delegate_to`; everything else is the current provider's own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._target: LoggerProvider = NoOpLoggerProvider()
        self._loggers: WeakSet[DelegatingLogger] = WeakSet()

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Logger:
        """A logger for the scope; never raises, thread-safe."""
        with self._lock:
            logger = DelegatingLogger(values.text(name), version, schema_url, attributes)
            logger.follow(self._target)
            self._loggers.add(logger)
            return logger

    def delegate_to(self, provider: LoggerProvider | None) -> None:
        """Makes every logger obtained here use `provider`, or nothing for None."""
        with self._lock:
            self._target = provider or NoOpLoggerProvider()
            for logger in list(self._loggers):
                logger.follow(self._target)

    def after_fork_in_child(self) -> None:
        """Makes everything a no-op without taking a lock that another thread of the parent may have held."""
        global _filtering
        self._lock = _filtering = threading.RLock()
        self.delegate_to(None)


class DelegatingLogger(Logger):
    """A logger of OpenTelemetry's logs API that outlives `shutdown()` and never raises."""

    def __init__(self, name: str, version: str | None, schema_url: str | None, attributes: Attributes) -> None:
        super().__init__(name, version, schema_url, attributes)
        self._scope = (name, version, schema_url, attributes)
        self._real: Logger

    def follow(self, provider: LoggerProvider) -> None:
        """Takes the real logger from `provider`."""
        self._real = provider.get_logger(*self._scope)

    def emit(self, *args: Any, **kwargs: Any) -> None:
        """Emits a record; see `opentelemetry._logs.Logger.emit`."""
        try:
            try:
                self._real.emit(*args, **kwargs)
            except LogRecordDroppedAttributesWarning:  # an error by `python -W error`
                with _filtering, warnings.catch_warnings():
                    warnings.simplefilter("ignore", LogRecordDroppedAttributesWarning)
                    self._real.emit(*args, **kwargs)
        except Exception as error:
            diagnostics.trouble("logs.emit_failed", "a log record could not be emitted: %r", error)

    def enabled(self, **kwargs: Any) -> bool:
        """True if a record would be taken."""
        try:
            return bool(self._real.enabled(**kwargs)) if hasattr(self._real, "enabled") else True
        except Exception as error:
            diagnostics.trouble("logs.enabled_failed", "a logger could not be asked: %r", error)
            return False
