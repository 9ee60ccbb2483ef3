"""Spans that are OTLP's bytes already, as items of a worker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from otel_trading.delivery.urgency import Urgency

_SPAN = 0x12
"""Tag of the field `spans` of ScopeSpans."""


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


def span_fields(spans: bytes) -> Iterator[tuple[int, int]]:
    """Where each field begins and ends.

    Raises:
        ValueError: it is none of `spans`.
    """
    at, end = 0, len(spans)
    while at < end:
        size, content = varint(spans, at + 1)
        if spans[at] != _SPAN or content + size > end:
            raise ValueError(f"no span at {at} of {end}")
        yield at, content + size
        at = content + size


def varint(encoded: bytes, at: int) -> tuple[int, int]:
    """The number that stands there, and where it ends; raises ValueError if the bytes are over before."""
    value = shift = 0
    while at < len(encoded):
        byte = encoded[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("the number is cut")
