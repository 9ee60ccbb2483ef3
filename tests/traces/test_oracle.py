"""The same operations through the SDK's tracer and through ours: the OTLP that leaves is equal, field by field.

What is meant to differ has a test of its own below, with the sentence of the specification that allows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)
from traces.traces_recorded import LIMITS, Ours, place

FLAGS_OF_OTLP = 0x300
EXAMPLES = settings(max_examples=100, deadline=None)


class Counted(IdGenerator):
    """Ids that are the same in both."""

    def __init__(self) -> None:
        self.last = 0

    def generate_span_id(self) -> int:
        self.last += 1
        return self.last << 32 | 0x5A

    def generate_trace_id(self) -> int:
        self.last += 1
        return self.last << 96 | 0xA5

    def is_trace_id_random(self) -> bool:
        return True


@dataclass
class Theirs:
    """The SDK's provider, and what ended on it."""

    sampler: Sampler = ALWAYS_ON
    ids: IdGenerator | None = None
    limits: SpanLimits = field(default_factory=SpanLimits)

    def __post_init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(
            self.sampler, Resource({}), shutdown_on_exit=False, id_generator=self.ids, span_limits=self.limits
        )
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def messages(self) -> list[Message]:
        """In the order in which they ended."""
        found = [
            span
            for part in encode_spans(self.exporter.get_finished_spans()).resource_spans
            for scope in part.scope_spans
            for span in scope.spans
        ]
        return sorted(found, key=place)


def told(message: Message) -> dict[str, Any]:
    """All its fields; attributes by their keys, since their order says nothing.

    Without what the SDK leaves out: the W3C flags of spans and links, and the trace state of links.
    """
    return {
        "ids": (message.trace_id, message.span_id, message.parent_span_id),
        "flags": message.flags & FLAGS_OF_OTLP,
        "state": message.trace_state,
        "name": message.name,
        "kind": message.kind,
        "times": (message.start_time_unix_nano, message.end_time_unix_nano),
        "attributes": _attributes(message),
        "events": [
            (event.name, event.time_unix_nano, _attributes(event), event.dropped_attributes_count)
            for event in message.events
        ],
        "links": [
            (link.trace_id, link.span_id, link.flags & FLAGS_OF_OTLP, _attributes(link), link.dropped_attributes_count)
            for link in message.links
        ],
        "status": (message.status.code, message.status.message),
        "dropped": (message.dropped_attributes_count, message.dropped_events_count, message.dropped_links_count),
    }


def _attributes(message: Any) -> dict[str, bytes]:
    found = {pair.key: pair.value.SerializeToString(deterministic=True) for pair in message.attributes}
    if "exception.stacktrace" in found:  # the SDK's own frames are in there
        found["exception.stacktrace"] = found["exception.stacktrace"][-len("ValueError: too large\n") :]
    return found


TEXTS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=12)
KEYS = st.text("abcdef.", min_size=1, max_size=6)
WHOLE = st.integers(-(2**63), 2**63 - 1)
REAL = st.floats(allow_nan=False)
VALUES = st.one_of(
    TEXTS,
    st.booleans(),
    WHOLE,
    REAL,
    st.lists(TEXTS, max_size=3),
    st.lists(st.booleans(), max_size=3),
    st.lists(WHOLE, max_size=3),
    st.lists(REAL, max_size=3),
)
ATTRIBUTES = st.dictionaries(KEYS, VALUES, max_size=5)
TIMES = st.integers(1, 2**62)
KINDS = st.sampled_from(list(SpanKind))
STATES = st.sampled_from([None, TraceState([("vendor", "a"), ("other", "b")]), TraceState([("one", "1")])])
CONTEXTS = st.builds(
    SpanContext,
    st.integers(1, 2**128 - 1),
    st.integers(1, 2**64 - 1),
    st.booleans(),
    st.sampled_from([TraceFlags(0), TraceFlags(1), TraceFlags(2), TraceFlags(3)]),
    STATES,
)
CODES = st.sampled_from(list(StatusCode))
ERROR = ValueError("too large")

