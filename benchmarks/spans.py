"""What a span costs the caller, as ratios to `abs(1.0)` and beside the SDK's, taken in one interleaved run.

python benchmarks/spans.py [--rounds N] [--json]

Each round times every operation once, in turn, so that a busy machine slows all of them alike; printed are the median
over the rounds and the spread between the quartiles. Main-thread CPU time.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable

from opentelemetry.sdk.trace import TracerProvider

import otel_trading as ot

Operation = Callable[[int], None]


def repeated(call: Callable[[], object]) -> Operation:
    def run(times: int) -> None:
        for _ in range(times):
            call()

    return run


def operations() -> dict[str, tuple[Operation, int]]:
    """Name to operation and repetitions a round."""
    one = 1.0
    stock_tracer = TracerProvider(shutdown_on_exit=False).get_tracer("stock")
    tracer = ot.tracer()

    def stock_span() -> None:
        with stock_tracer.start_as_current_span("order.submit"):
            pass

    def our_span() -> None:
        with tracer.start_as_current_span("order.submit"):
            pass

    return {
        "abs(1.0)": (repeated(lambda: abs(one)), 20000),
        "stock span": (repeated(stock_span), 200),
        "our span": (repeated(our_span), 200),
    }


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=60, help="interleaved rounds (default 60)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()
    with ot.init(
        "bench",
        traces_exporter="none",
        metrics_exporter="none",
        logs_exporter="none",
        stdout="off",
    ):
        named = operations()
        samples: dict[str, list[float]] = {name: [] for name in named}
        for number in range(arguments.rounds):
            for name, (operation, times) in named.items():
                began = time.thread_time_ns()
                operation(times)
                samples[name].append((time.thread_time_ns() - began) / times)
            if sys.stderr.isatty():
                sys.stderr.write(f"\rround {number + 1} of {arguments.rounds}")
    yardstick = statistics.median(samples["abs(1.0)"])
    rows = []
    for name, values in samples.items():
        low, median, high = statistics.quantiles(values, n=4)
        rows.append(
            {"operation": name, "ns": round(median), "spread_ns": round(high - low), "x_abs": median / yardstick}
        )
    if arguments.json:
        print(json.dumps(rows))
    else:
        print(f"\n{'operation':40} {'ns':>8} {'spread':>8} {'x abs':>8}")
        for row in rows:
            print(f"{row['operation']:40} {row['ns']:8} {row['spread_ns']:8} {row['x_abs']:8.1f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
