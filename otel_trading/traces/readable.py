"""A span as the SDK's exporters and processors read it, made of the encoded one when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from otel_trading.hotpath import span_reading

_IS_REMOTE = 0x200
_T = TypeVar("_T")

KINDS = (SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER)
"""In OTLP's order, which counts them from 1."""


def readable(reading: span_reading.Reading, resource: Resource, scope: InstrumentationScope | None) -> ReadableSpan:
    """The SDK's object for a decoded span; its times are UTC nanoseconds, its end None while it lasts.

    The parent's trace flags are not on the wire: the span's own stand in their place.
    """
    return ReadableSpan(
        name=reading.name,
        context=context_of(reading.trace_id, reading.span_id, reading.flags & 0xFF, reading.trace_state),
        parent=parent_of(reading),
        resource=resource,
        attributes=_bounded(reading.attributes, reading.dropped_attributes),
        events=_list([_event(event) for event in reading.events], reading.dropped_events),
        links=_list([_link(link) for link in reading.links], reading.dropped_links),
        kind=kind_of(reading.kind),
        status=status_of(reading),
        start_time=reading.start_ns,
        end_time=reading.end_ns or None,
        instrumentation_scope=scope,
    )


def context_of(trace_id: int, span_id: int, flags: int, trace_state: str, remote: bool = False) -> SpanContext:
    """A span's context.

    Args:
        trace_id: 128 bits.
        span_id: 64 bits.
        flags: W3C trace flags.
        trace_state: as in the header `tracestate`.
        remote: it came from another process.
    """
    return SpanContext(trace_id, span_id, remote, TraceFlags(flags), _trace_state(trace_state))


def parent_of(reading: span_reading.Reading) -> SpanContext | None:
    """The context of the parent; None for a root."""
    if not reading.parent_id:
        return None
    flags, remote = reading.flags & 0xFF, bool(reading.flags & _IS_REMOTE)
    return context_of(reading.trace_id, reading.parent_id, flags, reading.trace_state, remote)


def kind_of(number: int) -> SpanKind:
    """The kind that OTLP counts so."""
    return KINDS[number - 1] if 1 <= number <= len(KINDS) else SpanKind.INTERNAL


def status_of(reading: span_reading.Reading) -> Status:
    """The status, with its description where it is an error."""
    return Status(StatusCode(reading.status), reading.status_text or None)


@lru_cache(maxsize=256)
def _trace_state(header: str) -> TraceState:
    return TraceState.from_header([header]) if header else TraceState.get_default()


def _bounded(attributes: Mapping[str, Any], dropped: int) -> BoundedAttributes:
    bounded = BoundedAttributes(attributes=attributes)
    bounded.dropped = dropped
    return bounded


def _list(items: Sequence[_T], dropped: int) -> BoundedList[_T]:
    bounded: BoundedList[_T] = BoundedList.from_seq(len(items), items)
    bounded.dropped = dropped
    return bounded


def _event(event: span_reading.Event) -> Event:
    return Event(event.name, _bounded(event.attributes, event.dropped_attributes), event.time_ns)


def _link(link: span_reading.Link) -> Link:
    context = context_of(
        link.trace_id, link.span_id, link.flags & 0xFF, link.trace_state, bool(link.flags & _IS_REMOTE)
    )
    return Link(context, _bounded(link.attributes, link.dropped_attributes))
