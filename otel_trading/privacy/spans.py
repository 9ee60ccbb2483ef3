"""A finished span as it may be exported: without secrets, and without values that would break its batch.

One lone surrogate, one float where protobuf wants an integer, costs the stock exporter the whole batch. This runs
in the export worker, off the hot path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util import BoundedList
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link
from opentelemetry.trace.status import Status
from opentelemetry.util.types import Attributes

from otel_trading.ground import values
from otel_trading.privacy.redaction import Redactor

_T = TypeVar("_T")


def redact_span(span: ReadableSpan, redactor: Redactor) -> ReadableSpan:
    """Returns a copy of `span` without secrets; the same object if nothing had to change.

    Counts of dropped attributes, events and links are kept. May raise for a span that is broken beyond its values;
    the caller drops that span, counts it, and keeps the batch.
    """
    old = (
        span.name, span.attributes, span.events, span.links, span.status, span.instrumentation_scope,
        span.start_time, span.end_time,
    )  # fmt: skip  # each property once: some of them copy
    name = _text(span.name, redactor)
    attributes = _attributes(old[1], span.dropped_attributes, redactor)
    events = _same_or_bounded(old[2], [_event(event, redactor) for event in old[2]], span.dropped_events)
    links = _same_or_bounded(old[3], [_link(link, redactor) for link in old[3]], span.dropped_links)
    status = _status(old[4], redactor)
    scope = _scope(old[5])
    times = (_integer(old[6]), _integer(old[7]))
    if all(a is b for a, b in zip((name, attributes, events, links, status, scope, *times), old, strict=True)):
        return span
    return ReadableSpan(
        name=name, context=span.get_span_context(), parent=span.parent, resource=span.resource,
        attributes=attributes, events=events, links=links, kind=span.kind, status=status,
        start_time=times[0], end_time=times[1], instrumentation_scope=scope,
    )  # fmt: skip


def _text(text: str, redactor: Redactor) -> str:
    return redactor.text(values.text(text))


def _attributes(old: Attributes, dropped: int, redactor: Redactor) -> Attributes:
    if not old:
        return old
    new = redactor.mapping(cast(Mapping[str, object], old))
    if len(new) == len(old) and all(name in old and new[name] is old[name] for name in new):
        return old
    bounded = BoundedAttributes(attributes=new)
    bounded.dropped = dropped
    return bounded


def _event(event: Event, redactor: Redactor) -> Event:
    name = _text(event.name, redactor)
    attributes = _attributes(event.attributes, event.dropped_attributes, redactor)
    timestamp = _integer(event.timestamp)
    if name is event.name and attributes is event.attributes and timestamp is event.timestamp:
        return event
    return Event(name, attributes, timestamp)


def _link(link: Link, redactor: Redactor) -> Link:
    attributes = _attributes(link.attributes, link.dropped_attributes, redactor)
    return link if attributes is link.attributes else Link(link.context, attributes)


def _same_or_bounded(old: Sequence[_T], new: list[_T], dropped: int) -> Sequence[_T]:
    if all(a is b for a, b in zip(new, old, strict=True)):
        return old
    bounded: BoundedList[_T] = BoundedList.from_seq(len(new), new)
    bounded.dropped = dropped
    return bounded


def _status(status: Status, redactor: Redactor) -> Status:
    if not status.description:
        return status
    description = _text(status.description, redactor)
    return status if description is status.description else Status(status.status_code, description)


def _scope(scope: InstrumentationScope | None) -> InstrumentationScope | None:
    if scope is None:
        return None
    name = values.text(scope.name)
    version = None if scope.version is None else values.text(scope.version)
    if name is scope.name and version is scope.version:
        return scope
    return InstrumentationScope(name, version, scope.schema_url, scope.attributes)


def _integer(nanoseconds: int | None) -> int | None:
    return nanoseconds if nanoseconds is None or type(nanoseconds) is int else int(nanoseconds)
