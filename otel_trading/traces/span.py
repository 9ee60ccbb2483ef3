"""The span that applications hold: the engine's, with the rest of OpenTelemetry's API and what the SDK lets read.

It holds nothing of its own. What is read back is decoded from the encoded span each time somebody asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import Attributes

from otel_trading.ground import diagnostics
from otel_trading.hotpath import span_reading
from otel_trading.hotpath.chosen import engine
from otel_trading.hotpath.span_engine import RECORD_EXCEPTION, SET_STATUS
from otel_trading.traces.attributes import converted
from otel_trading.traces.exception import described, mark_failed
from otel_trading.traces.origin import Origin
from otel_trading.traces.readable import context_of, kind_of, readable

_Engine: Any = engine.Span


class SpanMethods:
    """What the engine's span does not have. No method raises for a wrong value; it is counted."""

    __slots__ = ()

    # of the engine
    trace_id: int
    span_id: int
    flags: int
    trace_state: str
    start_ns: int
    end_ns: int
    on_exception: int
    owner: Origin
    encoded: Any
    is_recording: Any
    add_event: Any
    end: Any

    def get_span_context(self) -> SpanContext:
        """Ids, flags and trace state."""
        return context_of(self.trace_id, self.span_id, self.flags, self.trace_state)

    def add_link(self, context: object, attributes: Attributes = None) -> None:
        """Adds a link; one without ids, attributes and trace state says nothing and is ignored."""
        if not isinstance(context, SpanContext):
            diagnostics.trouble("traces.link_failed", "a link needs a SpanContext; was %s", type(context))
            return
        state = context.trace_state.to_header() if context.trace_state else None
        flags, remote = int(context.trace_flags), context.is_remote
        _Engine.add_link(self, context.trace_id, context.span_id, attributes, state, flags, remote)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Sets the status: ok is final, unset changes nothing, only an error has a description."""
        if isinstance(status, Status):
            _Engine.set_status(self, status.status_code.value, status.description)
        else:
            _Engine.set_status(self, getattr(status, "value", status), description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Adds an `exception` event; an exception whose `__str__` raises is recorded all the same."""
        if not self.is_recording():
            return
        told: dict[str, Any] = described(exception, escaped)
        told.update(converted(attributes) or {})
        self.add_event("exception", told, timestamp)

    def __enter__(self) -> Any:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            told = self.on_exception
            mark_failed(
                self,  # type: ignore[arg-type]  # registered as one
                error,
                bool(told & RECORD_EXCEPTION),
                bool(told & SET_STATUS),
                escaped=True,
            )
        self.end()

    def readable(self) -> ReadableSpan:
        """The SDK's object for the span as it is now."""
        origin = self.owner
        return readable(span_reading.read(self.encoded()), origin.resource, origin.scope)

    @property
    def context(self) -> SpanContext:
        """As `get_span_context()`."""
        return self.get_span_context()

    @property
    def kind(self) -> SpanKind:
        """What kind of operation it is."""
        return kind_of(_Engine.kind.__get__(self))

    @property
    def start_time(self) -> int:
        """UTC nanoseconds."""
        return self.start_ns

    @property
    def end_time(self) -> int | None:
        """UTC nanoseconds; None before the end."""
        return self.end_ns or None

    @property
    def resource(self) -> Resource:
        """Of its provider."""
        return self.owner.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope:
        """Of its tracer."""
        return self.owner.scope

    @property
    def parent(self) -> SpanContext | None:
        """The parent's context; None for a root."""
        return self.readable().parent

    @property
    def attributes(self) -> Attributes:
        """As they are now."""
        return self.readable().attributes

    @property
    def events(self) -> Sequence[Event]:
        """As they are now."""
        return self.readable().events

    @property
    def links(self) -> Sequence[Link]:
        """As they are now."""
        return self.readable().links

    @property
    def status(self) -> Status:
        """As it is now."""
        return self.readable().status

    @property
    def dropped_attributes(self) -> int:
        """Beyond the limit, or of values that cannot be converted."""
        return self.readable().dropped_attributes

    @property
    def dropped_events(self) -> int:
        """Beyond the limit."""
        return self.readable().dropped_events

    @property
    def dropped_links(self) -> int:
        """Beyond the limit."""
        return self.readable().dropped_links

    def to_json(self, indent: int | None = 4) -> str:
        """As the SDK writes it."""
        return str(self.readable().to_json(indent))

    def __repr__(self) -> str:
        return f"Span(name={_Engine.name.__get__(self)!r}, context={self.get_span_context()!r})"


class ObservedSpanMethods(SpanMethods):
    """A span that SpanProcessors of others are told of."""

    __slots__ = ()

    def end(self, end_time: int | None = None) -> None:
        """Ends the span and hands its readable copy to the processors, once."""
        origin = self.owner
        if not self.is_recording():
            return
        origin.processors.ending(self)
        with origin.processors.one_at_a_time:
            if not self.is_recording():
                return
            _Engine.end(self, end_time)
        origin.processors.ended(self.readable())


def _methods(of: type) -> dict[str, Any]:
    """Functions and properties of a class and what it inherits, but for those every object has."""
    found: dict[str, Any] = {}
    for each in reversed(of.__mro__[:-1]):
        found.update(
            {name: value for name, value in vars(each).items() if callable(value) or isinstance(value, property)}
        )
    return found


TradingSpan: Any = engine.span_type("Span", _methods(SpanMethods))
"""What our tracers begin."""

ObservedSpan: Any = engine.span_type("Span", _methods(ObservedSpanMethods))
"""What they begin while SpanProcessors of others are registered."""

trace.Span.register(TradingSpan)
trace.Span.register(ObservedSpan)
