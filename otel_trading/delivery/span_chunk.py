"""Spans that are OTLP's bytes already, as items of a worker."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from otel_trading.delivery.urgency import Urgency
from otel_trading.hotpath.span_reading import span_fields


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Whose spans they are.

    Attributes:
        resource: the SDK's Resource.
        fields: the same as encoded fields `resource` and `schema_url` of ResourceSpans.
    """

    resource: Any
    fields: bytes


@dataclass(frozen=True, slots=True, eq=False)
class SpanChunk:
    """Spans of one scope and urgency.

    Attributes:
        source: of the process.
        scope: encoded fields `scope` and `schema_url` of ScopeSpans.
        count: how many spans.
        spans: as many encoded fields `spans` of ScopeSpans.
        urgency: of each.
    """

    source: Source
    scope: bytes
    count: int
    spans: bytes
    urgency: Urgency

    def halves(self) -> list[SpanChunk]:
        """Two chunks with half of the spans each; nothing if there is one span only."""
        if self.count < 2:
            return []
        middle = self.count // 2
        for number, (begin, _) in enumerate(span_fields(self.spans)):
            if number == middle:
                first, second = self.spans[:begin], self.spans[begin:]
                return [
                    replace(self, count=middle, spans=first),
                    replace(self, count=self.count - middle, spans=second),
                ]
        return []
