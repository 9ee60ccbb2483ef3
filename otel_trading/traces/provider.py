"""The tracer provider that is set once, and delegates to whatever `init()` last built.

OpenTelemetry's global can be set once. Tracers obtained from here therefore live as long as the process: before
`init()` and after `shutdown()` they make non-recording spans, in between they make real ones.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakSet

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanKind, Status, StatusCode, Tracer, TracerProvider
from opentelemetry.util.types import Attributes

from otel_trading import sdk
from otel_trading.ground import diagnostics, values
from otel_trading.traces.span import TradingSpan, UnsampledOutgoingSpan, converted

_OUTGOING = (SpanKind.CLIENT, SpanKind.PRODUCER)


class DelegatingTracerProvider(TracerProvider):
    """Hands out tracers that follow `delegate_to`; everything else is the current provider's own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._target: TracerProvider = trace.NoOpTracerProvider()
        self._tracers: WeakSet[DelegatingTracer] = WeakSet()

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> DelegatingTracer:
        """A tracer for the scope; never raises, thread-safe."""
        version = instrumenting_library_version
        scope = (
            values.text(instrumenting_module_name),
            None if version is None else values.text(version),
            None if schema_url is None else values.text(schema_url),
            converted(attributes),
        )
        with self._lock:
            tracer = DelegatingTracer(scope)
            tracer.follow(self._target)
            self._tracers.add(tracer)
            return tracer

    def delegate_to(self, provider: TracerProvider | None) -> None:
        """Makes every tracer obtained here use `provider`, or nothing for None."""
        with self._lock:
            self._target = provider or trace.NoOpTracerProvider()
            for tracer in list(self._tracers):
                tracer.follow(self._target)

    def after_fork_in_child(self) -> None:
        """Makes everything a no-op without taking a lock that another thread of the parent may have held."""
        self._lock = threading.RLock()
        self._target = trace.NoOpTracerProvider()
        for tracer in list(self._tracers):
            tracer.follow(self._target)

    def __getattr__(self, name: str) -> Any:
        # add_span_processor, resource, force_flush ...: third-party code expects the SDK's provider here
        return getattr(self.__dict__["_target"], name)


class DelegatingTracer(Tracer):
    """A tracer that outlives `shutdown()`."""

    def __init__(self, scope: tuple[str, str | None, str | None, Attributes]) -> None:
        self._scope = scope
        self._real: Tracer = trace.NoOpTracer()

    def follow(self, provider: TracerProvider) -> None:
        """Takes the real tracer from `provider`."""
        self._real = provider.get_tracer(*self._scope)

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
    ) -> Span:
        """Starts a span; see `opentelemetry.trace.Tracer.start_span`.

        Never raises: arguments of a wrong type are converted (`ground.values`), and what cannot be started is
        counted and becomes a non-recording span of the parent's trace.
        """
        try:
            safe = converted(attributes)
            span = self._real.start_span(
                name if type(name) is str else values.text(name),
                context,
                kind,
                safe,
                links,
                start_time if type(start_time) is int else None,
                record_exception,
                set_status_on_exception,
            )
            if type(span) is sdk.RecordingSpan:
                return TradingSpan.adopt(span, start_time)
            if kind in _OUTGOING and type(span) is NonRecordingSpan:
                return UnsampledOutgoingSpan(span.get_span_context(), safe)
            return span
        except Exception as error:
            diagnostics.trouble("traces.start_failed", "a span could not be started: %r", error)
            return NonRecordingSpan(trace.get_current_span().get_span_context())

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
    ) -> Iterator[Span]:
        """Starts a span and makes it the current one; context manager and decorator, also of coroutines.

        An exception of the application passes through; it is recorded on the span first.
        """
        span = self.start_span(name, context, kind, attributes, links, start_time)
        token = attach(trace.set_span_in_context(span))
        try:
            yield span
        except Exception as error:
            mark_failed(span, error, record_exception, set_status_on_exception)
            raise
        finally:
            detach(token)
            if end_on_exit:
                span.end()


def mark_failed(span: Span, error: Exception, record: bool, set_status: bool) -> None:
    """Records an exception on a span without letting a failing `__str__` replace it."""
    if not span.is_recording():
        return
    if record:
        span.record_exception(error)
    if set_status:
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {values.text(error)}"))
