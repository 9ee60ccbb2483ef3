"""Which spans a full queue gives up first: ticks; last: errors and what the sampler keeps always."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from opentelemetry.trace import StatusCode

from otel_trading.delivery.measuring import span_size
from otel_trading.delivery.span_chunk import SpanChunk
from otel_trading.delivery.urgency import Urgency
from otel_trading.delivery.waiting import Measure
from otel_trading.traces.sampler import ALWAYS_KEYS, ALWAYS_NAMES, TICK_NAMES, NameOrKeys

_CHUNK = 200
"""Bytes of what is around the spans of a chunk."""


def span_measure(always: Sequence[str] = ()) -> Callable[[Any], Measure]:
    """A function that measures an ended span of the SDK's, or a chunk of encoded ones, which knows its urgency.

    Args:
        always: further name patterns that are kept always.
    """
    important = NameOrKeys((*ALWAYS_NAMES, *always), ALWAYS_KEYS)
    ticks = NameOrKeys(TICK_NAMES)

    def measure(span: Any) -> Measure:
        if isinstance(span, SpanChunk):
            return Measure(span.count, _CHUNK + len(span.spans), span.urgency, span.count)
        return Measure(1, span_size(span), _urgency(span))

    def _urgency(span: Any) -> Urgency:
        name, attributes = span.name, span.attributes
        if span.status.status_code is StatusCode.ERROR or important(None, name, None, attributes, None, None):
            return Urgency.HIGH
        return Urgency.LOW if ticks(None, name, None, None, None, None) else Urgency.NORMAL

    return measure
