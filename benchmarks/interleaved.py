"""Operations side by side in one interleaved run: how they are timed, judged and printed.

A round times every operation once, in turn, so that a busy machine slows all of them alike. It is processor time of the
thread that measures; the first round warms up. Ratios are of medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hotpath_loops import Loop, loop

YARDSTICK = "abs(1.0)"
QUICK = 20_000

Samples = dict[str, list[float]]
"""Nanoseconds of one repetition by operation: float[rounds]."""


@dataclass(frozen=True)
class Target:
    """One promise.

    Attributes:
        operation: what is promised, in words.
        above: operations of which one costs `over` at most, or at least, `limit` times as much.
        over: the other one.
        most: the limit is the largest ratio that will do; else the least.
        plain: taken off both first: the cost that is added.
    """

    operation: str
    above: str
    over: str
    limit: float
    most: bool = False
    plain: str | None = None
    plain_over: str | None = None

    def ratio(self, medians: Mapping[str, float]) -> float | None:
        """None if one of them was not measured."""
        if self.above not in medians or self.over not in medians:
            return None
        above = medians[self.above] - (medians[self.plain] if self.plain else 0.0)
        over = medians[self.over] - (medians[self.plain_over] if self.plain_over else 0.0)
        return above / over

    def judged(self, samples: Samples) -> dict[str, Any]:
        """The row of what came of it."""
        ratio = self.ratio({name: statistics.median(values) for name, values in samples.items()})
        limit = f"{'<=' if self.most else '>='} {self.limit:g}"
        met = None if ratio is None else ratio <= self.limit if self.most else ratio >= self.limit
        return {"operation": self.operation, "target": limit, "result": ratio, "met": met}


def yardstick(times: int = QUICK) -> dict[str, tuple[Loop, int]]:
    """What everything else is compared with."""
    return {YARDSTICK: (loop("call(1.0)", call=abs), times)}


def timed(
    named: Mapping[str, tuple[Loop, int]], rounds: int, passes: Mapping[str, Callable[[], int]] | None = None
) -> Samples:
    """Times everything so often.

    Args:
        named: loops with their repetitions a round.
        rounds: how often.
        passes: what runs behind them in each round, and tells how many items it worked on.
    """
    runs: dict[str, Callable[[], int]] = {name: _repeated(*given) for name, given in named.items()}
    runs |= passes or {}
    samples: Samples = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            began = time.thread_time_ns()
            items = run()
            if number:
                samples[name].append((time.thread_time_ns() - began) / items)
    return samples


def _repeated(run: Loop, times: int) -> Callable[[], int]:
    def once() -> int:
        run(times)
        return times

    return once


def rows_of(samples: Samples) -> list[dict[str, Any]]:
    """Quartiles and ratios to the yardstick."""
    unit = statistics.median(samples[YARDSTICK])
    rows = []
    for name, values in samples.items():
        low, median, high = statistics.quantiles(values, n=4)
        rows.append({"operation": name, "ns": median, "low_ns": low, "high_ns": high, "x_abs": median / unit})
    return rows


def show(rows: Iterable[dict[str, Any]], promises: Iterable[dict[str, Any]]) -> None:
    """Both tables; the second only if anything is promised."""
    print(f"{'operation':48} {'ns':>8} {'quartiles':>17} {'x abs':>8}")
    for row in rows:
        quartiles = f"{row['low_ns']:.1f} - {row['high_ns']:.1f}"
        print(f"{row['operation']:48} {row['ns']:8.1f} {quartiles:>17} {row['x_abs']:8.2f}")
    for number, row in enumerate(promises):
        if not number:
            print(f"\n{'promise':56} {'target':>8} {'result':>8}")
        result = "-" if row["result"] is None else f"{row['result']:.2f}"
        says = {None: "not measured", True: "met", False: "missed"}[row["met"]]
        print(f"{row['operation']:56} {row['target']:>8} {result:>8}  {says}")


def main(
    about: str | None,
    measure: Callable[[int], Samples],
    targets: Iterable[Target] = (),
    more: Callable[[], list[dict[str, Any]]] = list,
) -> int:
    """Reads the command line, runs and prints.

    Args:
        about: for `--help`.
        measure: runs so many rounds.
        targets: what is promised of them.
        more: makes rows of promises that are no ratios.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50, help="interleaved rounds (default 50)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    arguments = parser.parse_args()
    samples = measure(max(2, arguments.rounds))
    rows, promises = rows_of(samples), [*(target.judged(samples) for target in targets), *more()]
    if arguments.json:
        from otel_trading.metrics.engine import engine

        told = {"python": sys.version.split()[0], "engine": engine.NAME, "rounds": arguments.rounds}
        print(json.dumps({**told, "rows": rows, "promises": promises}))
    else:
        show(rows, promises)
    return 0
