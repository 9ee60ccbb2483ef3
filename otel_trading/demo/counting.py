"""Counts what a service makes, in front of everything that delivers it: both ends are needed to see a loss."""

from __future__ import annotations

from collections import Counter
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

from otel_trading.sdk import LogRecordProcessor, get_logger_provider


class Made(SpanProcessor):
    """Spans that were sampled and have ended, by their names' first word; log records."""

    def __init__(self) -> None:
        """Counts nothing yet; `attach` begins."""
        self._spans: Counter[str] = Counter()
        self._records = _Records()

    def attach(self) -> None:
        """Hangs itself before the current telemetry; it ends with it."""
        _provider(trace.get_tracer_provider()).add_span_processor(self)
        _provider(get_logger_provider()).add_log_record_processor(self._records)

    def on_end(self, span: ReadableSpan) -> None:
        """Counts one span."""
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled:
            self._spans[span.name.split(" ")[0]] += 1

    def as_json(self) -> dict[str, Any]:
        """Returns the counts so far."""
        return {"spans": self._spans.total(), "span_names": dict(self._spans), "logs": self._records.count}


class _Records(LogRecordProcessor):
    """The log records."""

    def __init__(self) -> None:
        self.count = 0

    def on_emit(self, log_record: Any) -> None:
        """Counts one record."""
        self.count += 1

    def shutdown(self) -> None:
        """Has nothing to close."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Has nothing to send."""
        return True


def _provider(delegating: Any) -> Any:
    # the API's type has no add_..._processor; ours passes it on to the SDK's provider
    return delegating
