"""Trace headers in a mapping, for transports between processes of one's own.

Unlike OpenTelemetry's global propagator, which guards where headers go, these inject always. Never use them for a
message that goes to an exchange; there, correlate by client order id.
"""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_w3c = TraceContextTextMapPropagator()


def inject(headers: dict[str, str] | None = None, context: Context | None = None) -> dict[str, str]:
    """Adds `traceparent` and `tracestate` of the current span.

    Args:
        headers: changed in place; a new dictionary unless given.
        context: where the span is; the current context unless given.

    Returns:
        The headers; without a current span they are unchanged.
    """
    carrier: dict[str, str] = {} if headers is None else headers
    _w3c.inject(carrier, context)
    return carrier


def extract(headers: Mapping[str, str]) -> Context:
    """The context that headers tell: remote parent and tracestate; an empty context if they tell nothing."""
    return _w3c.extract(headers, Context())
