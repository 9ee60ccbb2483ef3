"""A thread that waits for spans sleeps until there are enough, or somebody wakes it, or time is over."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import pytest
from hotpath.hotpath_spans import recorder, taken
from hotpath.test_hotpath_threads import in_threads

LONG_S = 30.0


class Waiting:
    """`wait` in a thread of its own."""

    def __init__(self, arena: Any, items: int, timeout_s: float = LONG_S) -> None:
        self.arena = arena
        self.answer: bool | None = None
        self._call = (items, timeout_s)
        self._thread = threading.Thread(target=self._wait, daemon=True)
        self._thread.start()
        while self._thread.is_alive() and not self._begun():
            time.sleep(0.001)

    def _wait(self) -> None:
        while self.answer is None:
            try:
                self.answer = self.arena.wait(*self._call)
            except RuntimeError:  # `_begun` asks at this very moment
                continue

    def _begun(self) -> bool:
        """Whoever waits beside is turned away."""
        try:
            self.arena.wait(1 << 40, 0)
        except RuntimeError:
            return True
        return False

    def join(self) -> bool | None:
        """What it said."""
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.answer

    @property
    def asleep(self) -> bool:
        """Whether it still waits."""
        self._thread.join(0.02)
        return self._thread.is_alive()


def test_wait_ends_at_once_when_enough_are_there(engine: Any) -> None:
    """Also one the bounds would never reach is over in time."""
    arena = engine.Arena()
    recorder(engine, arena).begin("n").end()
    assert True is arena.wait(1, 0)
    assert False is arena.wait(2, 0)
    assert False is arena.wait(2, 0.01)


def test_wait_takes_its_time_and_no_more(engine: Any) -> None:
    """The limit is in seconds."""
    began = time.monotonic()
    assert False is engine.Arena().wait(1, 0.2)
    assert 0.19 < time.monotonic() - began < 2


@pytest.mark.parametrize("wanted", [1, 3, 64, 65, 200])
def test_who_waits_is_woken_by_the_span_that_makes_it_enough(engine: Any, wanted: int) -> None:
    """And by no one before."""
    arena = engine.Arena()
    begin = recorder(engine, arena).begin
    waiting = Waiting(arena, wanted)
    for _ in range(wanted - 1):
        begin("n").end()
    assert waiting.asleep
    begin("n").end()
    assert True is waiting.join()
    assert wanted == len(taken(arena))


def test_spans_that_are_dropped_wake_nobody(engine: Any) -> None:
    """They are not there."""
    arena = engine.Arena(max_items=2)
    waiting = Waiting(arena, 3)
    for _ in range(5):
        recorder(engine, arena).begin("n", urgency=2).end()
    assert waiting.asleep
    arena.wake()
    waiting.join()


def test_wake_ends_the_wait(engine: Any) -> None:
    """With nothing there."""
    arena = engine.Arena()
    waiting = Waiting(arena, 5)
    arena.wake()
    assert True is waiting.join()
    assert False is arena.wait(5, 0)


def test_wake_is_not_lost_on_who_does_not_wait_yet(engine: Any) -> None:
    """The next wait ends at once, one only."""
    arena = engine.Arena()
    arena.wake()
    arena.wake()
    assert True is arena.wait(5, LONG_S)
    assert False is arena.wait(5, 0)


def test_second_who_waits_is_turned_away(engine: Any) -> None:
    """Nobody would wake it."""
    arena = engine.Arena()
    waiting = Waiting(arena, 5)
    with pytest.raises(RuntimeError, match="another thread waits"):
        arena.wait(1, 0)
    arena.wake()
    waiting.join()


@pytest.mark.parametrize("call", [(0, 1), (-1, 1), (1, -0.1), (1, float("nan"))])
def test_wait_of_nothing_is_refused(engine: Any, call: tuple[int, float]) -> None:
    """Out of range."""
    with pytest.raises(ValueError, match="at least"):
        engine.Arena().wait(*call)


def test_signal_handler_runs_while_the_main_thread_waits(engine: Any) -> None:
    """It may end spans and wake its own thread; its exception passes through."""
    arena = engine.Arena()
    begin = recorder(engine, arena).begin
    before = signal.getsignal(signal.SIGALRM)
    try:
        signal.signal(signal.SIGALRM, lambda *_: begin("n").end())
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        assert True is arena.wait(1, LONG_S)
        signal.signal(signal.SIGALRM, lambda *_: arena.wake())
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        assert True is arena.wait(5, LONG_S)
        signal.signal(signal.SIGALRM, lambda *_: 1 // 0)
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(ZeroDivisionError):
            arena.wait(5, LONG_S)
        assert False is arena.wait(5, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("_hasty")
def test_no_span_is_overslept(engine: Any) -> None:
    """One thread waits and takes, eight end spans one at a time and wait until theirs was taken."""
    arena = engine.Arena()
    begin = recorder(engine, arena).begin
    times, seen = 200, threading.Condition()
    counts = dict.fromkeys(range(8), 0)
    late: list[int] = []

    def collect() -> None:
        while sum(counts.values()) < 8 * times and not late:
            if not arena.wait(1, 10):
                late.append(sum(counts.values()))
            with seen:
                for span in taken(arena):
                    counts[int(span.name)] += 1
                seen.notify_all()

    def record(index: int) -> None:
        for number in range(times):
            begin(str(index)).end()
            with seen:
                assert seen.wait_for(lambda number=number: late or counts[index] > number, 20)

    collecting = threading.Thread(target=collect)
    collecting.start()
    in_threads(record)
    collecting.join(20)
    assert [] == late
    assert 8 * times == sum(counts.values())


def test_others_run_while_one_waits(engine: Any) -> None:
    """The wait is without the GIL."""
    arena = engine.Arena()
    waiting = Waiting(arena, 1, 0.5)
    began, turns = time.monotonic(), 0
    while waiting.asleep and time.monotonic() - began < 5:
        turns += 1
    assert False is waiting.join()
    assert turns > 3