Operation = Callable[[trace.Span], object]
OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(lambda key, value: lambda span: span.set_attribute(key, value), KEYS, VALUES),
    st.builds(lambda given: lambda span: span.set_attributes(given), ATTRIBUTES),
    st.builds(lambda name, given, at: lambda span: span.add_event(name, given, at), TEXTS, ATTRIBUTES, TIMES),
    st.builds(lambda context, given: lambda span: span.add_link(context, given), CONTEXTS, ATTRIBUTES),
    st.builds(lambda name: lambda span: span.update_name(name), TEXTS),
    st.builds(lambda code: lambda span: span.set_status(code), CODES),
    st.builds(lambda text: lambda span: span.set_status(Status(StatusCode.ERROR, text)), TEXTS),
    st.builds(lambda text: lambda span: span.set_status(StatusCode.ERROR, text), TEXTS),
    st.builds(lambda given, at: lambda span: span.record_exception(ERROR, given, at), ATTRIBUTES, TIMES),
    st.builds(lambda at: lambda span: span.end(at), TIMES),
)


@dataclass
class Step:
    """A span, what is done to it, and the spans inside of it."""

    name: str
    kind: SpanKind
    attributes: dict[str, Any] | None
    links: list[tuple[SpanContext, dict[str, Any]]]
    start: int
    remote: SpanContext | None
    way: str
    raises: bool
    operations: list[Operation]
    inside: list[Step]


def steps(inside: st.SearchStrategy[list[Step]]) -> st.SearchStrategy[list[Step]]:
    """Some spans one after the other."""
    links = st.lists(st.tuples(CONTEXTS, ATTRIBUTES), max_size=2)
    ways = st.sampled_from(["current", "with", "use_span", "start"])
    parents = st.one_of(st.none(), st.none(), CONTEXTS)
    operations = st.lists(OPERATIONS, max_size=6)
    step = st.builds(
        Step, TEXTS, KINDS, st.none() | ATTRIBUTES, links, TIMES, parents, ways, st.booleans(), operations, inside
    )
    return st.lists(step, max_size=3)


PROGRAMS = st.recursive(st.just([]), steps, max_leaves=6)


class Ticking:
    """End times that grow, so that spans can be told apart."""

    def __init__(self) -> None:
        self.last = 2**62

    def __call__(self) -> int:
        self.last += 1
        return self.last


def run(tracer: trace.Tracer, program: list[Step], ticking: Ticking) -> None:
    """Does what the program says."""
    for step in program:
        parent = None
        if step.remote is not None:
            parent = trace.set_span_in_context(NonRecordingSpan(step.remote), Context())
        given: dict[str, Any] = {
            "context": parent,
            "kind": step.kind,
            "attributes": dict(step.attributes) if step.attributes is not None else None,
            "links": [Link(context, dict(attributes)) for context, attributes in step.links],
            "start_time": step.start,
        }
        try:
            _step(tracer, step, given, ticking)
        except ValueError as error:
            assert error is ERROR


def _step(tracer: trace.Tracer, step: Step, given: dict[str, Any], ticking: Ticking) -> None:
    # end() without a time would be now: each way ends the span with a time first
    if step.way == "current":
        with tracer.start_as_current_span(step.name, **given, end_on_exit=False) as span:
            _body(tracer, span, step, ticking)
        return
    span = tracer.start_span(step.name, **given)
    if step.way == "with":
        with span:
            _body(tracer, span, step, ticking)
    elif step.way == "use_span":
        with trace.use_span(span):
            _body(tracer, span, step, ticking)
    else:
        token = attach(trace.set_span_in_context(span))
        try:
            _body(tracer, span, step, ticking)
        finally:
            detach(token)


def _body(tracer: trace.Tracer, span: trace.Span, step: Step, ticking: Ticking) -> None:
    for operation in step.operations:
        operation(span)
    run(tracer, step.inside, ticking)
    span.end(ticking())
    if step.raises:
        raise ERROR.with_traceback(None)


