"""A span leaves bytes and nothing else; nothing grows."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hotpath.hotpath_spans import recorder
from hotpath.test_hotpath_memory import LITTLE, growth

TIMES = {"native": 1_000_000, "python": 20_000}


def submit(begin: Callable[..., Any], quantity: int = 5) -> None:
    """A span as traders have many."""
    span = begin("order.submit")
    span.set_attribute("venue", "binance")
    span.set_attribute("side", "buy")
    span.set_attribute("quantity", quantity)
    span.end()


def test_nothing_that_the_collector_tracks_stays(engine: Any) -> None:
    """Of 5,000 spans with all that they can have; the twin's chunks are tracked, one for 64 KiB."""
    begin = recorder(engine).begin
    parent = begin("parent")

    def work() -> None:
        for number in range(5000):
            span = begin("order.submit", parent, 3, {"venue": "binance", "list": [1, 2], "odd": {"a": [1, "b"]}})
            span.set_attribute("quantity", number)
            span.add_event("sent", {"a": 1})
            span.add_link(1, number + 1, {"b": 2})
            span.set_status(2, "because")
            span.end()

    work()
    gc.collect()
    before = len(gc.get_objects())
    work()
    gc.collect()
    assert len(gc.get_objects()) - before < 100


def test_span_is_unknown_to_the_collector(native: Any) -> None:
    """Also while it is open: it can be in no cycle. Begin and end make collections come no sooner."""
    arena = native.Arena()
    made = recorder(native, arena)
    span = made.begin("n", attributes={"a": 1})
    assert [False] * 3 == [gc.is_tracked(each) for each in (arena, made, span)]
    gc.collect()
    gc.disable()
    try:
        before = gc.get_count()[0]
        for _ in range(1000):
            submit(made.begin)
        assert gc.get_count()[0] - before < 10
    finally:
        gc.enable()


def test_a_million_spans_take_no_memory(engine: Any) -> None:
    """Begun, ended and taken; begun and given up; refused by a full arena; converted."""
    arena = engine.Arena(max_items=1000)
    begin = recorder(engine, arena, attributes=4, events=1, links=1, span_bytes=2000).begin
    times = TIMES[engine.NAME] // 5

    def work() -> None:
        for number in range(times):
            submit(begin, number)
            if number % 1200 == 0:
                while arena.take() is not None:
                    pass
        for number in range(times // 20):
            span = begin("n", attributes={"a": [number], 5: {"b": "\udcff"}, "c": "x" * 300, "d": 1, "e": 2})
            span.set_attribute("c", "y" * 1500)
            span.add_event("sent", {"a": 1}, -1)
            span.add_event("lost")
            span.add_link(1, 1, {"a": object})
            span.add_link(-1, 1)
            span.set_status(2, "x" * 40)
            span.update_name("other")
            span.encoded()
            if number % 2:
                span.end()
        while arena.take() is not None:
            pass

    assert growth(work) < LITTLE


def test_queued_span_with_three_attributes_is_small(native: Any) -> None:
    """All that is allocated, by spans with a parent."""
    arena = native.Arena(1 << 20, 1 << 26)
    begin = recorder(native, arena).begin
    parent = begin("parent")
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20_000):
            begin("order.submit", parent, attributes={"venue": "binance", "side": "buy", "quantity": 5}).end()
        took = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 20_000 == arena.books()["queued"]
    assert took / 20_000 <= 150


def test_live_span_is_one_small_block(native: Any) -> None:
    """Of the allocator's, with room for what most spans have."""
    assert sys.getsizeof(recorder(native).begin("n")) <= 512


def test_what_was_given_keeps_its_references(engine: Any) -> None:
    """Names, keys, values, mappings, recorder and arena."""
    arena = engine.Arena()
    made = recorder(engine, arena)
    name, key, value, text = (str(bytearray(each), "ascii") for each in (b"name", b"key", b"value", b"text"))
    listed, told, state = ["a", "b"], {key: value}, str(bytearray(b"a=b"), "ascii")
    watched = [name, key, value, text, listed, told, state, made, arena]

    def work() -> None:
        span = made.begin(name, None, 1, told, trace_state=state)
        span.set_attribute(key, listed)
        span.add_event(text, told)
        span.add_link(1, 1, told, state)
        span.set_status(2, text)
        span.update_name(name)
        span.end()
        made.begin("child", span)
        arena.take()

    work()
    gc.collect()
    before = [sys.getrefcount(each) for each in watched]
    for _ in range(1000):
        work()
    gc.collect()
    assert before == [sys.getrefcount(each) for each in watched]


def test_no_memory_costs_a_span_and_is_counted(native: Any) -> None:
    """What comes afterwards is kept."""
    testing: Any = pytest.importorskip("_testcapi")
    arena = native.Arena()
    begin = recorder(native, arena).begin
    first, second = begin("a"), begin("b")
    testing.set_nomemory(0, 0)
    try:
        first.end()
    finally:
        testing.remove_mem_hooks()
    second.end()
    books = arena.books()
    assert (2, 1, 1) == (books["offered"], books["queued"], books["dropped"]["no_memory"])
