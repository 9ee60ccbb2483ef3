"""Forwarded cells hand each number to a callable; dropped ones with a further stream pass it on."""

from __future__ import annotations

import decimal
import gc
import math
import threading
from typing import Any

import numpy
import pytest
from hotpath.hotpath_cells import cell, load, refused
from support.alarms import alarms


@pytest.fixture
def got() -> list[Any]:
    """What the owner was called with."""
    return []


@pytest.fixture
def forwarded(engine: Any, got: list[Any]) -> Any:
    """A cell in microseconds that takes no negative numbers."""
    return cell(engine, "forwarded", owner=lambda *what: got.append(what), per_ns=1e-3)


def test_each_record_calls_the_owner(forwarded: Any, got: list[Any]) -> None:
    """Value and context, None if not given."""
    context = {"span": 1}
    forwarded.record(3)
    forwarded.add()
    forwarded.set(2.5, context)
    forwarded.record(4, context=context)
    assert [(3, None), (1, None), (2.5, context), (4, context)] == got
    assert (0, 0, None, None, None) == forwarded.snapshot() == forwarded.take()
    assert ("forwarded", 0) == (forwarded.kind, forwarded.started_ns)


@pytest.mark.parametrize(
    ("given", "expected"),
    [(True, 1), (decimal.Decimal("2.5"), 2.5), (numpy.float64(1.5), 1.5), (numpy.int8(3), 3), (2**70, 2.0**70)],
)
def test_owner_gets_a_plain_number(forwarded: Any, got: list[Any], given: Any, expected: Any) -> None:
    """An int or a float, whatever stood for it."""
    forwarded.record(given)
    assert [(expected, None)] == got
    assert type(expected) is type(got[0][0])


def test_durations_are_converted(engine: Any, forwarded: Any, got: list[Any]) -> None:
    """record_since, time and wrap, in the instrument's unit."""
    readings = iter((5_000_000, 0, 2000, 7000, 10_000))
    engine.set_clock(lambda: next(readings), None)
    forwarded.record_since(3_000_000, "context")
    with forwarded.time():
        pass
    assert 5 == forwarded.wrap(abs)(-5)
    assert [(2000.0, "context"), (2.0, None), (3.0, None)] == got


@pytest.mark.parametrize(
    ("value", "reason"), [("1", "not_a_number"), (math.nan, "not_finite"), (-1, "negative"), (-0.5, "negative")]
)
def test_wrong_numbers_are_not_forwarded(engine: Any, forwarded: Any, got: list[Any], value: Any, reason: str) -> None:
    """They are counted, as for others."""
    forwarded.record(value)
    assert [] == got
    assert {reason: 1} == refused(engine)


def test_negative_numbers_pass_where_asked_for(engine: Any, got: list[Any]) -> None:
    """An up-down counter of the application's own provider."""
    made = cell(engine, "forwarded", owner=lambda *what: got.append(what), negative=True)
    made.add(-1)
    made.add(-0.5)
    assert [(-1, None), (-0.5, None)] == got


def test_failing_owner_is_counted(engine: Any) -> None:
    """No exception, a reason of its own, told once."""
    told: list[Any] = []
    engine.set_refusal_hook(lambda *what: told.append(what))

    def owner(value: Any, context: Any) -> None:
        raise ValueError(value)

    made = cell(engine, "forwarded", name="orders", owner=owner)
    made.record(1)
    made.record(2.5)
    made.add()
    assert {"forward_failed": 3} == refused(engine)
    assert [("forward_failed", "orders", 1)] == told


def test_exception_of_the_timed_block_stays(engine: Any) -> None:
    """That of the owner does not take its place."""

    def owner(value: Any, context: Any) -> None:
        raise ValueError(value)

    made = cell(engine, "forwarded", owner=owner, per_ns=1.0)
    with pytest.raises(KeyError), made.time():
        raise KeyError(1)
    with pytest.raises(TypeError):
        made.wrap(abs)("x")
    assert {"forward_failed": 2} == refused(engine)


def test_owner_must_be_callable(engine: Any) -> None:
    """It is said when configuring, and nothing has changed."""
    made = cell(engine, "counter")
    made.add(3)
    for wrong in (None, 5):
        with pytest.raises(TypeError, match="a forwarded cell needs owner=a callable"):
            made.configure("forwarded", owner=wrong)
    assert ("counter", 3) == (made.kind, made.snapshot()[1])


def test_owner_may_record_into_the_very_cell(engine: Any, got: list[Any]) -> None:
    """Round and round it ends with the interpreter's own limit, and is counted."""
    made = engine.Cell("again")

    def owner(value: Any, context: Any) -> None:
        got.append(value)
        if value < 5:
            made.record(value + 1)

    made.configure("forwarded", owner=owner)
    made.record(1)
    assert [1, 2, 3, 4, 5] == got
    made.configure("forwarded", owner=made.record)
    made.record(1)
    assert refused(engine)["forward_failed"] >= 1


