"""Ended spans to their workers, redacted on the worker's thread."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from otel_trading.delivery.lane import Lane
from otel_trading.ground.clock import Deadline


class SpanDelivery(SpanProcessor):
    """Offers every ended, sampled span to the lane. `on_end` never blocks for I/O and never raises."""

    def __init__(self, lane: Lane | None = None) -> None:
        self.lane = lane
        """Where spans go; None drops them, in an application's own provider that keeps its processors for ever."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Does nothing."""

    def on_end(self, span: ReadableSpan) -> None:
        """Hands the span over."""
        lane = self.lane
        if lane is not None and span.context is not None and span.context.trace_flags.sampled:
            lane.offer(span)

    def shutdown(self) -> None:
        """Does nothing; the runtime stops the lane with the deadline that all signals share."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flushes the lane within the limit."""
        lane = self.lane
        return lane is None or lane.flushed(lane.ask_to_flush(), Deadline(timeout_millis / 1000))
