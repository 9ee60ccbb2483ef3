"""What telemetry costs in the whole: the demo's pipeline in one process, with telemetry and without.

python benchmarks/pipeline.py [--rounds N] [--events N] [--json]

An event is a tick on its way through market data and signals, and in one of some forty cases as an order through risk
and execution; pipeline_loop.py says how it is made of the demo's own services. Each way of each engine has a process of
its own, and a round lets the same events through each of them in turn, so that a busy machine slows all of them alike:

off         telemetry is initialised and exports nothing: spans, logs and metrics are called and do nothing.
empty       the same, but the handles of metrics are functions of the interpreter that do nothing.
metrics     cells behind bound handles, and the endpoint, scraped every half second while events go through.
everything  metrics over OTLP too, traces and logs as the demo has them: each tick is a span; and with 1 % of the ticks.

Printed are microseconds of processor time an event. `thread` is the one that trades; `added` is the median over the
rounds of the difference to `off` in the same round, then its quartiles, and as a share of `off`. `process` is all
threads together, exporters and endpoint included, until everything was sent; receiver and scraper are outside.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from otel_trading.hotpath import EngineMissing, choose

HERE = Path(__file__).parent
WAYS = ("off", "empty", "metrics", "everything, 1 % of ticks traced", "everything")
Key = tuple[str, str]
"""Engine and way."""


@contextmanager
def child(script: str, *arguments: str, engine: str = "auto") -> Iterator[Callable[[str], str]]:
    """A process; gives what writes a line to it, if there is one, and reads a line of it."""
    command = [sys.executable, str(HERE / script), *arguments]
    environment = {**os.environ, "OTEL_TRADING_HOTPATH": engine}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(line: str) -> str:
            assert process.stdin is not None
            assert process.stdout is not None
            if line:
                process.stdin.write(f"{line}\n")
            answer = process.stdout.readline()
            if not answer:
                raise SystemExit(f"{' '.join(command)} ended")
            return answer

        try:
            yield ask
        finally:
            process.stdin.close()
            if script == "pipeline_outside.py":
                process.terminate()


def measure(rounds: int, events: int, told: Callable[[], None]) -> dict[Key, list[dict[str, Any]]]:
    """What each way's turns gave, by round; the first round warms up and is left out."""
    keys = [(engine, way) for engine in engines() for way in WAYS]
    found: dict[Key, list[dict[str, Any]]] = {key: [] for key in keys}
    with ExitStack() as stack:
        outside = stack.enter_context(child("pipeline_outside.py"))("").strip()
        asks = {
            key: stack.enter_context(child("pipeline_loop.py", key[1], outside, str(events), engine=key[0]))
            for key in keys
        }
        for number in range(rounds + 1):
            for key in keys if number % 2 else reversed(keys):
                answer = json.loads(asks[key]("go"))
                if number:
                    found[key].append(answer)
                told()
    return found


def engines() -> list[str]:
    """Those that are here."""
    try:
        choose("native")
    except EngineMissing as error:
        sys.stderr.write(f"{error}\n")
        return ["python"]
    return ["native", "python"]


def rows_of(found: dict[Key, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Medians, what is added with its quartiles, and shares."""
    rows = []
    for (engine, way), turns in found.items():
        row: dict[str, Any] = {"engine": engine, "way": way, "orders": sum(turn["orders"] for turn in turns)}
        row["scrapes"] = sum(turn["scrapes"] for turn in turns)
        for what in ("thread", "process"):
            of_way = [turn[f"{what}_us"] for turn in turns]
            of_off = [turn[f"{what}_us"] for turn in found[engine, "off"]]
            low, added, high = statistics.quantiles(
                [one - other for one, other in zip(of_way, of_off, strict=True)], n=4
            )
            off = statistics.median(of_off)
            row[what] = {
                "us": statistics.median(of_way),
                "added_us": added,
                "low_us": low,
                "high_us": high,
                "share": added / off,
            }
        rows.append(row)
    return rows


def show(rows: list[dict[str, Any]]) -> None:
    """A table."""
    print(f"{'an event of the pipeline':41} {'thread us':>10} {'added':>7} {'quartiles':>15} {'share':>7}", end="")
    print(f" {'process us':>11} {'added':>7} {'share':>7} {'scrapes':>8}")
    for row in rows:
        thread, process = row["thread"], row["process"]
        name = f"{row['engine']}: {row['way']}"
        if row["way"] == "off":
            print(f"{name:41} {thread['us']:10.1f} {'':31} {process['us']:11.1f}")
            continue
        quartiles = f"{thread['low_us']:.1f} - {thread['high_us']:.1f}"
        print(
            f"{name:41} {thread['us']:10.1f} {thread['added_us']:7.1f} {quartiles:>15} {thread['share']:7.1%}", end=""
        )
        print(f" {process['us']:11.1f} {process['added_us']:7.1f} {process['share']:7.1%} {row['scrapes']:8}")


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=80, help="interleaved rounds (default 80)")
    parser.add_argument("--events", type=int, default=1000, help="ticks of a turn (default 1000)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()
    rounds = max(2, arguments.rounds)
    bar = Progress(
        TextColumn("turns"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("", total=(rounds + 1) * len(WAYS) * len(engines()))
        found = measure(rounds, arguments.events, lambda: bar.update(task, advance=1))
    rows = rows_of(found)
    if arguments.json:
        version = sys.version.split()[0]
        print(json.dumps({"python": version, "rounds": rounds, "events": arguments.events, "rows": rows}))
    else:
        show(rows)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
