"""Limits of a span, and what becomes of values that are wrong: a bad value costs that value."""

from __future__ import annotations

from collections import OrderedDict, UserDict
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from hotpath.hotpath_spans import attributes, one, recorder, taken, troubles

from otel_trading.hotpath import span_reading


class Broken:
    """Cannot be shown."""

    def __str__(self) -> str:
        raise ValueError

    __repr__ = __str__


class BrokenMapping(UserDict[str, Any]):
    """Raises when it is walked."""

    def items(self) -> Any:
        raise ValueError


def test_attributes_beyond_the_limit_are_dropped_and_counted(engine: Any) -> None:
    """The new ones; a key that is there can still change."""
    arena = engine.Arena()
    span = recorder(engine, arena, attributes=2).begin("n", attributes={"a": 1, "b": 2, "c": 3})
    span.set_attribute("d", 4)
    span.set_attribute("a", 5)
    span.end()
    (message,) = taken(arena)
    assert ({"a": 5, "b": 2}, 2) == (attributes(message), message.dropped_attributes_count)


def test_events_and_links_beyond_the_limit_are_dropped_and_counted(engine: Any) -> None:
    """The new ones."""
    arena = engine.Arena()
    span = recorder(engine, arena, events=2, links=1).begin("n")
    for number in range(5):
        span.add_event(str(number))
        span.add_link(number + 1, 1)
    span.end()
    (message,) = taken(arena)
    assert ["0", "1"] == [event.name for event in message.events]
    assert [(1).to_bytes(16, "big")] == [link.trace_id for link in message.links]
    assert (3, 4) == (message.dropped_events_count, message.dropped_links_count)


def test_attributes_of_events_and_links_have_limits_of_their_own(engine: Any) -> None:
    """Counted where they are missing."""
    arena = engine.Arena()
    span = recorder(engine, arena, event_attributes=1, link_attributes=2).begin("n")
    made = {"a": 1, "b": 2, "c": 3}
    span.add_event("e", made)
    span.add_link(1, 1, made)
    span.end()
    (message,) = taken(arena)
    (event,), (link,) = message.events, message.links
    assert ({"a": 1}, 2) == (attributes(event), event.dropped_attributes_count)
    assert ({"a": 1, "b": 2}, 1) == (attributes(link), link.dropped_attributes_count)
    assert 0 == message.dropped_attributes_count


def test_limit_of_nothing_keeps_nothing(engine: Any) -> None:
    """And everything is counted."""
    arena = engine.Arena()
    span = recorder(engine, arena, attributes=0, events=0, links=0).begin("n", attributes={"a": 1})
    span.add_event("e")
    span.add_link(1, 1)
    span.end()
    (message,) = taken(arena)
    counts = (message.dropped_attributes_count, message.dropped_events_count, message.dropped_links_count)
    assert ((1, 1, 1), {}, 0, 0) == (counts, attributes(message), len(message.events), len(message.links))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("order", "ord"),
        ("ördér", "örd"),
        (["order", "id", None], ("ord", "id", None)),
        (("a" * 9,), ("aaa",)),
        ({"side": ["order", 5]}, {"side": ("ord", "5")}),
        (123456, 123456),
        (b"bytes", "byt"),
        (True, True),
    ],
)
def test_texts_are_cut_to_the_limit_of_letters(engine: Any, given: Any, kept: Any) -> None:
    """Wherever they stand; numbers are not."""
    arena = engine.Arena()
    span = recorder(engine, arena, letters=3).begin("longer name", attributes={"longer key": given})
    span.add_event("longer event", {"k": given})
    span.end()
    (message,) = taken(arena)
    assert {"longer key": kept} == attributes(message)
    assert ("longer event", {"k": kept}) == (message.events[0].name, attributes(message.events[0]))
    assert "longer name" == message.name


def test_a_span_has_a_limit_of_bytes(engine: Any) -> None:
    """What goes beyond it is dropped as what goes beyond a count; what fits is kept."""
    arena = engine.Arena()
    span = recorder(engine, arena, span_bytes=1000).begin("n", attributes={"a": "x" * 400, "b": "y" * 700})
    span.set_attribute("a", "z" * 900)
    span.add_event("e" * 700)
    span.add_link(1, 1, {"k": "v" * 700})
    span.set_attribute("c", "z" * 400)
    span.end()
    (message,) = taken(arena)
    assert {"a": "x" * 400, "c": "z" * 400} == attributes(message)
    assert (2, 1, 1) == (message.dropped_attributes_count, message.dropped_events_count, message.dropped_links_count)