def test_owner_may_configure_the_very_cell(engine: Any) -> None:
    """It goes on as what it became, and the old owner is given up."""
    made = cell(engine, "counter")

    class Owner:
        def __call__(self, value: Any, context: Any) -> None:
            made.configure("counter")
            gc.collect()
            made.add(value)

    made.configure("forwarded", owner=Owner())
    made.add(5)
    made.add(2)
    assert (2, 7) == made.snapshot()[:2]


def test_signal_handler_and_lock_of_the_owner(engine: Any) -> None:
    """Records from handlers in the middle of the owner, and from other threads while it waits: none of ours is held."""
    entered, leave = threading.Event(), threading.Event()
    seen: list[Any] = []

    def owner(value: Any, context: Any) -> None:
        if value == 1:
            entered.set()
            assert leave.wait(30)
        seen.append(value)

    made, other = cell(engine, "forwarded", owner=owner), cell(engine, "counter")

    def interrupting() -> None:
        made.record(2)
        other.add(1)
        other.snapshot()

    waiting = threading.Thread(target=made.record, args=(1,))
    waiting.start()
    assert entered.wait(30)
    recorded = 0
    with alarms(interrupting) as handled:
        while handled.fewer_than(100):
            made.record(3)
            other.add(1)
            recorded += 1
    made.configure("counter")
    leave.set()
    waiting.join()
    assert handled.count >= 100
    assert (1, handled.count, recorded) == (seen.count(1), seen.count(2), seen.count(3))
    assert handled.count + recorded == other.snapshot()[1]
    assert {} == refused(engine)


def test_forwarding_in_a_chain(engine: Any, got: list[Any]) -> None:
    """First, in the middle or last: the others are fed as ever, also if the owner fails."""

    def owner(value: Any, context: Any) -> None:
        got.append((value, context))
        raise RuntimeError

    last = cell(engine, "forwarded", owner=owner)
    middle = cell(engine, "counter", next=last)
    first = cell(engine, "forwarded", owner=owner, next=middle)
    first.add(2, "context")
    assert [(2, "context")] * 2 == got
    assert (1, 2) == middle.snapshot()[:2]
    assert {"forward_failed": 1} == refused(engine)


def test_pass_through_counts_a_refusal_once_under_its_own_name(engine: Any) -> None:
    """However many streams refuse the record; what some of them take is in these."""
    told: list[Any] = []
    engine.set_refusal_hook(lambda *what: told.append(what))
    takes = cell(engine, "up_down", name="takes")
    closed = cell(engine, "closed", name="closed", next=takes)
    counter = cell(engine, "counter", name="counter", next=closed)
    histogram = cell(engine, name="histogram", next=counter)
    first = cell(engine, "dropped", name="orders", next=histogram)
    for value in (-1, -2.5, "x", math.nan):
        first.record(value)
    assert {"negative": 2, "closed": 2, "not_a_number": 1, "not_finite": 1} == refused(engine)
    assert ["orders"] * 4 == [name for _, name, _ in told]
    assert (2, -3.5) == takes.snapshot()[:2]


def test_pass_through_converts_durations(engine: Any) -> None:
    """By its own per_ns."""
    further = cell(engine, "up_down")
    made = cell(engine, "dropped", per_ns=1e-3, next=further)
    engine.set_clock(lambda: 5_000_000, None)
    made.record_since(3_000_000)
    assert (1, 2000.0) == further.snapshot()[:2]


@pytest.mark.usefixtures("_hasty")
def test_chains_configured_by_threads_never_become_a_circle(engine: Any) -> None:
    """Each closes and links the same cells its own way; a record always comes to an end."""
    cells = [engine.Cell(str(number)) for number in range(3)]
    linked = [0, 0, 0]
    barrier = threading.Barrier(3)

    def link(index: int) -> None:
        own = [cells[(index + step) % 3] for step in range(3)]
        barrier.wait()
        for _ in range(1500):
            for made in own:
                made.close()
            for made, further in zip(own[1::-1], own[:0:-1], strict=True):
                try:
                    made.configure("counter", next=further)
                    linked[index] += 1
                except ValueError as error:
                    assert "must not lead back" in str(error)
            own[0].add(1)

    threads = [threading.Thread(target=link, args=(index,), daemon=True) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert min(linked) > 0
    for made in cells:
        further, steps = made, 0
        while further is not None:
            further, steps = further.next, steps + 1
            assert steps < 4


def test_twin_checks_and_links_in_one_step() -> None:
    """While one thread looks along a chain, another that would close the circle waits."""
    engine: Any = load("python")
    looking, linked = threading.Event(), threading.Event()
    refused_links: list[ValueError] = []

    class Slow(engine.Cell):  # type: ignore[misc]  # a class at run time
        @property
        def next(self) -> Any:
            found = super().next
            looking.set()
            linked.wait(0.3)
            return found

    one, slow = engine.Cell("one"), Slow("slow")

    def link(made: Any, further: Any) -> None:
        try:
            made.configure("counter", next=further)
        except ValueError as error:
            refused_links.append(error)

    first = threading.Thread(target=link, args=(one, slow))
    first.start()
    assert looking.wait(30)
    link(slow, one)
    linked.set()
    first.join()
    assert ["next must not lead back to the cell"] == [str(error) for error in refused_links]
