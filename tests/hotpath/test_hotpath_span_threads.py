"""Each span is in the books exactly once: under threads, signals, finalisers, and after a fork."""

from __future__ import annotations

import gc
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hotpath.hotpath_cells import FREE_THREADED
from hotpath.hotpath_spans import SCOPE, attributes, recorder, taken
from hotpath.test_hotpath_threads import in_threads
from support.alarms import alarms
from support.children import environment

from otel_trading.hotpath import span_reading

FORK = Path(__file__).with_name("hotpath_span_fork.py")
TIMES = {"native": 20_000, "python": 1_000}


@pytest.mark.usefixtures("_hasty")
def test_spans_of_eight_threads_are_taken_once(engine: Any) -> None:
    """While another thread takes, and books balance in between."""
    arena = engine.Arena(1 << 20, 1 << 28)
    shared = recorder(engine, arena)
    own = [engine.Recorder(arena, SCOPE) for _ in range(8)]
    times, done = TIMES[engine.NAME], threading.Event()
    got: list[str] = []

    def collect() -> None:
        while not done.is_set() or arena.books()["queued"]:
            got.extend(span.name for span in taken(arena))
            books = arena.books()
            assert books["offered"] == books["queued"] + books["taken"]

    def record(index: int) -> None:
        begin, begin_own = shared.begin, own[index].begin
        for number in range(times // 2):
            begin(f"{index}:{number}", attributes={"n": number}).end()
            begin_own(f"{index}:{number}:own").end()

    collecting = threading.Thread(target=collect)
    collecting.start()
    try:
        in_threads(record)
    finally:
        done.set()
        collecting.join()
    assert 8 * times // 2 * 2 == len(got) == len(set(got)) == arena.books()["taken"]


@pytest.mark.usefixtures("_hasty")
def test_bounds_hold_for_eight_threads(engine: Any) -> None:
    """Not one more than fits, and each is counted."""
    arena = engine.Arena(max_items=100)
    begin = recorder(engine, arena).begin
    in_threads(lambda index: [begin("n").end() for _ in range(200)])
    books = arena.books()
    assert (1600, 90, 1510) == (books["offered"], books["queued"], books["dropped"]["queue_full"])


@pytest.mark.usefixtures("_hasty")
def test_end_counts_once_whoever_calls_it(engine: Any) -> None:
    """Eight threads end the same spans."""
    arena = engine.Arena()
    begin = recorder(engine, arena).begin
    spans = [begin(str(number)) for number in range(500)]

    def end(index: int) -> None:
        for span in spans:
            span.end()

    in_threads(end)
    assert 500 == len({span.name for span in taken(arena)}) == arena.books()["offered"]


@pytest.mark.usefixtures("_hasty")
def test_span_that_eight_threads_write_to_stays_whole(engine: Any) -> None:
    """Attributes of each thread, the same key by all, events; another reads meanwhile, and one ends it at last."""
    arena = engine.Arena()
    span = recorder(engine, arena, attributes=1000, events=10_000, span_bytes=1 << 24).begin("n")
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            read = span_reading.read(span.encoded())
            assert read.attributes.keys() <= known
            _ = span.name

    def write(index: int) -> None:
        for number in range(50):
            span.set_attribute(f"{index}:{number}", "x" * number * 3)
            span.set_attribute("shared", [index, number])
            span.add_event("e", {"index": index})
            span.update_name(f"n{index}")

    known = {f"{index}:{number}" for index in range(8) for number in range(50)} | {"shared"}
    looking = threading.Thread(target=look)
    looking.start()
    try:
        in_threads(write)
    finally:
        done.set()
        looking.join()
    span.end()
    (message,) = taken(arena)
    assert known == attributes(message).keys()
    assert 400 == len(message.events)
    assert (0, 0) == (message.dropped_attributes_count, message.dropped_events_count)


def test_signal_handler_may_end_spans(engine: Any) -> None:
    """It runs between any two steps of the interpreter, also in the middle of an end of the twin."""
    arena = engine.Arena(1 << 20, 1 << 28)
    begin = recorder(engine, arena).begin
    ended = 0
    look = itertools.cycle((arena.books, arena.take))

    def interrupting() -> None:
        begin("handler", attributes={"a": 1}).end()
        next(look)()

    with alarms(interrupting) as handled:
        while handled.fewer_than(300):
            begin("main").end()
            ended += 1
            if ended % 10 == 0:
                arena.take()
    books = arena.books()
    assert handled.count >= 300
    assert ended + handled.count == books["offered"] == books["queued"] + books["taken"]


def test_finaliser_may_end_spans(engine: Any) -> None:
    """The collector runs when it likes, also while another span ends or is taken."""
    arena = engine.Arena()
    begin = recorder(engine, arena).begin

    class Freed:
        def __init__(self) -> None:
            self.itself = self
            self.span = begin("finaliser")

        def __del__(self) -> None:
            self.span.end()

    threshold = gc.get_threshold()
    gc.set_threshold(1)
    got = 0
    try:
        for _ in range(300):
            Freed()
            begin("main", attributes={"a": [1, "b"]}).end()
            got += (arena.take() or (b"", 0, b""))[1]
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert 600 == got + len(taken(arena))


def test_fork_under_load_leaves_the_child_nothing_of_the_parent(engine: Any) -> None:
    """Its arena is empty, its ids are its own, an open span of the parent is not ended by it; it never hangs."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    if FREE_THREADED and engine.NAME == "python":
        pytest.skip("a child inherits the lock of a dict that threads waited for, whoever made it")
    unmeasured = environment(measured=False)
    command = [sys.executable, str(FORK), engine.NAME, "60"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=unmeasured)
    assert (0, "forked 60\n") == (ran.returncode, ran.stdout), ran.stderr


def test_forked_ids_differ_although_the_application_seeds_random(engine: Any) -> None:
    """The generator is nobody else's."""
    import random

    state = random.getstate()
    made = []
    for _ in range(2):
        random.seed(42)
        made.append(recorder(engine).begin("n").span_id)
    random.setstate(state)
    assert made[0] != made[1]