@pytest.mark.parametrize("make", [dict, OrderedDict, UserDict, MappingProxyType])
def test_any_mapping_has_attributes(engine: Any, make: Callable[[Any], Any]) -> None:
    """Whatever its type."""
    assert {"a": 1, "b": "x"} == attributes(one(engine, make({"a": 1, "b": "x"})))


@pytest.mark.parametrize("given", [5, "text", [("a", 1)], object(), BrokenMapping({"a": 1})])
def test_what_is_no_mapping_is_told(engine: Any, given: Any) -> None:
    """And costs the attributes, nothing else."""
    arena = engine.Arena()
    span = recorder(engine, arena).begin("n", attributes=given)
    span.set_attributes(given)
    span.set_attribute("kept", 1)
    span.end()
    (message,) = taken(arena)
    assert ({"kept": 1}, {"attributes": 2}) == (attributes(message), troubles(arena))


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        (5, "5"),
        ("", "_"),
        (None, "None"),
        ("\udcff", "\\udcff"),
        (Broken(), "<unrepresentable Broken>"),
        (True, "True"),
    ],
)
def test_keys_are_made_texts(engine: Any, key: Any, kept: str) -> None:
    """As `ground.values` makes them."""
    span = recorder(engine).begin("n", attributes={key: 1})
    span.set_attribute(key, 2)
    span.add_event("e", {key: 3})
    read = span_reading.read(span.encoded())
    assert ({kept: 2}, {kept: 3}) == (read.attributes, read.events[0].attributes)


def test_keys_that_become_one_are_one(engine: Any) -> None:
    """The last value stays."""
    span = recorder(engine).begin("n", attributes={1: "a", "1": "b"})
    span.add_event("e", {1: "a", "x": 0, "1": "b"})
    read = span_reading.read(span.encoded())
    assert ({"1": "b"}, {"x": 0, "1": "b"}) == (read.attributes, read.events[0].attributes)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("\udcff", "\\udcff"),
        (2**63, str(2**63)),
        (-(2**63) - 1, str(-(2**63) - 1)),
        pytest.param(2**20000, hex(2**20000), id="huge"),
        ([1, "a", 2.5], ("1", "a", "2.5")),
        ([1, 2.5], (1.0, 2.5)),
        ([2**64, 1], (str(2**64), "1")),
        (["\udcff"], ("\\udcff",)),
        (Broken(), "<unrepresentable Broken>"),
        ([], ()),
        ([None], (None,)),
        ({}, {}),
        ([[1], [2]], ((1,), (2,))),
        (float("inf"), float("inf")),
    ],
)
def test_values_are_converted_or_kept(engine: Any, given: Any, kept: Any) -> None:
    """Nothing is lost."""
    assert {"k": kept} == attributes(one(engine, {"k": given}))


def test_cycles_and_depths_are_cut(engine: Any) -> None:
    """Far before a stack ends."""
    cycle: list[Any] = [1]
    cycle.append(cycle)
    deep: Any = "bottom"
    for _ in range(10_000):
        deep = [deep]
    found = attributes(one(engine, {"cycle": cycle, "deep": deep}))
    assert ("1", "<cycle>") == found["cycle"] or (1, "<cycle>") == found["cycle"]
    assert "<too deep>" in str(found["deep"])


def test_long_texts_are_cut_with_a_mark(engine: Any) -> None:
    """Names, keys, values, one by one and in lists."""
    arena = engine.Arena()
    span = recorder(engine, arena).begin("n" * 70_000, attributes={"k" * 300: "v" * 70_000, "l": ["v" * 40_000] * 2})
    span.add_event("e" * 70_000)
    span.end()
    (message,) = taken(arena)
    found = attributes(message)
    assert "n" * 65_536 + "…[truncated 4464]" == message.name
    assert "e" * 65_536 + "…[truncated 4464]" == message.events[0].name
    assert "v" * 65_536 + "…[truncated 4464]" == found["k" * 256 + "…[truncated 44]"]
    assert sum(map(len, found["l"])) < 65_600


@pytest.mark.parametrize("given", [-1, 2**63, 1.5, "now", True, object(), 10**30])
def test_time_out_of_range_is_now(engine: Any, given: Any) -> None:
    """Of start, event and end; each is told."""
    engine.set_clock(lambda: 0, lambda: 777)
    arena = engine.Arena()
    span = recorder(engine, arena).begin("n", start_time=given)
    span.add_event("e", None, given)
    span.end(given)
    (message,) = taken(arena)
    times = (message.start_time_unix_nano, message.events[0].time_unix_nano, message.end_time_unix_nano)
    assert ((777, 777, 777), {"time": 3}) == (times, troubles(arena))


