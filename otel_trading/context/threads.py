"""Context into threads, thread pools and `run_in_executor`, and asyncio's instrumentation, by the stock packages."""

from __future__ import annotations

import functools
import threading
from typing import Any

from opentelemetry.context import attach, detach, get_current

from otel_trading.ground import diagnostics


def _instrumentor(name: str) -> Any:
    if name == "asyncio":
        from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor

        return AsyncioInstrumentor()
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor

    return ThreadingInstrumentor()


def _carry_into_subclasses() -> None:
    """Carries the context into threads that override `run`, which the stock instrumentation does not reach."""
    if getattr(threading.Thread.start, "_otel_trading", False):
        return
    real = threading.Thread.start

    @functools.wraps(real)
    def start(self: threading.Thread) -> None:
        owner = next(kind for kind in type(self).__mro__ if "run" in vars(kind))
        if owner.__module__ != "threading":
            run, context = self.run, get_current()

            def carried() -> None:
                token = attach(context)
                try:
                    run()
                finally:
                    detach(token)

            self.run = carried  # type: ignore[method-assign]  # on this one object, for its one run
        real(self)

    start._otel_trading = real  # type: ignore[attr-defined]
    threading.Thread.start = start  # type: ignore[method-assign]


def _leave_subclasses_alone() -> None:
    real = getattr(threading.Thread.start, "_otel_trading", None)
    if real is not None:  # else somebody wrapped it again after us; ours then stays and does no harm
        threading.Thread.start = real  # type: ignore[method-assign]


def instrument(name: str) -> bool:
    """Activates `threading` or `asyncio`; False if somebody else already did, or it cannot be."""
    try:
        instrumentor = _instrumentor(name)
        if instrumentor.is_instrumented_by_opentelemetry:
            return False
        instrumentor.instrument()
        if name == "threading":
            _carry_into_subclasses()
        return bool(instrumentor.is_instrumented_by_opentelemetry)
    except Exception as error:
        diagnostics.trouble("context.instrument_failed", "%s could not be instrumented: %r", name, error)
        return False


def uninstrument(name: str) -> None:
    """Takes back what `instrument` did."""
    try:
        if name == "threading":
            _leave_subclasses_alone()
        _instrumentor(name).uninstrument()
    except Exception as error:
        diagnostics.trouble("context.uninstrument_failed", "%s could not be uninstrumented: %r", name, error)
