"""Whether totals are exact: eight threads, ten million operations each, collections running; and forks under load.

python benchmarks/exactness.py [--threads N] [--operations N] [--forks N] [--engine native|python]

Every thread records its own number into one cell, bound or through a table, while another takes what was recorded or
looks at it; what was taken adds up, and every single reading agrees with itself. Then the process forks so many times
while three threads record. The exit code is 1 if anything was lost, counted twice, torn, or hung. tests/hotpath runs
the same with smaller numbers.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from otel_trading.hotpath import choose

KINDS = ("counter", "explicit", "exponential")
FORK = Path(__file__).resolve().parent.parent / "tests" / "hotpath" / "hotpath_fork.py"
SWITCH_S = 1e-4
"""Threads take turns fifty times as often as usual."""

Reading = tuple[Any, ...]


def make(engine: Any, kind: str) -> Any:
    """A cell of this kind."""
    made = engine.Cell(kind)
    made.configure(kind, bounds=engine.Bounds((1, 2, 3, 4, 5)), max_scale=3)
    return made


def agrees(kind: str, reading: Reading, threads: int) -> bool:
    """Whether a reading is whole in itself."""
    count, total, least, most, detail = reading
    in_buckets = sum(detail) if kind == "explicit" else sum(detail[3]) + detail[1] if kind == "exponential" else count
    within = count <= total <= count * threads
    extremes = kind == "counter" or (least is None if count == 0 else 1 <= least <= most <= threads)
    return bool(within and extremes and in_buckets == count)


def collect(read: Callable[[], Reading], done: threading.Event) -> list[Reading]:
    """Readings until it is done."""
    seen = []
    while not done.wait(0.002):
        seen.append(read())
    return seen


def expected(kind: str, threads: int, operations: int) -> tuple[int, int, Any]:
    """Count, sum and buckets of all that was recorded."""
    numbers = range(1, threads + 1)
    buckets = [sum(operations for number in numbers if bound - 1 < number <= bound) for bound in range(1, 6)]
    rest = sum(operations for number in numbers if number > 5)
    return threads * operations, operations * sum(numbers), (*buckets, rest) if kind == "explicit" else None


def added(readings: list[Reading]) -> tuple[int, int, Any]:
    """Count, sum and explicit buckets of what was taken, piece by piece."""
    details = [reading[4] for reading in readings]
    explicit = details and isinstance(details[0], tuple) and not isinstance(details[0][-1], tuple)
    buckets = tuple(map(sum, zip(*details, strict=True))) if explicit else None
    return sum(reading[0] for reading in readings), sum(reading[1] for reading in readings), buckets


def run(engine: Any, kind: str, taking: bool, bound: bool, threads: int, operations: int) -> bool:
    """Whether all of it came to what it must."""
    cell = make(engine, kind)
    table = engine.Table(lambda attributes: cell)
    done = threading.Event()
    barrier = threading.Barrier(threads)

    def record(number: int) -> None:
        write, attributes = (cell.record, None) if bound else (table.record, {"thread": number})
        barrier.wait()
        for _ in itertools.repeat(None, operations):  # in Python: elsewhere no other thread would get its turn
            write(number, attributes)

    readings: list[Reading] = []
    read = cell.take if taking else cell.snapshot
    collector = threading.Thread(target=lambda: readings.extend(collect(read, done)))
    workers = [threading.Thread(target=record, args=(number + 1,)) for number in range(threads)]
    for thread in (collector, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    done.set()
    collector.join()
    found = added([*readings, cell.take()] if taking else [cell.snapshot()])
    torn = [reading for reading in readings if not agrees(kind, reading, threads)]
    exact = found == expected(kind, threads, operations) and not torn
    how = f"{kind}, {'bound' if bound else 'unbound'}, {'taken' if taking else 'read'} {len(readings)} times"
    print(
        f"{engine.NAME}: {how:45} {found[0]:,} records: {'exact' if exact else f'WRONG, {found}, torn: {torn[:3]}'}",
        flush=True,
    )
    return exact


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--operations", type=int, default=10_000_000, help="of each thread (default 10,000,000)")
    parser.add_argument("--forks", type=int, default=1000)
    parser.add_argument("--engine", choices=("native", "python"), default="native")
    arguments = parser.parse_args()
    engine = choose(arguments.engine)
    sys.setswitchinterval(SWITCH_S)
    exact = [
        run(engine, kind, taking, bound, arguments.threads, arguments.operations)
        for kind in KINDS
        for taking in (False, True)
        for bound in (True, False)
    ]
    began = time.monotonic()
    forked = subprocess.run([sys.executable, str(FORK), engine.NAME, str(arguments.forks)], check=False)
    print(f"{'no hang' if forked.returncode == 0 else 'FAILED'} in {time.monotonic() - began:.0f} s")
    return 0 if all(exact) and forked.returncode == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
