"""Nothing grows: references, blocks, and what the collector tracks."""

from __future__ import annotations

import asyncio
import gc
import sys
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hotpath.hotpath_cells import cell

TIMES = {"native": 1_000_000, "python": 20_000}


LITTLE = 4000
"""Bytes that other parts of the process may come to hold meanwhile; what leaks does so in each run."""


def growth(work: Callable[[], None]) -> int:
    """Bytes that are in use more after `work` than after a first run of it; the least of three runs, if need be."""
    work()
    gc.collect()
    tracemalloc.start()
    try:
        work()
        grown = sys.maxsize
        for _ in range(3):
            gc.collect()
            before = tracemalloc.get_traced_memory()[0]
            work()
            gc.collect()
            grown = min(grown, tracemalloc.get_traced_memory()[0] - before)
            if grown < LITTLE:
                break
        return grown
    finally:
        tracemalloc.stop()


def operations(engine: Any) -> dict[str, Callable[[], object]]:
    """Each as short as it can be."""
    made = cell(engine, per_ns=1e-3)
    fine = cell(engine, "exponential")
    chained = cell(engine, "counter", next=cell(engine, next=cell(engine, "gauge")))
    table = engine.Table(lambda attributes: made)
    prebuilt = {"venue": "a", "side": "b"}
    wrapped, failing = made.wrap(abs), made.wrap(int)
    context = {"span": 1}

    def fails() -> None:
        try:
            failing("x")
        except ValueError:
            return

    def block() -> None:
        with made.time():
            pass

    return {
        "record int": lambda: made.record(12345678),
        "record float": lambda: made.record(1.5),
        "record large": lambda: made.record(2**70),
        "record wrong": lambda: made.record("x"),
        "record negative": lambda: made.record(-1.5),
        "record with context": lambda: made.record(3, context=context),
        "no arguments": lambda: made.record(),
        "exponential": lambda: fine.record(1.5),
        "chain": lambda: chained.add(),
        "since": lambda: made.record_since(engine.now()),
        "wrong start": lambda: made.record_since("x"),
        "block": block,
        "call": lambda: wrapped(-5),
        "failing call": fails,
        "prebuilt": lambda: table.record(1, prebuilt),
        "literal": lambda: table.record(1, {"venue": "a", "side": "b"}),
        "odd": lambda: table.record(1, {"venue": ["a"]}),
        "none": lambda: table.record(1),
    }


