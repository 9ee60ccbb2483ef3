"""Spans of either kind as they may leave: the SDK's, and chunks of encoded ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from otel_trading.delivery.span_chunk import SpanChunk
from otel_trading.privacy.redaction import Redactor
from otel_trading.privacy.screening import Screening
from otel_trading.privacy.spans import redact_span


class SpanRedaction:
    """For one worker; one thread at a time."""

    def __init__(self, redactor: Redactor) -> None:
        """Takes the rules over."""
        self._redactor = redactor
        self._screening = Screening(redactor)

    def redacted(self, item: Any) -> Any:
        """The item without secrets; the same object if it held none. A chunk is without spans that must not leave."""
        if not isinstance(item, SpanChunk):
            return redact_span(item, self._redactor)
        spans, lost = self._screening.redacted(item.spans)
        return item if spans is item.spans else replace(item, spans=spans, count=item.count - lost)
