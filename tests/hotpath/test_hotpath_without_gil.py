"""Everything at once from many threads: what is right with the GIL is right without it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest
from hotpath.hotpath_cells import FREE_THREADED, cell, refused
from hotpath.hotpath_pages import family, page
from hotpath.test_hotpath_threads import in_threads
from support import children

TIMES = {"native": 2000, "python": 150}
THREADS = 8

pytestmark = pytest.mark.usefixtures("_hasty")


@pytest.mark.skipif(not FREE_THREADED, reason="this Python has its GIL for good")
def test_native_engine_leaves_the_gil_off() -> None:
    """It declares that it needs none, and nothing else is asked to be patient for its sake."""
    code = """
        import importlib.util, sys
        spec = importlib.util.spec_from_file_location("_native", sys.argv[1])
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
        print(sys._is_gil_enabled())
    """
    native = pytest.importorskip("otel_trading.hotpath._native")
    ran = children.run(code, native.__file__, measured=False, PYTHON_GIL="")  # as if nobody had forced it off
    assert (0, "False\n") == (ran.code, ran.out), ran.err


def meanwhile(work: Callable[[int], None], *others: Callable[[int], None], threads: int = THREADS) -> None:
    """Runs `work(index)` in so many threads, and each of the others again and again until they are done."""
    ended, failed = threading.Event(), []

    def repeat(other: Callable[[int], None]) -> None:
        number = 0
        try:
            while not ended.is_set():
                other(number)
                number += 1
        except BaseException as error:
            failed.append(error)

    beside = [threading.Thread(target=repeat, args=(other,)) for other in others]
    for thread in beside:
        thread.start()
    try:
        in_threads(work, threads)
    finally:
        ended.set()
        for thread in beside:
            thread.join()
    assert [] == failed


def test_every_way_to_record_into_one_cell_counts(engine: Any) -> None:
    """Bound, unbound, since, timed, with a block, awaited: each of them once, while pages and snapshots are made."""
    made = cell(engine, per_ns=1.0)
    table = engine.Table(lambda attributes: made)
    shown = family(engine)
    shown.add(shown.shape("explicit", (), (), tuple(made_bounds(engine))), (), made)
    times = TIMES[engine.NAME] // 5
    timed = made.wrap(lambda: None)

    async def nothing() -> None:
        await asyncio.sleep(0)

    awaited = made.wrap(nothing, True)

    async def wait() -> None:
        for _ in range(times):
            await awaited()

    def record(index: int) -> None:
        for _ in range(times):
            made.record(index)
            table.record(1.5, {"thread": index})
            made.record_since(engine.now())
            timed()
            with made.time():
                pass
        asyncio.run(wait())

    def read(number: int) -> None:
        count, _, least, most, detail = made.snapshot()
        assert count == sum(detail)
        assert count == 0 or 0 <= least <= most
        page(engine, [shown], ("text", "openmetrics", "protobuf")[number % 3])

    meanwhile(record, read)
    assert THREADS * times * 6 == made.snapshot()[0]


def made_bounds(engine: Any) -> Any:
    """Those of `cell`."""
    return engine.Bounds((1, 2.5, 5, 10, 100, 1000.5)).bounds


def test_what_is_taken_and_what_is_left_come_to_all(engine: Any) -> None:
    """A chain of streams, each taken by a reader of its own."""
    last = cell(engine, "exponential", max_scale=3)
    middle = cell(engine, "counter", next=last)
    first = cell(engine, next=middle)
    taken: list[list[int]] = [[0, 0], [0, 0], [0, 0]]

    def take(which: int) -> Callable[[int], None]:
        def run(_number: int) -> None:
            count, total, *_ = (first, middle, last)[which].take()
            taken[which][0] += count
            taken[which][1] += total

        return run

    def record(index: int) -> None:
        for _ in range(TIMES[engine.NAME]):
            first.add(index)

    meanwhile(record, *map(take, range(3)))
    for which in range(3):
        take(which)(0)
    expected = [THREADS * TIMES[engine.NAME], sum(range(THREADS)) * TIMES[engine.NAME]]
    assert [expected] * 3 == taken


def test_table_grows_while_it_is_asked(engine: Any) -> None:
    """Each set has one cell at the end, whoever asked first, and every record is in it."""
    cells: dict[int, Any] = {}
    lock = threading.Lock()

    def factory(attributes: dict[str, Any]) -> Any:
        with lock:
            return cells.setdefault(attributes["n"], cell(engine, "counter"))

    table = engine.Table(factory)
    sets = TIMES[engine.NAME] // 2
    shared = [{"venue": "ü" * (n % 5), "n": n} for n in range(sets)]

    def record(index: int) -> None:
        for n in range(sets):
            table.add(1, {"n": n, "venue": "ü" * (n % 5)} if index % 2 else shared[n])
            table.add(1, shared[(n * 7) % sets])
            assert len(table) <= 2000

    meanwhile(record)
    assert THREADS * sets * 2 == sum(one.snapshot()[1] for one in cells.values())
    assert [cells[n] for n in range(sets)] == [table.find(shared[n]) for n in range(sets)]


def test_attributes_may_change_while_they_are_looked_up(engine: Any) -> None:
    """A dict that another thread writes to is some state of it, never half of one, and never remembered as another."""
    seen: list[dict[str, Any]] = []

    def factory(attributes: dict[str, Any]) -> Any:
        seen.append(dict(attributes))
        attributes["theirs"] = 1
        return cell(engine, "counter", owner=(attributes.get("a"), attributes.get("b")))

    table = engine.Table(factory, 10)
    shared: dict[str, Any] = {"a": 0, "b": 0}

    def change(number: int) -> None:
        shared["a"] = f"{number % 3}" * 2
        shared["b"] = number % 3
        shared.pop("c", None)
        shared.update(c=[number]) if number % 2 else shared.update(c=(number % 3,) * 3)
        if number % 7 == 0:
            shared.clear()

    def record(index: int) -> None:
        for _ in range(TIMES[engine.NAME]):
            table.add(1, shared)

    meanwhile(record, change, threads=4)
    for attributes in seen:
        assert set(attributes) <= {"a", "b", "c"}
    for n in range(3):
        found = table.find({"a": f"{n}" * 2, "b": n})
        assert (f"{n}" * 2, n) == found.owner


def test_configuring_closing_and_reading_at_once_harm_nothing(engine: Any) -> None:
    """Kinds, bounds, labels, owners and further streams change under records, offers, snapshots and pages."""
    made, other = cell(engine, exemplars=True, owner=["first"]), cell(engine, "counter")
    bounds = [engine.Bounds(range(size)) for size in (1, 50, 500)]
    shown = family(engine)
    shown.add(shown.shape("explicit", (), ("n",), bounds[1].bounds), ("1",), made, SimpleNamespace(exemplars={}))
    holder: ContextVar[Any] = ContextVar("holder", default={"span": 1})  # noqa: B039  (of threads: nobody writes to it)

    def configure(number: int) -> None:
        kinds: list[dict[str, Any]] = [
            {"kind": "explicit", "bounds": bounds[number % 3], "exemplars": True, "owner": [number], "next": other},
            {"kind": "exponential", "max_size": 2 + number % 100, "exemplars": True, "per_ns": 1.0},
            {"kind": "forwarded", "owner": lambda value, context: None},
            {"kind": "gauge", "exemplars": True, "next": other},
            {"kind": "closed"},
        ]
        made.configure(**kinds[number % 5])
        if number % 3 == 0:
            made.close()

    def hook(number: int) -> None:
        engine.set_exemplar_hook(lambda *offered: number % 2 == 0, holder, "span")
        engine.set_refusal_hook(lambda *told: None)
        engine.refusals()
        if number % 5 == 0:
            engine.set_exemplar_hook(None)
            engine.set_clock(lambda: 5, lambda: 7)
            engine.set_clock(None, None)

    def read(number: int) -> None:
        made.snapshot()
        made.take() if number % 2 else made.arm()
        repr((made, made.owner, made.next, made.name, made.started_ns, made.kind))
        page(engine, [shown], "openmetrics")

    def record(index: int) -> None:
        for n in range(TIMES[engine.NAME]):
            made.record(n * 0.5)
            made.record(-n, {"span": 2})
            made.record(n, context={})
            made.record_since(0)
            with made.time():
                made.add(None)

    meanwhile(record, configure, hook, read, threads=4)
    made.configure("counter")
    in_threads(lambda index: [made.add(1) for _ in range(100)], 4)
    assert 400 == made.snapshot()[1]


def test_cells_never_lead_back_whoever_configures_first(engine: Any) -> None:
    """Of two that want to lead to each other one is told, at whatever moment they ask."""
    one, two = cell(engine, "counter"), cell(engine, "counter")

    def configure(index: int) -> None:
        mine, theirs = (one, two) if index % 2 else (two, one)
        for _ in range(TIMES[engine.NAME] // 4):
            try:
                mine.configure("counter", next=theirs)
            except ValueError:
                assert theirs.next is not theirs
            mine.add(1)  # would go round for ever
            mine.configure("counter")

    in_threads(configure, 4)


def test_family_is_prepared_and_shown_at_once(engine: Any) -> None:
    """Each series is there once, and no page has half of one."""
    shown, one = family(engine, "counter", "c"), cell(engine, "counter")
    one.add(3)
    number = TIMES[engine.NAME] // 10
    shape = shown.shape("counter", ("desk", "x"), ("n",), ())
    added = [0] * THREADS

    def prepare(index: int) -> None:
        for n in range(number):
            shown.shape("counter", ("desk", f"{index % 2}"), ("n", f"k{n % 20}"), ())
            added[index] += shown.add(shape, (f"{n}é",), one)

    def show(_number: int) -> None:
        for line in page(engine, [shown]).decode().splitlines()[1:]:
            assert line.startswith('c_total{desk="x",n="')
            assert line.endswith('é"} 3')

    if engine.NAME == "python":
        prepare(0)  # prepared by one thread at a time
        show(0)
    else:
        meanwhile(prepare, show)
    assert number == sum(added) == len(shown)


def test_refusals_of_all_threads_are_counted_and_told_once(engine: Any) -> None:
    """A cell tells a reason to the hook once, whichever thread it comes from."""
    told: list[tuple[str, str]] = []
    engine.set_refusal_hook(lambda why, name, value: told.append((why, name)))
    made = cell(engine, "counter")
    times = TIMES[engine.NAME]
    in_threads(lambda index: [made.add(wrong) for _ in range(times) for wrong in (-1, "x")], THREADS)
    assert {"negative": THREADS * times, "not_a_number": THREADS * times} == refused(engine)
    assert [("negative", "order.latency"), ("not_a_number", "order.latency")] == sorted(told)