@pytest.mark.parametrize("sampler", [ALWAYS_ON, ParentBased(ALWAYS_ON)], ids=["always_on", "parent_based"])
@EXAMPLES
@given(program=PROGRAMS)
def test_what_leaves_is_what_the_sdk_would_send(sampler: Sampler, program: list[Step]) -> None:
    """Over spans within spans, remote parents, links, events, status, exceptions and calls after the end."""
    ours, theirs = Ours(sampler, Counted()), Theirs(sampler, Counted())
    run(ours.provider.get_tracer("t"), program, Ticking())
    run(theirs.provider.get_tracer("t"), program, Ticking())
    assert [told(message) for message in ours.messages()] == [told(message) for message in theirs.messages()]


@EXAMPLES
@given(program=PROGRAMS)
def test_it_is_so_where_the_engine_begins_spans_itself(program: list[Step]) -> None:
    """There ids are random: they are compared by the spans that have them."""
    ours, theirs = Ours(), Theirs()
    run(ours.provider.get_tracer("t"), program, Ticking())
    run(theirs.provider.get_tracer("t"), program, Ticking())
    assert _by_place(ours.messages()) == _by_place(theirs.messages())


def _by_place(messages: list[Message]) -> list[dict[str, Any]]:
    """Ids replaced by the place of the first span that has them."""
    places: dict[bytes, bytes] = {}
    for number, message in enumerate(messages):
        places.setdefault(message.trace_id, b"trace %d" % number)
        places[message.span_id] = b"span %d" % number
    found = []
    for message in messages:
        says = told(message)
        says["ids"] = tuple(places.get(each, each) for each in says["ids"])
        found.append(says)
    return found


def test_flags_and_trace_states_are_told() -> None:
    """ "Bits 0-7 (8 least significant bits) are the trace flags", trace.proto; the SDK sends none of them."""
    ours = Ours()
    linked = SpanContext(1, 2, True, TraceFlags(1), TraceState([("vendor", "a")]))
    ours.provider.get_tracer("t").start_span("a", links=[Link(linked)]).end()
    (message,) = ours.messages()
    assert (message.flags, message.links[0].flags) == (0x103, 0x301)
    assert message.links[0].trace_state == "vendor=a"


def test_beyond_a_limit_the_first_stay() -> None:
    """The SDK drops the oldest. "the SDK MUST discard that attribute", common, attribute limits; "MAY", of the rest."""
    limits = {**LIMITS, "attributes": 2, "events": 1, "links": 1}
    ours, theirs = Ours(limits=limits), Theirs(limits=SpanLimits(max_attributes=2, max_events=1, max_links=1))
    for side in (ours, theirs):
        span = side.provider.get_tracer("t").start_span("a", start_time=1)
        for number in range(3):
            span.set_attribute(f"k{number}", number)
            span.add_event(f"e{number}", timestamp=1)
            span.add_link(SpanContext(number + 1, 1, False))
        span.end(2)
    (mine,), (other,) = ours.messages(), theirs.messages()
    assert told(mine)["dropped"] == told(other)["dropped"] == (1, 2, 2)
    assert [pair.key for pair in mine.attributes] == ["k0", "k1"]
    assert [pair.key for pair in other.attributes] == ["k1", "k2"]
    assert [event.name for event in mine.events] == ["e0"]


def test_values_that_the_sdk_drops_are_converted() -> None:
    """ "SHOULD NOT" throw, error handling; a Decimal or a huge int is told as text, and nothing else is lost."""
    ours = Ours()
    span = ours.provider.get_tracer("t").start_span("a", attributes={"huge": 2**70, "mixed": [1, "b"], "good": 1})
    span.end()
    (message,) = ours.messages()
    assert {pair.key for pair in message.attributes} == {"huge", "mixed", "good"}
    assert next(pair.value.string_value for pair in message.attributes if pair.key == "huge") == str(2**70)