@pytest.mark.parametrize("given", [-1, 2**128, 1.5, "1", True, object()])
def test_ids_out_of_range_are_made_anew(engine: Any, given: Any) -> None:
    """A parent that is none is left out; links with such ids are dropped; kinds and flags are as if not given."""
    arena = engine.Arena()
    span = recorder(engine, arena).begin("n", None, given, None, None, given, given, given, given)
    assert span.trace_id > 0
    assert span.span_id > 0
    assert (0, 3, 1) == (span.parent_id, span.flags, span.kind)
    assert {"ids": 5} == troubles(arena)
    span.add_link(given, 1)
    span.add_link(1, given)
    span.add_link(1, 1, flags=given)
    assert {"ids": 5, "link": 3} == troubles(arena)
    assert [] == span_reading.read(span.encoded()).links


def test_link_that_says_nothing_is_ignored(engine: Any) -> None:
    """One without ids says something if it has attributes or a trace state."""
    span = recorder(engine).begin("n")
    span.add_link(0, 0)
    span.add_link(1, 0)
    span.add_link(0, 1)
    span.add_link(0, 0, {"a": 1})
    span.add_link(0, 0, None, "a=b")
    read = span_reading.read(span.encoded())
    assert [({"a": 1}, ""), ({}, "a=b")] == [(link.attributes, link.trace_state) for link in read.links]


@pytest.mark.parametrize("given", [None, -1, 3, "ok", 1.5, object(), 2**70])
def test_status_that_is_none_is_told(engine: Any, given: Any) -> None:
    """And changes nothing."""
    arena = engine.Arena()
    span = recorder(engine, arena).begin("n")
    span.set_status(2, "why")
    span.set_status(given, "x")
    read = span_reading.read(span.encoded())
    assert ((2, "why"), {"status": 1}) == ((read.status, read.status_text), troubles(arena))


@pytest.mark.parametrize(
    ("given", "kept"),
    [(5, "5"), ("\udcff", "\\udcff"), (None, "None"), (Broken(), "<unrepresentable Broken>"), ("", "")],
)
def test_names_are_made_texts(engine: Any, given: Any, kept: str) -> None:
    """Of spans and events, also later; descriptions and trace states too."""
    span = recorder(engine).begin(given)
    assert kept == span.name
    span.update_name("other")
    span.update_name(given)
    span.add_event(given)
    span.set_status(2, given)
    read = span_reading.read(span.encoded())
    assert (kept, kept) == (read.name, read.events[0].name)
    assert ("" if given is None else kept) == read.status_text


def test_conversion_may_use_the_span_itself(engine: Any) -> None:
    """Its text may set attributes, end the span, or change the mapping that is walked."""
    arena = engine.Arena()
    span = recorder(engine, arena).begin("n")
    told: dict[str, Any] = {}

    class Meddles:
        def __str__(self) -> str:
            told.clear()
            span.set_attribute("inner", 1)
            span.add_event("inner")
            return "outer"

    class Ends:
        def __str__(self) -> str:
            span.end()
            return "late"

    told.update(a=Meddles(), b=1, c=2)
    span.set_attributes(told)
    span.set_attribute("z", Ends())
    (message,) = taken(arena)
    found = attributes(message)
    assert (1, "outer") == (found["inner"], found["a"])
    assert "z" not in found
    assert 1 == arena.books()["offered"]


@pytest.mark.parametrize(
    "call",
    [
        lambda span: span.set_attribute(),
        lambda span: span.set_attribute("a"),
        lambda span: span.set_attribute("a", 1, 2),
        lambda span: span.set_attribute("a", key="b"),
        lambda span: span.set_attribute("a", wrong=1),
        lambda span: span.end(1, 2),
        lambda span: span.add_event(),
        lambda span: span.add_link(1),
        lambda span: span.set_status(),
        lambda span: span.update_name(),
    ],
)
def test_call_that_no_method_has_is_a_type_error(engine: Any, call: Callable[[Any], object]) -> None:
    """As of any function; the span is unharmed."""
    span = recorder(engine).begin("n")
    before = span.encoded()
    with pytest.raises(TypeError):
        call(span)
    assert before == span.encoded()


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"attributes": -1}, ValueError),
        ({"events": 10_001}, ValueError),
        ({"letters": -5}, ValueError),
        ({"span_bytes": 2**30}, ValueError),
        ({"attributes": "many"}, TypeError),
        ({"wrong": 1}, TypeError),
    ],
)
def test_limit_out_of_range_is_refused(engine: Any, limits: dict[str, Any], error: type[Exception]) -> None:
    """When a recorder is made, where somebody reads it."""
    with pytest.raises(error):
        recorder(engine, **limits)


def test_parent_must_be_of_this_engine(engine: Any) -> None:
    """Everything else would be mistaken for none."""
    with pytest.raises(TypeError, match="parent"):
        recorder(engine).begin("n", "parent")
