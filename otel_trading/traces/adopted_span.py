"""The span of an application's own SDK provider, made safe against wrong values and stepping clocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from opentelemetry.trace import NonRecordingSpan, SpanContext, Status, StatusCode
from opentelemetry.util.types import Attributes

from otel_trading import sdk
from otel_trading.ground import clock, diagnostics, values
from otel_trading.traces.attributes import converted
from otel_trading.traces.exception import described


class AdoptedSpan(sdk.RecordingSpan):
    """A recording span whose methods never raise, and whose length is measured on the monotonic clock.

    The SDK offers no seam to choose the class of its spans, so `adopt` gives a finished one this class. Thread-safe
    as the SDK's span is. A forked child's copy of an open span goes nowhere when it ends.
    """

    _began_ns: int
    _explicit_start: bool

    @classmethod
    def adopt(cls, span: Any, start_time: int | None) -> AdoptedSpan:
        """Makes an SDK span, just started, one of ours."""
        span.__class__ = cls
        span._explicit_start = start_time is not None
        span._began_ns = clock.now()
        if start_time is None:
            span._start_time = clock.wall_ns()
        return cast(AdoptedSpan, span)

    def _wall_ns(self) -> int:
        """Now, counted from the start on the monotonic clock, so that a stepping wall clock makes no negative span."""
        if self._explicit_start or self._start_time is None:
            return clock.wall_ns()
        return int(self._start_time) + clock.now() - self._began_ns

    def end(self, end_time: int | None = None) -> None:
        """Ends the span; a second call is ignored."""
        try:
            if self._end_time is None:
                super().end(end_time if type(end_time) is int else self._wall_ns())
        except Exception as error:
            diagnostics.trouble("traces.end_failed", "a span could not be ended: %r", error)

    def set_attribute(self, key: str, value: Any) -> None:
        """Sets one attribute, converted by `ground.values`."""
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Sets attributes, converted by `ground.values`; ignored on an ended span."""
        try:
            safe = converted(attributes)
            if safe and self._end_time is None:
                super().set_attributes(safe)
        except Exception as error:
            diagnostics.trouble("traces.invalid_attributes", "attributes could not be set: %r", error)

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Adds an event at `timestamp` (UTC nanoseconds) or now."""
        try:
            at_ns = timestamp if type(timestamp) is int else self._wall_ns()
            super().add_event(values.text(name), converted(attributes), at_ns)
        except Exception as error:
            diagnostics.trouble("traces.event_failed", "an event could not be added: %r", error)

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Adds a link."""
        try:
            super().add_link(context, converted(attributes))
        except Exception as error:
            diagnostics.trouble("traces.link_failed", "a link could not be added: %r", error)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Sets the status; rules as in the specification."""
        try:
            super().set_status(status, description)
        except Exception as error:
            diagnostics.trouble("traces.status_failed", "a status could not be set: %r", error)

    def update_name(self, name: str) -> None:
        """Renames the span."""
        try:
            super().update_name(values.text(name))
        except Exception as error:
            diagnostics.trouble("traces.rename_failed", "a span could not be renamed: %r", error)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Adds an `exception` event; an exception whose `__str__` raises is recorded all the same."""
        told = described(exception, escaped)
        self.add_event("exception", {**told, **(converted(attributes) or {})}, timestamp)


class UnsampledOutgoingSpan(NonRecordingSpan):
    """An unsampled client span that still knows where its request goes, so that headers can be guarded."""

    def __init__(self, context: SpanContext, attributes: Attributes) -> None:
        super().__init__(context)
        self.outgoing_attributes: Mapping[str, Any] = attributes or {}

    def set_attribute(self, key: str, value: Any) -> None:
        """Remembers the attribute; some instrumentations tell the address only after the start."""
        self.set_attributes({key: value})

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Remembers attributes."""
        self.outgoing_attributes = {**self.outgoing_attributes, **(converted(attributes) or {})}
