"""Totals are exact: under threads, signals, finalisers, and after a fork."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hotpath.hotpath_cells import FREE_THREADED, cell
from support.alarms import alarms
from support.children import environment

FORK = Path(__file__).with_name("hotpath_fork.py")
TIMES = {"native": 200_000, "python": 10_000}


def in_threads(work: Any, number: int = 8) -> None:
    """Begins all at once; fails if one of them does."""
    barrier = threading.Barrier(number)
    failed: list[BaseException] = []

    def run(index: int) -> None:
        barrier.wait()
        try:
            work(index)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == failed


@pytest.mark.usefixtures("_hasty")
@pytest.mark.parametrize("kind", ["explicit", "exponential", "counter"])
def test_totals_of_eight_threads_are_exact(engine: Any, kind: str) -> None:
    """With snapshots running, each of which agrees with itself."""
    made = cell(engine, kind, max_scale=3)
    times = TIMES[engine.NAME]
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            count, total, least, most, detail = made.snapshot()
            assert count * 1 <= total <= count * 8
            if kind == "explicit":
                assert count == sum(detail)
            if kind == "exponential":
                assert count == sum(detail[3]) + detail[1]
            if kind != "counter" and count:
                assert 1 <= least <= most <= 8

    def record(index: int) -> None:
        write, value = made.record, index + 1
        for _ in range(times):
            write(value)

    looking = threading.Thread(target=look)
    looking.start()
    in_threads(record)
    done.set()
    looking.join()
    assert (8 * times, 36 * times) == made.snapshot()[:2]


@pytest.mark.usefixtures("_hasty")
def test_table_under_eight_threads_is_exact(engine: Any) -> None:
    """Misses, hits and forgetting at once: every record is in one of the cells that were made."""
    cells: list[Any] = []
    lock = threading.Lock()
    known: dict[int, Any] = {}

    def factory(attributes: dict[str, Any]) -> Any:
        with lock:
            number = attributes["n"]
            if number not in known:
                known[number] = cell(engine, "counter")
                cells.append(known[number])
            return known[number]

    table = engine.Table(factory, 30)

    def record(index: int) -> None:
        for n in range(3000):
            table.add(1, {"n": n % 50})
            if n % 500 == 0:
                table.forget()

    in_threads(record)
    assert 8 * 3000 == sum(one.snapshot()[1] for one in cells)
    assert 50 == len(cells)


@pytest.mark.usefixtures("_hasty")
def test_configuring_under_load_leaves_a_whole_cell(engine: Any) -> None:
    """Records into a cell that changes kind all the time: nothing raises, and what counts at the end is right."""
    made = cell(engine, exemplars=True)
    ended = threading.Event()
    wide, narrow = engine.Bounds(range(1000)), engine.Bounds((1,))

    def change() -> None:
        kinds: list[dict[str, Any]] = [
            {"kind": "explicit", "bounds": wide, "exemplars": True},
            {"kind": "exponential", "max_size": 2},
            {"kind": "explicit", "bounds": narrow},
            {"kind": "counter", "exemplars": True},
            {"kind": "closed"},
        ]
        n = 0
        while not ended.is_set():
            made.configure(**kinds[n % 5])
            made.snapshot()
            n += 1

    changing = threading.Thread(target=change)
    changing.start()
    in_threads(lambda index: [made.record(index * 99.5) for _ in range(5000)], 3)
    ended.set()
    changing.join()
    made.configure("counter")
    in_threads(lambda index: [made.record(1) for _ in range(1000)], 3)
    assert 3000 == made.snapshot()[1]


def test_signal_handler_may_record_into_the_same_cell(engine: Any) -> None:
    """It runs between any two steps of the interpreter, in the middle of a record of the twin."""
    made = cell(engine)
    recorded = 0

    def interrupting() -> None:
        made.record(1)
        made.snapshot()

    with alarms(interrupting) as handled:
        while handled.fewer_than(300):
            made.record(1)
            recorded += 1
    assert handled.count >= 300
    assert recorded + handled.count == made.snapshot()[0] == made.snapshot()[1]


def test_finaliser_may_record_into_the_same_cell(engine: Any) -> None:
    """The collector runs when it likes, also while a snapshot is made."""
    made = cell(engine, bounds=range(200))
    freed = 0

    class Freed:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            nonlocal freed
            freed += 1
            made.record(1)

    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for _ in range(300):
            Freed()
            made.record(1)
            count, total, *_, detail = made.snapshot()
            assert count == total == sum(detail)
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert 300 == freed
    assert 600 == made.snapshot()[0]


def test_fork_under_load_never_hangs(engine: Any) -> None:
    """A child records and reads at once, whatever the parent's threads were doing."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    if FREE_THREADED and engine.NAME == "python":
        pytest.skip("a child inherits the lock of a dict that threads waited for, whoever made it")
    # without coverage, whose own lock a child may inherit in a held state
    unmeasured = environment(measured=False)
    command = [sys.executable, str(FORK), engine.NAME, "60"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=unmeasured)
    assert (0, "forked 60\n") == (ran.returncode, ran.stdout), ran.stderr
