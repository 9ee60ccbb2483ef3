"""What a record into a cell costs the caller, as ratios to `abs(1.0)` bound to a local, taken in one interleaved run.

python benchmarks/hotpath.py [--rounds N] [--json]

Each operation is a loop of its own over a call that is bound to a local, so that each is specialised alone by CPython.
A round times every operation once, in turn, so that a busy machine slows all of them alike. Printed are the median over
the rounds and its quartiles, main-thread CPU time, the loop included (shown as a row of its own); the ratio is of
medians. The added cost of a timed call is the difference of two medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, Histogram

from otel_trading.hotpath import EngineMissing, choose

BOUNDS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1e3, 2.5e3, 5e3, 1e4, 2.5e4, 5e4, 1e5, 2.5e5, 5e5, 1e6, 1e7)
ATTRIBUTES = {"venue": "binance", "side": "buy"}
YARDSTICK = "abs(1.0)"
Loop = Callable[[int], None]


def loop(statement: str, setup: str = "", **names: Any) -> Loop:
    """A function of the number of repetitions; `names` are its locals."""
    given = ", ".join(f"{name}={name}" for name in names)
    lines = f"def run(times, *, {given}):\n {setup or 'pass'}\n for _ in range(times):\n  {statement}\n"
    space = dict(names)
    exec(lines.replace(", *, )", ")"), space)
    return space["run"]


def awaited(function: Any) -> Loop:
    """Awaits it without an event loop: nothing is waited for."""

    async def main(times: int) -> None:
        for _ in range(times):
            await function(1)

    def run(times: int) -> None:
        try:
            main(times).send(None)
        except StopIteration:
            return

    return run


def echo(value: int) -> int:
    """Returns what it gets."""
    return value


async def aecho(value: int) -> int:
    """Returns what it gets."""
    return value


def closure(handle: Any, now: Callable[[], int]) -> Callable[[int], int]:
    """What a decorator in Python makes."""

    def measured(*args: Any, **kwargs: Any) -> Any:
        start_ns = now()
        try:
            return echo(*args, **kwargs)
        finally:
            handle.record_since(start_ns)

    return measured


def of_engine(engine: Any, times: int) -> dict[str, tuple[Loop, int]]:
    """The operations of a native or Python cell."""

    def cell(kind: str = "explicit", **what: Any) -> Any:
        made = engine.Cell("bench")
        made.configure(kind, bounds=engine.Bounds(BOUNDS), per_ns=1e-3, **what)
        return made

    name = engine.NAME
    table = engine.Table(lambda attributes: cell())
    linear = engine.Cell("bench")
    bounds = tuple(2**octave * (1 + part / 16) for octave in range(20) for part in range(16))
    linear.configure("explicit", bounds=engine.Bounds(bounds, 16))
    record = "call(1234.5)"
    found = {
        "counter add(1)": loop("call(1)", call=cell("counter").add),
        "record(int), 20 bounds": loop("call(1234)", call=cell().record),
        "record(float), 20 bounds": loop(record, call=cell().record),
        "record(float), log-linear": loop(record, call=linear.record),
        "record(float), exponential, scale 3": loop(record, call=cell("exponential", max_scale=3).record),
        "record(float), exponential, scale 20": loop(record, call=cell("exponential").record),
        "record(float), armed, no span": loop(record, call=cell(exemplars=True).record),
        "unbound, no attributes": loop(record, call=table.record),
        "unbound, prebuilt dict of 2": loop("call(1234.5, two)", call=table.record, two=dict(ATTRIBUTES)),
        "unbound, literal dict of 2": loop(
            "call(1234.5, {'venue': 'binance', 'side': side})", call=table.record, side="buy"
        ),
        "now()": loop("call()", call=engine.now),
        "t = now(); record_since(t)": loop("t = now(); call(t)", now=engine.now, call=cell().record_since),
        "with time()": loop("with time(): pass", time=cell().time),
        "timed f(x)": loop("call(1)", call=cell().wrap(echo)),
        "timed await f(x)": awaited(cell().wrap(aecho, True)),
        "Python wrapper f(x)": loop("call(1)", call=closure(cell(), engine.now)),
    }
    return {f"{name}: {operation}": (run, times) for operation, run in found.items()}


def operations() -> dict[str, tuple[Loop, int]]:
    """Name to loop and repetitions a round."""
    stock = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False).get_meter("stock")
    stock_histogram = stock.create_histogram("h", explicit_bucket_boundaries_advisory=BOUNDS)
    stock_counter = stock.create_counter("c")
    client = Histogram("h", "h", ["venue", "side"], buckets=BOUNDS, registry=CollectorRegistry())
    bound = client.labels("binance", "buy")
    named: dict[str, tuple[Loop, int]] = {
        YARDSTICK: (loop("call(1.0)", call=abs), 20_000),
        "empty loop": (loop("pass"), 20_000),
        "f(x)": (loop("call(1)", call=echo), 20_000),
        "await f(x)": (awaited(aecho), 20_000),
        "SDK: histogram.record, 2 attributes": (
            loop("call(1234.5, two)", call=stock_histogram.record, two=dict(ATTRIBUTES)),
            200,
        ),
        "SDK: counter.add, 2 attributes": (loop("call(1, two)", call=stock_counter.add, two=dict(ATTRIBUTES)), 200),
        "prometheus_client: bound observe": (loop("call(1234.5)", call=bound.observe), 1000),
        "prometheus_client: labels().observe": (
            loop("call('binance', 'buy').observe(1234.5)", call=client.labels),
            500,
        ),
        "prometheus_client: with bound time()": (loop("with time(): pass", time=bound.time), 500),
    }
    try:
        named |= of_engine(choose("native"), 20_000)
    except EngineMissing as error:
        sys.stderr.write(f"{error}\n")
    return named | of_engine(choose("python"), 1000)


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
    """Quartiles and ratios."""
    medians = {name: statistics.median(values) for name, values in samples.items()}
    yardstick = medians[YARDSTICK]
    rows = []
    for name, values in samples.items():
        low, median, high = statistics.quantiles(values, n=4)
        rows.append({"operation": name, "ns": median, "low_ns": low, "high_ns": high, "x_abs": median / yardstick})
    for engine in ("native", "python"):
        for what, plain in (
            ("timed f(x)", "f(x)"),
            ("timed await f(x)", "await f(x)"),
            ("Python wrapper f(x)", "f(x)"),
        ):
            if (measured := medians.get(f"{engine}: {what}")) is not None:
                added = measured - medians[plain]
                rows.append({"operation": f"{engine}: {what}, added", "ns": added, "x_abs": added / yardstick})
    return rows


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=50, help="interleaved rounds (default 50)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()
    rows = rows_of(measure(max(2, arguments.rounds)))
    if arguments.json:
        print(json.dumps({"python": sys.version.split()[0], "rounds": arguments.rounds, "rows": rows}))
        return 0
    print(f"{'operation':48} {'ns':>8} {'quartiles':>17} {'x abs':>8}")
    for row in rows:
        quartiles = f"{row['low_ns']:.1f} - {row['high_ns']:.1f}" if "low_ns" in row else ""
        print(f"{row['operation']:48} {row['ns']:8.1f} {quartiles:>17} {row['x_abs']:8.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
