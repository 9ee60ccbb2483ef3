"""Trace headers go to loopback, private and listed hosts only; an exchange never sees one.

Instrumentations inject through OpenTelemetry's global propagator while their client span is current, so the
destination is read from that span. Where it cannot be known, nothing is injected.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

from opentelemetry import propagate, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from otel_trading import sdk
from otel_trading.config.config import Config
from otel_trading.config.plan import Plan
from otel_trading.ground import diagnostics
from otel_trading.ground.errors import ConfigurationError, Problem
from otel_trading.privacy.destinations import Destinations, host_of
from otel_trading.traces import redirects
from otel_trading.traces.adopted_span import UnsampledOutgoingSpan

_OUTGOING = (SpanKind.CLIENT, SpanKind.PRODUCER)


class GuardedPropagator(TextMapPropagator):
    """Another propagator that injects only where headers may go; it extracts as the other does."""

    def __init__(self, inner: TextMapPropagator, destinations: Destinations) -> None:
        self.inner = inner
        self._destinations = destinations

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        """Injects if the current client span's destination is allowed; never raises."""
        attributes = _outgoing_attributes(trace.get_current_span(context))
        host = host_of(attributes) if attributes else None
        if host is not None and self._destinations.allows(host):
            self.inner.inject(carrier, context, setter)
        elif isinstance(carrier, MutableMapping):
            # a client that follows a redirect copies the headers of the first request
            for field in self.inner.fields:
                for key in [key for key in carrier if str(key).lower() == field.lower()]:
                    del carrier[key]

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        """Extracts as the other propagator does."""
        return self.inner.extract(carrier, context, getter)

    @property
    def fields(self) -> set[str]:
        """Header names of the other propagator."""
        return self.inner.fields


def _outgoing_attributes(span: trace.Span) -> Mapping[str, Any] | None:
    if isinstance(span, UnsampledOutgoingSpan):
        return span.outgoing_attributes
    if getattr(span, "kind", None) in _OUTGOING:
        attributes: Mapping[str, Any] | None = getattr(span, "attributes", None)
        return attributes
    return None


def is_stock_default(propagator: object) -> bool:
    """True for what OpenTelemetry sets by itself at import: nothing that an application chose."""
    if not isinstance(propagator, CompositePropagator):
        return False
    stock = (TraceContextTextMapPropagator, W3CBaggagePropagator)
    return all(type(part) in stock for part in getattr(propagator, "_propagators", ()))


def create(plan: Plan, config: Config) -> TextMapPropagator:
    """The propagator of the plan; raises ConfigurationError for one that nobody installed."""
    if plan.propagators_from_file and config.file is not None:
        try:
            return sdk.propagator_from_model(plan.propagator_model)
        except Exception as error:
            raise config.file.cannot_serve(error, "propagator") from error
    found: list[TextMapPropagator] = []
    for name in plan.propagators:
        try:
            made = sdk.load_entry_point(name, "opentelemetry_propagator")
            found.append(made() if isinstance(made, type) else made)  # type: ignore[arg-type]
        except LookupError:
            setting = config.settings["propagators"]
            problem = Problem(
                "propagators",
                setting.source,
                "names of installed propagators",
                repr(name),
                f"Known are {', '.join(sorted(sdk.entry_point_names('opentelemetry_propagator')))}.",
            )
            if setting.origin != "standard environment":
                raise ConfigurationError([problem]) from None
            diagnostics.say(logging.WARNING, "%s It is ignored.", problem)
    return CompositePropagator(found)


def install(propagator: TextMapPropagator, destinations: Destinations) -> TextMapPropagator:
    """Guards `propagator`, or the one that the application set itself, and makes it the global one.

    Returns:
        The propagator that was global before, to be put back with `opentelemetry.propagate.set_global_textmap`.
    """
    before = propagate.get_global_textmap()
    if isinstance(before, GuardedPropagator):
        before = before.inner
    chosen = propagator if is_stock_default(before) else before
    propagate.set_global_textmap(GuardedPropagator(chosen, destinations))
    redirects.guard(chosen.fields, destinations)
    return before
