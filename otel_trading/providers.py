"""OpenTelemetry's globals, which can be set once: ours delegate, an application's own are kept and joined."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry import metrics, trace

from otel_trading import sdk
from otel_trading.ground import diagnostics
from otel_trading.logs.provider import DelegatingLoggerProvider
from otel_trading.metrics.provider import DelegatingMeterProvider
from otel_trading.traces.provider import DelegatingTracerProvider

tracers = DelegatingTracerProvider()
meters = DelegatingMeterProvider()
loggers = DelegatingLoggerProvider()


@dataclass(frozen=True, slots=True)
class Foreign:
    """Providers that the application set before us; None where ours is the global one."""

    tracers: Any
    meters: Any
    loggers: Any


def claim() -> Foreign:
    """Sets our delegating providers where nobody has set any; tells which the application has set itself."""
    found = Foreign(
        _claim(trace.get_tracer_provider(), tracers, trace.set_tracer_provider),
        _claim(metrics.get_meter_provider(), meters, metrics.set_meter_provider),
        _claim(sdk.get_logger_provider(), loggers, sdk.set_logger_provider),
    )
    kept = [name for name in ("tracers", "meters", "loggers") if getattr(found, name) is not None]
    if kept:
        diagnostics.say(
            logging.INFO,
            "the application has set its own providers of %s; they are kept, and samplers, limits and views of "
            "otel_trading do not apply to them",
            ", ".join(kept),
        )
    return found


def _claim(current: Any, ours: Any, set_global: Any) -> Any:
    if current is ours:
        return None
    if sdk.is_unset(current):
        set_global(ours)
        return None
    return current


def let_go() -> None:
    """Makes everything that was ever obtained from us a no-op."""
    tracers.delegate_to(None)
    meters.delegate_to(None)
    loggers.delegate_to(None)


def after_fork_in_child(awaken: Callable[[], object] | None = None) -> None:
    """The same in a forked child, without the parent's locks.

    Args:
        awaken: called before the first span begins or the first measurement is taken; None for nothing.
    """
    tracers.after_fork_in_child(awaken)
    meters.after_fork_in_child(awaken)
    loggers.after_fork_in_child()
