"""What threads cost each other: nanoseconds of a record if they share a cell or a table, and if they do not.

python benchmarks/contention.py [--threads N] [--rounds N] [--engine native|python]

`python -m tools.free_threaded benchmarks/contention.py` runs it on a Python without its global lock. With the lock
threads take turns, and all of their time is in the wall time. All rows are measured in each round, one after the other,
and the medians are shown: wall time of a round divided by what one thread did in it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from otel_trading.hotpath import choose

TIMES = 300_000
"""Records of a thread in a round; of the twin a twentieth."""

BOUNDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

YARDSTICK = "abs(1.0), 1 thread"

Work = Callable[[int], None]


def loop(call: Callable[..., object], *arguments: object) -> Work:
    """Makes so many calls; a function of its own, so that no two threads share one that CPython specialises."""
    space: dict[str, Any] = {}
    given = ", ".join(f"a{number}" for number in range(len(arguments)))
    source = f"def run(times, call=call{''.join(f', a{n}=a{n}' for n in range(len(arguments)))}):\n"
    source += f" for _ in range(times // 10):\n{f'  call({given}){chr(10)}' * 10}"
    exec(source, {"call": call, **{f"a{n}": argument for n, argument in enumerate(arguments)}}, space)
    run: Work = space["run"]
    return run


def literal(table: Any) -> Work:
    """Unbound records with attributes that are written out."""

    def run(times: int) -> None:
        record = table.record
        for _ in range(times):
            record(1.5, {"venue": "binance", "side": "buy"})

    return run


def cell(engine: Any, kind: str = "explicit") -> Any:
    """A histogram, or a counter."""
    made = engine.Cell("order.latency")
    made.configure(kind, bounds=engine.Bounds(BOUNDS))
    return made


def table(engine: Any) -> Any:
    """One that knows one set."""
    made = cell(engine)
    return engine.Table(lambda attributes: made)


def rows(engine: Any, threads: int) -> dict[str, list[Work]]:
    """What each thread does, by row."""
    shared, counter, unbound = cell(engine), cell(engine, "counter"), table(engine)
    attributes = {"venue": "binance", "side": "buy"}
    each = range(threads)
    return {
        YARDSTICK: [loop(abs, 1.5)],
        f"abs(1.0), {threads} threads": [loop(abs, 1.5) for _ in each],
        "histogram.record, 1 thread": [loop(shared.record, 1.5)],
        f"histogram.record, {threads} threads, a cell each": [loop(cell(engine).record, 1.5) for _ in each],
        f"histogram.record, {threads} threads, one cell": [loop(shared.record, 1.5) for _ in each],
        "counter.add, 1 thread": [loop(counter.add, 1)],
        f"counter.add, {threads} threads, a cell each": [loop(cell(engine, "counter").add, 1) for _ in each],
        f"counter.add, {threads} threads, one cell": [loop(counter.add, 1) for _ in each],
        "unbound, literal dict, 1 thread": [literal(unbound)],
        f"unbound, literal dict, {threads} threads, a table each": [literal(table(engine)) for _ in each],
        f"unbound, literal dict, {threads} threads, one table": [literal(unbound) for _ in each],
        f"unbound, one dict for {threads} threads, one table": [loop(unbound.record, 1.5, attributes) for _ in each],
    }


def took_ns(works: list[Work], times: int) -> float:
    """Wall time of all threads, by what one of them did."""
    barrier = threading.Barrier(len(works) + 1)

    def run(work: Work) -> None:
        barrier.wait()
        work(times)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    barrier.wait()
    began = time.perf_counter_ns()
    for thread in threads:
        thread.join()
    return (time.perf_counter_ns() - began) / times


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--engine", choices=("native", "python"), default="native")
    arguments = parser.parse_args()
    engine = choose(arguments.engine)
    times = TIMES if engine.NAME == "native" else TIMES // 20
    measured = rows(engine, arguments.threads)
    found: dict[str, list[float]] = {name: [] for name in measured}
    for works in measured.values():
        took_ns(works, times // 10)
    for _ in range(arguments.rounds):
        for name, works in measured.items():
            found[name].append(took_ns(works, times))
    locked = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(f"{engine.NAME}, CPython {sys.version.split()[0]}, {'with' if locked else 'without'} its global lock")
    yardstick = statistics.median(found[YARDSTICK])
    for name, took in found.items():
        median = statistics.median(took)
        print(f"{name:58} {median:8.1f} ns {median / yardstick:6.1f} x abs")


if __name__ == "__main__":
    main()
