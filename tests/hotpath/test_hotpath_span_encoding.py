"""A span says in OTLP what it was told, field by field."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hotpath.hotpath_cells import Clock
from hotpath.hotpath_spans import attributes, one, plain, recorder, taken
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

from otel_trading.ground import values
from otel_trading.hotpath import span_reading

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
INTS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(allow_nan=False)
SCALARS = st.one_of(TEXTS, st.booleans(), INTS, FLOATS, st.none())
LISTS = st.one_of(*(st.lists(st.one_of(each, st.none()), max_size=20) for each in (TEXTS, st.booleans(), INTS, FLOATS)))
PLAIN = st.one_of(SCALARS, LISTS, LISTS.map(tuple))
ODD = st.recursive(
    st.one_of(st.text(), st.integers(), st.floats(), st.booleans(), st.none(), st.binary(), st.decimals(), st.dates()),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(st.one_of(st.text(), st.integers()), inner)),
    max_leaves=12,
)
ATTRIBUTES = st.dictionaries(KEYS, PLAIN, max_size=10)
TIMES = st.integers(0, 2**63 - 1)
EVENTS = st.lists(st.tuples(TEXTS, ATTRIBUTES, TIMES), max_size=5)
IDS = st.integers(1, 2**64 - 1)
TRACES = st.integers(1, 2**128 - 1)
LINKS = st.lists(st.tuples(TRACES, IDS, ATTRIBUTES, TEXTS, st.integers(0, 255), st.booleans()), max_size=5)
EXAMPLES = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def exact(value: Any) -> Any:
    """As it comes back, with its type, so that True, 1 and 1.0 differ, and NaN equals itself."""
    if isinstance(value, dict):
        return {key: exact(element) for key, element in value.items()}
    if isinstance(value, list | tuple):
        return tuple(exact(element) for element in value)
    return (type(value), "nan" if isinstance(value, float) and math.isnan(value) else value)


@EXAMPLES
@given(
    name=TEXTS,
    kind=st.integers(0, 5),
    trace=TRACES,
    ids=st.tuples(IDS, st.one_of(st.just(0), IDS)),
    times=st.tuples(TIMES, TIMES),
    flags=st.integers(0, 127).map(lambda bits: bits * 2 + 1),
    state=TEXTS,
    remote=st.booleans(),
    told=ATTRIBUTES,
    events=EVENTS,
    links=LINKS,
    status=st.tuples(st.integers(0, 2), TEXTS),
)
def test_every_field_comes_back(
    engine: Any,
    name: str,
    kind: int,
    trace: int,
    ids: tuple[int, int],
    times: tuple[int, int],
    flags: int,
    state: str,
    remote: bool,
    told: dict[str, Any],
    events: list[Any],
    links: list[Any],
    status: tuple[int, str],
) -> None:
    """Names, ids, times, attributes of all types, events, links, status: as opentelemetry-proto reads them."""
    arena = engine.Arena()
    span = recorder(engine, arena).begin(name, None, kind, told, times[0], trace, ids[0], ids[1], flags, state, remote)
    for event in events:
        span.add_event(*event)
    for link in links:
        span.add_link(*link)
    span.set_status(*status)
    span.end(times[1])
    (message,) = taken(arena)
    says = flags | 0x100 | (0x200 if remote else 0)
    assert (name, kind, times, says, state) == (
        message.name,
        message.kind,
        (message.start_time_unix_nano, message.end_time_unix_nano),
        message.flags,
        message.trace_state,
    )
    assert (trace.to_bytes(16, "big"), ids[0].to_bytes(8, "big")) == (message.trace_id, message.span_id)
    assert (ids[1].to_bytes(8, "big") if ids[1] else b"") == message.parent_span_id
    assert exact(told) == exact(attributes(message))
    assert [(one, exact(what), at) for one, what, at in events] == [
        (event.name, exact(attributes(event)), event.time_unix_nano) for event in message.events
    ]
    assert [
        (one.to_bytes(16, "big"), other.to_bytes(8, "big"), exact(what), text, bits | (0x300 if far else 0x100))
        for one, other, what, text, bits, far in links
    ] == [
        (link.trace_id, link.span_id, exact(attributes(link)), link.trace_state, link.flags) for link in message.links
    ]
    assert (status[0], status[1] if status[0] == 2 else "") == (message.status.code, message.status.message)
    assert (0, 0, 0) == (
        message.dropped_attributes_count,
        message.dropped_events_count,
        message.dropped_links_count,
    )


@EXAMPLES
@given(told=ATTRIBUTES, events=EVENTS, links=LINKS, status=st.tuples(st.integers(0, 2), TEXTS))
def test_reading_says_what_the_message_says(
    engine: Any, told: dict[str, Any], events: list[Any], links: list[Any], status: tuple[int, str]
) -> None:
    """Before the end and after it."""
    span = recorder(engine).begin("n", attributes=told, trace_state="a=b", parent_id=7)
    for event in events:
        span.add_event(*event)
    for link in links:
        span.add_link(*link)
    span.set_status(*status)
    assert 0 == span_reading.read(span.encoded()).end_ns
    span.end()
    message, read = Message.FromString(span.encoded()), span_reading.read(span.encoded())
    assert (span.trace_id, span.span_id, 7, "a=b", "n") == (
        read.trace_id,
        read.span_id,
        read.parent_id,
        read.trace_state,
        read.name,
    )
    assert (span.start_ns, span.end_ns, 1, span.flags | 0x100) == (read.start_ns, read.end_ns, read.kind, read.flags)
    assert exact(attributes(message)) == exact(read.attributes)
    assert [(one.name, one.time_unix_nano, exact(attributes(one))) for one in message.events] == [
        (one.name, one.time_ns, exact(one.attributes)) for one in read.events
    ]
    assert [
        (int.from_bytes(one.trace_id, "big"), one.trace_state, one.flags, exact(attributes(one)))
        for one in message.links
    ] == [(one.trace_id, one.trace_state, one.flags, exact(one.attributes)) for one in read.links]
    assert (message.status.code, message.status.message) == (read.status, read.status_text)


@EXAMPLES
@given(told=st.dictionaries(KEYS, ODD, max_size=6))
def test_odd_values_are_what_the_table_of_conversions_says(engine: Any, told: dict[str, Any]) -> None:
    """Lone surrogates, huge ints, mixed lists, bytes, decimals, nested mappings."""
    message = one(engine, told)
    assert {key: exact(values.attribute(value)) for key, value in told.items()} == exact(attributes(message))
    assert 0 == message.dropped_attributes_count


@EXAMPLES
@given(changes=st.lists(st.tuples(st.sampled_from(["a", "b", "venue", "ü" * 70]), PLAIN), max_size=30))
def test_last_value_of_a_key_stays(engine: Any, changes: list[tuple[str, Any]]) -> None:
    """As in a dict, whatever came between."""
    arena = engine.Arena()
    span = recorder(engine, arena).begin("n")
    for key, value in changes:
        span.set_attribute(key, value)
        span.add_event("e")
    span.end()
    (message,) = taken(arena)
    assert exact(dict(changes)) == exact(attributes(message))
    assert len(changes) == len(message.events)


def test_both_engines_write_the_same_message(both: tuple[Any, Any]) -> None:
    """Apart from the order of fields."""
    messages = []
    for engine in both:
        span = recorder(engine).begin(
            "n", None, 3, {"a": 1, "b": [1.5, None], "c": {"x": b"\xff"}}, 5, 6, 7, 8, 9, "s=t", True
        )
        span.add_event("e", {"k": "v" * 300, "m": {1: 2}}, 11)
        span.add_link(1, 2, {"k": (True, False)}, "u=v", 1, True)
        span.set_attribute("a", "again")
        span.set_status(2, "because")
        span.end(12)
        message = Message.FromString(span.encoded())
        messages.append((message, exact({pair.key: plain(pair.value) for pair in message.attributes})))
    assert messages[0] == messages[1]


def test_now_is_counted_on_the_monotonic_clock(engine: Any, clock: Clock) -> None:
    """A wall clock that steps back makes no negative span; events lie between start and end."""
    wall = [10**18]
    engine.set_clock(clock, lambda: wall[0])
    arena = engine.Arena()
    span = recorder(engine, arena).begin("n")
    wall[0] -= 10**12
    clock.ns += 500
    span.add_event("e")
    clock.ns += 1000
    span.end()
    (message,) = taken(arena)
    assert (10**18, 10**18 + 500, 10**18 + 1500) == (
        message.start_time_unix_nano,
        message.events[0].time_unix_nano,
        message.end_time_unix_nano,
    )


def test_given_start_is_followed_by_the_wall_clock(engine: Any) -> None:
    """Nobody knows what the monotonic clock said then."""
    engine.set_clock(None, lambda: 10**18)
    span = recorder(engine).begin("n", start_time=5)
    span.end()
    assert (5, 10**18) == (span.start_ns, span.end_ns)


def test_child_has_the_trace_of_its_parent(engine: Any) -> None:
    """Its flags, its trace state; its parent is there."""
    made = recorder(engine)
    parent = made.begin("p", trace_id=2**100 + 5, flags=1, trace_state="a=b", remote=True, parent_id=9)
    child = made.begin("c", parent)
    assert (parent.trace_id, parent.span_id, 1, "a=b") == (
        child.trace_id,
        child.parent_id,
        child.flags,
        child.trace_state,
    )
    assert 0x101 == Message.FromString(child.encoded()).flags
    assert 0x301 == Message.FromString(parent.encoded()).flags


def test_made_ids_are_unlike_and_random(engine: Any) -> None:
    """No two of 20,000; each bit is set in about half of them; the flag says that the trace id is random."""
    begin = recorder(engine).begin
    spans = [begin("n") for _ in range(20_000)]
    assert {3} == {span.flags for span in spans}
    for found, size in (({span.trace_id for span in spans}, 128), ({span.span_id for span in spans}, 64)):
        assert 20_000 == len(found)
        for bit in range(size):
            assert 9_000 < sum(number >> bit & 1 for number in found) < 11_000


def test_status_follows_the_rules(engine: Any) -> None:
    """Unset changes nothing, ok is final, only an error has a description."""
    span = recorder(engine).begin("n")
    said = []
    for given_status in ((2, "first"), (0, "unset"), (2, "second"), (1, "fine"), (2, "third"), (0,)):
        span.set_status(*given_status)
        read = span_reading.read(span.encoded())
        said.append((read.status, read.status_text))
    assert [(2, "first"), (2, "first"), (2, "second"), (1, ""), (1, ""), (1, "")] == said


def test_after_the_end_nothing_changes(engine: Any) -> None:
    """Nor is it offered again."""
    arena = engine.Arena()
    span = recorder(engine, arena).begin("n", attributes={"a": 1})
    assert span.is_recording()
    span.end(5)
    before = span.encoded()
    span.set_attribute("b", 1)
    span.set_attributes({"c": 1})
    span.add_event("e")
    span.add_link(1, 2)
    span.set_status(2, "x")
    span.update_name("m")
    span.end(6)
    assert (before, False, "n", 5) == (span.encoded(), span.is_recording(), span.name, span.end_ns)
    assert 1 == arena.books()["offered"]


def test_list_that_changes_later_changes_nothing(engine: Any) -> None:
    """A value is taken when it is set."""
    told = ["a"]
    span = recorder(engine).begin("n", attributes={"k": told})
    told.append("b")
    assert ("a",) == span_reading.read(span.encoded()).attributes["k"]


@pytest.mark.parametrize("size", [0, 100, 127, 128, 129, 300, 16_383, 16_384, 60_000])
def test_lengths_at_the_edges_of_varints(engine: Any, size: int) -> None:
    """One byte, two, three; of values, messages in messages, names."""
    arena = engine.Arena()
    span = recorder(engine, arena).begin("n" * size, attributes={"k": "v" * size, "l": ["w" * (size // 2)] * 2})
    span.add_event("e" * size, {"k": "v" * size})
    span.end()
    (message,) = taken(arena)
    assert ("n" * size, "e" * size) == (message.name, message.events[0].name)
    assert {"k": "v" * size, "l": ("w" * (size // 2),) * 2} == attributes(message)
    assert AnyValue(string_value="v" * size) == message.events[0].attributes[0].value
