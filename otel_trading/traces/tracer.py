"""The tracer that applications hold: the engine's, which outlives `shutdown()` and follows what `init()` last built."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanKind
from opentelemetry.util.types import Attributes

from otel_trading import sdk
from otel_trading.ground import diagnostics, values
from otel_trading.hotpath.chosen import engine
from otel_trading.traces.adopted_span import AdoptedSpan, UnsampledOutgoingSpan
from otel_trading.traces.attributes import converted
from otel_trading.traces.exception import mark_failed
from otel_trading.traces.readable import KINDS

Scope = tuple[str, str | None, str | None, Attributes]
"""Name, version, schema URL and attributes of an instrumentation scope."""

Start = Callable[..., Any]
"""Begins a span of `Tracer.start_span`'s arguments, by their places."""

_OUTGOING = (SpanKind.CLIENT, SpanKind.PRODUCER)

if TYPE_CHECKING:  # which engine it is is known at run time; what its tracer takes and gives is OpenTelemetry's

    class _Base(trace.Tracer):
        def direct(self, recorder: Any, sampler: Any, /) -> None: ...

        def start_span(
            self,
            name: str,
            context: Context | None = None,
            kind: SpanKind = SpanKind.INTERNAL,
            attributes: Attributes = None,
            links: Sequence[Link] | None = (),
            start_time: int | None = None,
            record_exception: bool = True,
            set_status_on_exception: bool = True,
        ) -> Span: ...

        @sdk.context_manager_and_decorator
        def start_as_current_span(
            self,
            name: str,
            context: Context | None = None,
            kind: SpanKind = SpanKind.INTERNAL,
            attributes: Attributes = None,
            links: Sequence[Link] | None = (),
            start_time: int | None = None,
            record_exception: bool = True,
            set_status_on_exception: bool = True,
            end_on_exit: bool = True,
        ) -> Iterator[Span]: ...

else:
    _Base = engine.Tracer


class DelegatingTracer(_Base):
    """A tracer that lives as long as the process; before `init()` and after `shutdown()` its spans do not record.

    Never raises for what it is given: values of a wrong type are converted (`ground.values`), and what cannot be
    started is counted and becomes a non-recording span of the parent's trace. Thread-safe.
    """

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope
        self._start: Start = nothing

    def follow(self, start: Start, recorder: Any = None, sampler: Any = None) -> None:
        """Begins spans otherwise from now on.

        Args:
            start: in Python.
            recorder: in the engine, where that can; None: never.
            sampler: of the engine; None: all are kept.
        """
        self._start = start
        self.direct(recorder, sampler)

    def wait_for(self, awaken: Callable[[], object]) -> None:
        """Calls this before the next span begins, which begins wherever the tracer is led meanwhile."""

        def start(*given: Any) -> Any:
            awaken()
            return nothing(*given) if self._start is start else self.start_span(*given)

        self.follow(start)

    def start_slowly(self, *given: Any) -> Any:
        """Begins a span in Python."""
        try:
            return self._start(*given)
        except Exception as error:
            diagnostics.trouble("traces.start_failed", "a span could not be started: %r", error)
            return NonRecordingSpan(trace.get_current_span().get_span_context())

    def failed(self, span: Any, error: Exception, record: bool, set_status: bool) -> None:
        """An exception of the application leaves the block of a span."""
        mark_failed(span, error, record, set_status)

    def decorated(self, function: Callable[..., Any], *given: Any) -> Callable[..., Any]:
        """A function, or a coroutine function, each of whose calls is a span."""
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with self.start_as_current_span(*given):
                    return await function(*args, **kwargs)

            return awaited

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with self.start_as_current_span(*given):
                return function(*args, **kwargs)

        return called


def nothing(name: Any, context: Any, *given: Any) -> Any:
    """A span that does not record and stands for its parent."""
    span = trace.get_current_span(context if isinstance(context, Context) else None)
    return NonRecordingSpan(span.get_span_context())


def starting_of(tracer: trace.Tracer) -> Start:
    """Begins spans of a tracer of an application's own provider, made safe where they are the SDK's."""

    def start(
        name: Any,
        context: Any,
        kind: Any,
        attributes: Any,
        links: Any,
        start_time: Any,
        record_exception: Any,
        set_status_on_exception: Any,
    ) -> Any:
        safe = converted(attributes)
        time_ns = start_time if type(start_time) is int else None
        told = (kind, safe, links, time_ns, record_exception, set_status_on_exception)
        span = tracer.start_span(values.text(name), context, *told)
        if type(span) is sdk.RecordingSpan:
            return AdoptedSpan.adopt(span, start_time)
        if kind in _OUTGOING and type(span) is NonRecordingSpan:
            return UnsampledOutgoingSpan(span.get_span_context(), safe)
        return span

    return start


def _prepare() -> None:
    """Tells the engine where OpenTelemetry's context is; elsewhere than in a ContextVar, Python makes spans current."""
    trace.Tracer.register(DelegatingTracer)
    engine.Tracer.set_kinds(KINDS)
    variable, key, _ = sdk.current_context()
    if variable is not None and key is not None:
        engine.set_current(variable, Context, key)
    else:
        setattr(DelegatingTracer, "start_span", _start_in_python)  # noqa: B010  # a method is replaced
        setattr(DelegatingTracer, "start_as_current_span", _current_in_python)  # noqa: B010


def _start_in_python(
    self: DelegatingTracer,
    name: Any,
    context: Any = None,
    kind: Any = SpanKind.INTERNAL,
    attributes: Any = None,
    links: Any = (),
    start_time: Any = None,
    record_exception: Any = True,
    set_status_on_exception: Any = True,
) -> Any:
    return self.start_slowly(
        name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
    )


@sdk.context_manager_and_decorator
def _current_in_python(
    self: DelegatingTracer,
    name: Any,
    context: Any = None,
    kind: Any = SpanKind.INTERNAL,
    attributes: Any = None,
    links: Any = (),
    start_time: Any = None,
    record_exception: Any = True,
    set_status_on_exception: Any = True,
    end_on_exit: Any = True,
) -> Any:
    given = (context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
    span = self.start_span(name, *given)
    with trace.use_span(span, end_on_exit, record_exception, set_status_on_exception):
        yield span


_prepare()
