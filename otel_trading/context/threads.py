"""Context into threads, thread pools and `run_in_executor`, and asyncio's instrumentation, by the stock packages."""

from __future__ import annotations

from typing import Any

from otel_trading.ground import diagnostics


def _instrumentor(name: str) -> Any:
    if name == "asyncio":
        from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor

        return AsyncioInstrumentor()
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor

    return ThreadingInstrumentor()


def instrument(name: str) -> bool:
    """Activates `threading` or `asyncio`; False if somebody else already did, or it cannot be."""
    try:
        instrumentor = _instrumentor(name)
        if instrumentor.is_instrumented_by_opentelemetry:
            return False
        instrumentor.instrument()
        return bool(instrumentor.is_instrumented_by_opentelemetry)
    except Exception as error:
        diagnostics.trouble("context.instrument_failed", "%s could not be instrumented: %r", name, error)
        return False


def uninstrument(name: str) -> None:
    """Takes back what `instrument` did."""
    try:
        _instrumentor(name).uninstrument()
    except Exception as error:
        diagnostics.trouble("context.uninstrument_failed", "%s could not be uninstrumented: %r", name, error)