def test_values_keep_their_reference_counts(engine: Any) -> None:
    """Amounts, attributes, keys, contexts and starts: as many references after a million records as before."""
    times = TIMES[engine.NAME]
    made, table = cell(engine, per_ns=1.0), engine.Table(lambda attributes: made)
    amount, start, wrong = float("123.25"), int("987654321"), object()
    key, text = "".join(["ven", "ue"]), "".join(["bin", "ance"])
    attributes, context = {key: text}, {"span": 1}
    table.record(amount, attributes)
    for extreme in (0.0, 1e300):  # a twin keeps the least and the largest
        made.record(extreme)
    watched = [amount, start, wrong, key, text, attributes, context, made, table, engine.Cell, None]
    gc.collect()
    before = [sys.getrefcount(one) for one in watched]
    for _ in range(times // 10):
        made.record(amount, context)
        made.record(wrong)
        made.record_since(start, context)
        table.record(amount, attributes, context)
        table.record(amount, {key: text})
        with made.time():
            pass
    gc.collect()
    after = [sys.getrefcount(one) for one in watched]
    assert [0] * 10 == [now - then for then, now in zip(before, after, strict=True)][:10]
    assert after[10] - before[10] < 1000  # None: others use it too


def test_a_million_records_take_no_memory(engine: Any) -> None:
    """Every operation, traced."""
    named = operations(engine)
    times = TIMES[engine.NAME] // 20

    def work() -> None:
        for operation in named.values():
            for _ in range(times):
                operation()

    assert growth(work) < LITTLE


def test_a_record_makes_nothing_that_the_collector_tracks(native: Any) -> None:
    """Otherwise recording would make collections come sooner."""
    named = operations(native)
    del named["failing call"], named["literal"], named["odd"]
    gc.collect()
    gc.disable()
    try:
        for name, operation in named.items():
            operation()
            before = gc.get_count()[0]
            for _ in range(1000):
                operation()
            assert gc.get_count()[0] - before < 10, name
    finally:
        gc.enable()


def test_configuring_and_reading_take_no_memory(engine: Any) -> None:
    """All kinds, failing configurations, tables that are forgotten."""
    bounds = engine.Bounds(range(50))
    made, other = engine.Cell("c"), engine.Cell("d")

    def work() -> None:
        for _ in range(200):
            made.configure("explicit", bounds=bounds, exemplars=True, owner=object(), next=other)
            made.record(3)
            made.snapshot()
            made.configure("exponential", exemplars=True)
            for value in (1e-300, 1, 1e300):
                made.record(value)
            made.snapshot()
            for wrong in ({"kind": "x"}, {"kind": "explicit"}, {"kind": "counter", "next": made}):
                with pytest.raises((TypeError, ValueError)):
                    made.configure(**wrong)
            for given in (["x"], (2, 1), None):
                with pytest.raises((TypeError, ValueError)):
                    engine.Bounds(given)
            made.close()
            table = engine.Table(lambda attributes: made)
            for n in range(100):
                table.add(1, {"n": n, "t": (n, str(n))})
            table.forget()
            table.add(1, {"n": 1})

    assert growth(work) < LITTLE


def test_configuring_gives_up_what_was_held(engine: Any) -> None:
    """Bounds, owner and further stream; also those of a configuration that failed."""
    bounds, owner, further = engine.Bounds((1, 2)), object(), engine.Cell("d")
    made = engine.Cell("c")
    before = [sys.getrefcount(one) for one in (bounds, owner, further)]
    for _ in range(100):
        made.configure("explicit", bounds=bounds, owner=owner, next=further)
        with pytest.raises(ValueError, match="max_size"):
            made.configure("exponential", bounds=bounds, owner=owner, next=further, max_size=1)
    made.close()
    assert before == [sys.getrefcount(one) for one in (bounds, owner, further)]


def test_timed_coroutines_take_no_memory(engine: Any) -> None:
    """Awaited, cancelled, and given up."""
    made = cell(engine, per_ns=1.0)

    async def waits() -> None:
        await asyncio.sleep(0)

    wrapped = made.wrap(waits, True)

    def work() -> None:
        for _ in range(2000):
            waiting = wrapped()
            waiting.send(None)
            waiting.close()
            given_up = wrapped()
            given_up.send(None)
            del given_up

    assert growth(work) < LITTLE
    assert made.snapshot()[0] >= 12_000


def test_cycles_through_cells_tables_and_callables_are_collected(engine: Any) -> None:
    """Owner, factory, function attribute, and a cell in the factory's own table."""

    class Owner:
        pass

    owner = Owner()
    owner.cell = cell(engine, "counter", owner=owner)  # type: ignore[attr-defined]
    made: list[Any] = []

    def factory(attributes: Any, owner: Owner = owner) -> Any:
        return cell(engine, "counter", owner=(owner, made))

    table = engine.Table(factory)
    made.append(table)
    table.add(1, {"a": 1})
    table.add(1)

    def function(owner: Owner = owner) -> None:
        """Nothing."""

    wrapped = owner.cell.wrap(function)  # type: ignore[attr-defined]
    wrapped.itself = wrapped
    owner.wrapped = wrapped  # type: ignore[attr-defined]
    gone: list[Any] = [weakref.ref(owner), weakref.ref(function)]
    del owner, table, factory, function, wrapped
    made.clear()
    gc.collect()
    assert [None, None] == [one() for one in gone]


def test_long_chain_is_freed_without_a_deep_stack(native: Any) -> None:
    """200,000 streams, as nobody has."""
    first = last = native.Cell("c")
    for _ in range(200_000):
        further = native.Cell("c")
        last.configure("dropped", next=further)
        last = further
    last.configure("counter")
    first.record(5)
    assert 5 == last.snapshot()[1]
    del first, further
    assert 2 == sys.getrefcount(last)
