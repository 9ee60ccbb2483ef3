"""What a series takes in memory: a histogram of 20 buckets behind two attributes, as the engine keeps it.

python benchmarks/footprint.py [--series N] [--offered N] [--json]

Each engine is measured in a process of its own: resident memory before and after the series were made through a table
and recorded into. Below stands what the parts take, rounded as CPython's allocator rounds them. Attribute values are
made beforehand: they are the application's, and shared by everything that refers to them. `offered` are distinct label
values offered to a table that remembers 2,000.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from otel_trading.hotpath import EngineMissing, choose

BUCKETS = 20
PAGE = os.sysconf("SC_PAGE_SIZE")
TARGET_BYTES, TARGET_OFFERED_MIB = 400, 32


def resident() -> int:
    """Bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def make_series(engine: Any, number: int, exemplars: bool) -> float:
    """Bytes of resident memory a series; each is recorded into five times."""
    bounds = engine.Bounds(range(BUCKETS - 1))
    attributes = [{"venue": "binance", "client": f"client-{index}"} for index in range(number)]

    def factory(given: dict[str, Any]) -> Any:
        made = engine.Cell("order.latency")
        made.configure("explicit", bounds=bounds, per_ns=1e-3, exemplars=exemplars, owner=engine)
        return made

    table = engine.Table(factory, number, "order.latency")
    before = resident()
    for value in (1, 2.5, 7, 100.0, 19):
        for one in attributes:
            table.record(value, one)
    grown = resident() - before
    assert len(table) == number
    return grown / number


def offer(engine: Any, number: int) -> float:
    """MiB more for distinct values beyond the limit, which land in one cell."""
    overflow = engine.Cell("order.latency")
    overflow.configure("explicit", bounds=engine.Bounds(range(BUCKETS - 1)))
    table = engine.Table(lambda given: overflow, 2000, "order.latency")
    for index in range(10_000):
        table.record(1, {"client": f"first-{index}"})
    before = resident()
    for index in range(number):
        table.record(1, {"client": f"client-{index}"})
    assert overflow.snapshot()[0] == number + 10_000
    return (resident() - before) / 2**20


def rounded(size: int) -> int:
    """As CPython's allocator for small objects gives it."""
    return (size + 15) // 16 * 16


def parts(number: int) -> dict[str, int]:
    """Bytes of each part of a native series, calculated."""
    engine: Any = choose("native")
    slots = 16
    while number * 2 >= slots - 1:
        slots *= 2
    return {
        "cell, with what the collector adds": rounded(sys.getsizeof(engine.Cell("c"))),
        "counts, 16 bits each, and a pointer": rounded(8 + 2 * BUCKETS),
        "a byte a bucket for exemplars": rounded(8 + 3 * BUCKETS) - rounded(8 + 2 * BUCKETS),
        "table entry: hash, cell, two pairs": rounded(16 + 2 * 16),
        "place in the table": slots * 8 // number,
    }


def measured(name: str, series: int, offered: int) -> dict[str, float]:
    """In a process of its own for each figure."""
    found: dict[str, float] = {}
    for what, given in (("series", series), ("armed", series), ("offered", offered)):
        command = [sys.executable, __file__, "--only", f"{name}:{what}:{given}"]
        found[what] = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def only(asked: str) -> float:
    """One figure, in this process."""
    name, what, number = asked.split(":")
    engine = choose("native" if name == "native" else "python")
    return offer(engine, int(number)) if what == "offered" else make_series(engine, int(number), what == "armed")


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--offered", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(only(arguments.only))
        return 0
    try:
        found = {name: measured(name, arguments.series, arguments.offered) for name in ("native", "python")}
    except EngineMissing as error:
        raise SystemExit(str(error)) from error
    calculated = parts(arguments.series)
    if arguments.json:
        print(
            json.dumps(
                {"series": arguments.series, "offered": arguments.offered, "resident": found, "parts": calculated}
            )
        )
        return 0
    print(f"{'resident memory':52} {'native':>10} {'python':>10} {'target':>10}")
    for what, says, target in (
        ("series", f"bytes a series, {arguments.series:,} of them", TARGET_BYTES),
        ("armed", "the same with exemplars", TARGET_BYTES),
        ("offered", f"MiB more for {arguments.offered:,} label values offered", TARGET_OFFERED_MIB),
    ):
        print(f"{says:52} {found['native'][what]:10.1f} {found['python'][what]:10.1f} {f'<= {target}':>10}")
    print("\nof a native series, calculated, in bytes")
    for part, size in calculated.items():
        print(f"{part:52} {size:10}")
    print(f"{'together':52} {sum(calculated.values()):10}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
