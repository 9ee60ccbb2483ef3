"""What a record into a cell costs the caller, as ratios to `abs(1.0)` bound to a local, taken in one interleaved run.

python benchmarks/hotpath.py [--rounds N] [--json]

Each operation is a loop of its own over a call that is bound to a local (hotpath_loops.py). A round times every
operation once, in turn, so that a busy machine slows all of them alike. Printed are the median over the rounds and its
quartiles, main-thread CPU time, with the loop's share (shown as a row of its own); ratios are of medians. Below stands
each promise of hotpath_targets.py with what came of it; a missed one does not change the exit code.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import Any

from hotpath_loops import Loop, loop
from hotpath_operations import of_engine, plain
from hotpath_peers import peers
from hotpath_targets import TARGETS, YARDSTICK

from otel_trading.hotpath import EngineMissing, choose

QUICK, SLOW = 20_000, 1000
"""Repetitions a round: of what costs nanoseconds, and of what costs hundreds."""


def operations() -> dict[str, tuple[Loop, int]]:
    """Name to loop and repetitions a round."""
    named = {YARDSTICK: (loop("call(1.0)", call=abs), QUICK)}
    named |= {name: (run, QUICK) for name, run in plain().items()}
    named |= {name: (run, SLOW) for name, run in peers().items()}
    try:
        named |= {f"native: {name}": (run, QUICK) for name, run in of_engine(choose("native")).items()}
    except EngineMissing as error:
        sys.stderr.write(f"{error}\n")
    return named | {f"python: {name}": (run, SLOW) for name, run in of_engine(choose("python")).items()}


def measure(rounds: int) -> dict[str, list[float]]:
    """Nanoseconds by operation: float[rounds]."""
    named = operations()
    samples: dict[str, list[float]] = {name: [] for name in named}
    for number in range(rounds + 1):
        for name, (run, times) in named.items():
            began = time.thread_time_ns()
            run(times)
            if number:  # the first warms up
                samples[name].append((time.thread_time_ns() - began) / times)
    return samples


def rows_of(samples: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Quartiles and ratios to the yardstick."""
    yardstick = statistics.median(samples[YARDSTICK])
    rows = []
    for name, values in samples.items():
        low, median, high = statistics.quantiles(values, n=4)
        rows.append({"operation": name, "ns": median, "low_ns": low, "high_ns": high, "x_abs": median / yardstick})
    return rows


def promises_of(samples: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Each promise with the ratio that was found."""
    medians = {name: statistics.median(values) for name, values in samples.items()}
    rows: list[dict[str, Any]] = []
    for target in TARGETS:
        ratio = target.ratio(medians)
        met = None if ratio is None else target.met(ratio)
        limit = f"{'<=' if target.most else '>='} {target.limit:g}"
        rows.append({"operation": target.operation, "target": limit, "result": ratio, "met": met})
    return rows


def show(rows: list[dict[str, Any]], promises: list[dict[str, Any]]) -> None:
    """Both tables."""
    print(f"{'operation':48} {'ns':>8} {'quartiles':>17} {'x abs':>8}")
    for row in rows:
        quartiles = f"{row['low_ns']:.1f} - {row['high_ns']:.1f}"
        print(f"{row['operation']:48} {row['ns']:8.1f} {quartiles:>17} {row['x_abs']:8.2f}")
    print(f"\n{'promise':56} {'target':>8} {'result':>8}")
    for row in promises:
        result = "-" if row["result"] is None else f"{row['result']:.2f}"
        says = {None: "not measured", True: "met", False: "missed"}[row["met"]]
        print(f"{row['operation']:56} {row['target']:>8} {result:>8}  {says}")


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50, help="interleaved rounds (default 50)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    arguments = parser.parse_args()
    samples = measure(max(2, arguments.rounds))
    rows, promises = rows_of(samples), promises_of(samples)
    if arguments.json:
        version = sys.version.split()[0]
        print(json.dumps({"python": version, "rounds": arguments.rounds, "rows": rows, "promises": promises}))
        return 0
    show(rows, promises)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
