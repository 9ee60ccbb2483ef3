"""Where spans come from, and who of others is told of them."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, SynchronousMultiSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_trading import sdk
from otel_trading.delivery.last_call import LastCall, all_ended
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline


class Processors:
    """SpanProcessors of others, in the order in which they were added. What one raises is counted and goes nowhere."""

    def __init__(self) -> None:
        self._all = SynchronousMultiSpanProcessor()  # type: ignore[no-untyped-call]
        self.last_calls: tuple[LastCall, ...] = ()
        """The shutdown of each."""
        self.any = False
        """Whether there is one."""
        self.one_at_a_time = threading.RLock()
        """So that of two ends of a span one counts."""

    def add(self, processor: SpanProcessor) -> None:
        """One more."""
        self._all.add_span_processor(processor)
        self.last_calls += (LastCall(type(processor).__name__, processor.shutdown),)
        self.any = True

    def started(self, span: Any, context: Context | None) -> None:
        """A span has begun."""
        try:
            self._all.on_start(span, context)
        except Exception as error:
            _failed("on_start", error)

    def ending(self, span: Any) -> None:
        """A span is about to end."""
        try:
            sdk.tell_ending(self._all, span)
        except Exception as error:
            _failed("_on_ending", error)

    def ended(self, span: ReadableSpan) -> None:
        """A span has ended."""
        try:
            self._all.on_end(span)
        except Exception as error:
            _failed("on_end", error)

    def force_flush(self, timeout_millis: int) -> bool:
        """Flushes each within the limit."""
        return self._all.force_flush(timeout_millis)

    def shutdown(self, deadline: Deadline) -> None:
        """Shuts each down, side by side and once, and waits until then."""
        all_ended(self.last_calls, deadline)


def _failed(what: str, error: Exception) -> None:
    diagnostics.trouble("traces.processor_failed", "a SpanProcessor failed in %s: %r", what, error)


@dataclass(frozen=True, slots=True)
class Origin:
    """What all spans of a tracer share.

    Attributes:
        resource: of the provider.
        scope: of the tracer.
        processors: of the provider.
    """

    resource: Resource
    scope: InstrumentationScope
    processors: Processors
