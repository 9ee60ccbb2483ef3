"""What a record into a cell costs the caller, as ratios to `abs(1.0)` bound to a local, taken in one interleaved run.

python benchmarks/hotpath.py [--rounds N] [--json]

Each operation is a loop of its own over a call that is bound to a local (hotpath_loops.py). A round times every
operation once, in turn, so that a busy machine slows all of them alike. Printed are the median over the rounds and its
quartiles, main-thread CPU time, with the loop's share (shown as a row of its own); ratios are of medians. Below stands
each promise of hotpath_targets.py with what came of it; a missed one does not change the exit code.
"""

from __future__ import annotations

import sys

from hotpath_loops import Loop
from hotpath_operations import of_engine, plain
from hotpath_peers import peers
from hotpath_targets import TARGETS
from interleaved import QUICK, Samples, main, timed, yardstick

from otel_trading.hotpath import EngineMissing, choose

SLOW = 1000
"""Repetitions a round of what costs hundreds of nanoseconds."""


def operations() -> dict[str, tuple[Loop, int]]:
    """Name to loop and repetitions a round."""
    named = yardstick()
    named |= {name: (run, QUICK) for name, run in plain().items()}
    named |= {name: (run, SLOW) for name, run in peers().items()}
    try:
        named |= {f"native: {name}": (run, QUICK) for name, run in of_engine(choose("native")).items()}
    except EngineMissing as error:
        sys.stderr.write(f"{error}\n")
    return named | {f"python: {name}": (run, SLOW) for name, run in of_engine(choose("python")).items()}


def measure(rounds: int) -> Samples:
    """Times all of them."""
    return timed(operations(), rounds)


if __name__ == "__main__":
    raise SystemExit(main(__doc__, measure, TARGETS))
