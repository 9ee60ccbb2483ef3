"""Taking what was recorded begins a cell anew at the same moment."""

from __future__ import annotations

import gc
import threading
import time
from typing import Any

import pytest
from hotpath.hotpath_cells import cell, refused
from hotpath.test_hotpath_exemplars import CONTEXT, SPAN
from hotpath.test_hotpath_threads import TIMES, in_threads
from support.alarms import alarms

EMPTY = {
    "closed": (0, 0, None, None, None),
    "dropped": (0, 0, None, None, None),
    "counter": (0, 0, None, None, None),
    "up_down": (0, 0, None, None, None),
    "gauge": (0, 0, None, None, None),
    "explicit": (0, 0, None, None, (0,) * 7),
    "exponential": (0, 0, None, None, (20, 0, 0, ())),
}


@pytest.mark.parametrize("kind", EMPTY)
def test_taken_cell_is_as_configured(engine: Any, kind: str) -> None:
    """The values go out once; kind, owner, bounds and further stream stay."""
    further = cell(engine, "counter")
    made, owner = cell(engine, kind, owner=(kind,), next=further), (kind,)
    for value in (3, 2.5, 1000.0, 2**62, 2**62, 0.0):
        made.record(value)
    before = made.snapshot()
    assert before == made.take()
    assert repr(EMPTY[kind]) == repr(made.snapshot()) == repr(made.take())
    assert (kind, owner, further) == (made.kind, made.owner, made.next)
    made.record(7)
    made.record(0.5)
    assert (0 if kind in ("closed", "dropped") else 2) == made.take()[0]
    assert 8 == further.snapshot()[0]


def test_taken_exponential_cell_is_fine_again(engine: Any) -> None:
    """Its scale is the finest, whatever it had come down to."""
    made = cell(engine, "exponential", max_size=4, max_scale=5)
    for value in (1e-300, 1e300, 0):
        made.record(value)
    assert made.take()[4][0] < -5
    made.record(2)
    assert (1, 2, 2, 2, (5, 0, 31, (1,))) == made.take()


def test_start_is_that_of_the_first_record_since_the_taking(engine: Any) -> None:
    """0 until then."""
    made = cell(engine, "counter")
    for wall in (5, 9):
        engine.set_clock(None, lambda wall=wall: wall)
        assert 0 == made.started_ns
        made.add(1)
        made.add(1)
        assert wall == made.started_ns
        made.take()
    assert 0 == made.started_ns


def test_real_clock_stamps_at_once(engine: Any) -> None:
    """The wall clock of this machine, in nanoseconds."""
    made = cell(engine)
    before = time.time_ns()
    made.record(3)
    made.record(3)
    assert before - 10**7 <= made.started_ns <= time.time_ns()


def test_taking_arms_every_bucket(engine: Any) -> None:
    """Also the one whose offer is under way."""
    offered: list[Any] = []
    made = cell(engine, exemplars=True)

    def hook(*what: Any) -> bool:
        offered.append(what)
        if what[2] == 3:
            made.take()
        return True

    engine.set_exemplar_hook(hook, CONTEXT, "span")
    for value in (1, 1, 3, 3.5, 1, 3.5):
        made.record(value, SPAN)
    assert [1, 3, 3.5, 1] == [what[2] for what in offered]


def test_refusals_that_were_told_stay_told(engine: Any) -> None:
    """They are no values."""
    told: list[Any] = []
    engine.set_refusal_hook(lambda *what: told.append(what))
    made = cell(engine)
    for _ in range(3):
        made.record("x")
        made.take()
    assert 1 == len(told)
    assert {"not_a_number": 3} == refused(engine)


@pytest.mark.parametrize("kind", ["explicit", "exponential", "counter"])
def test_nothing_is_lost_or_taken_twice_under_threads(engine: Any, kind: str) -> None:
    """What was taken adds up to what was recorded, each time in itself whole."""
    made = cell(engine, kind, max_scale=3)
    times = TIMES[engine.NAME] // 4
    done = threading.Event()
    taken: list[Any] = []

    def take() -> None:
        while not done.is_set():
            taken.append(made.take())

    def record(index: int) -> None:
        write, value = made.record, index + 1
        for _ in range(times):
            write(value)

    taking = threading.Thread(target=take)
    taking.start()
    in_threads(record)
    done.set()
    taking.join()
    taken.append(made.take())
    assert (8 * times, 36 * times) == (sum(one[0] for one in taken), sum(one[1] for one in taken))
    for count, _, least, most, detail in taken:
        if kind == "explicit":
            assert count == sum(detail)
        if kind == "exponential":
            assert count == sum(detail[3])
        if kind != "counter" and count:
            assert 1 <= least <= most <= 8


@pytest.mark.parametrize("kind", ["explicit", "exponential", "gauge", "up_down"])
def test_taking_in_a_finaliser_loses_nothing(engine: Any, kind: str) -> None:
    """It runs in the middle of a record of the twin, and in that of a taking."""
    made = cell(engine, kind, max_size=3)
    taken: list[Any] = []

    class Freed:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            made.record(1)
            taken.append(made.take())

    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(300):
            Freed()
            made.record(1e6)
            taken.append(made.take())
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    taken.append(made.take())
    assert 600 == sum(one[0] for one in taken)
    if kind != "gauge":
        assert 300 * (1 + 1e6) == sum(one[1] for one in taken)


def test_taking_in_a_signal_handler_loses_nothing(engine: Any) -> None:
    """Between any two steps of the interpreter."""
    made = cell(engine, "up_down")
    taken: list[Any] = []

    def interrupting() -> None:
        made.record(1)
        taken.append(made.take())

    recorded = 0
    with alarms(interrupting) as handled:
        while handled.fewer_than(300):
            made.record(1)
            recorded += 1
    taken.append(made.take())
    assert handled.count >= 300
    assert recorded + handled.count == sum(one[0] for one in taken) == sum(one[1] for one in taken)
