"""What a span costs the caller in the recorders of both engines, beside the SDK's, in one interleaved run.

python benchmarks/span_recorder.py [--rounds N] [--json]

A span is begun, told three attributes, and ended; the SDK's goes to a processor that does nothing, or to the batch
processor with an exporter that does nothing. Main-thread processor time: what the batch processor's own thread costs is
not in it, and neither is what encodes its spans later; ours are encoded when they end. What waits is taken between the
rounds, as a worker would, and is a row of its own. Below stand the promises with what came of them; a missed one does
not change the exit code.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from hotpath import rows_of, show
from hotpath_loops import Loop, loop
from hotpath_targets import YARDSTICK, Target
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from otel_trading.hotpath import EngineMissing, choose

QUICK, SLOW = 20_000, 1000
"""Repetitions a round: of what costs nanoseconds, and of what costs microseconds."""

TOLD = "s = begin('order.submit'); t = s.set_attribute; t('venue', 'binance'); t('side', 'buy'); t('qty', 5); s.end()"
GIVEN = "begin('order.submit', attributes={'venue': 'binance', 'side': 'buy', 'qty': 5}).end()"
BARE = "begin('order.submit').end()"
BATCH = "SDK, batch processor: 3 attributes"
SDK = "SDK, no-op processor: 3 attributes"

TARGETS = [
    Target("native span, SDK with batch processor / ours", BATCH, "native: 3 attributes", 30),
    Target("native span, SDK with no-op processor / ours", SDK, "native: 3 attributes", 30),
    Target("Python twin, SDK with batch processor / ours", BATCH, "python: 3 attributes", 10),
]


class NoExporter(SpanExporter):
    """Delivers at once, to nobody."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Says that all is well."""
        return SpanExportResult.SUCCESS


def of_sdk() -> dict[str, Loop]:
    """The SDK's span with each processor."""
    named = {}
    for processor, name in ((SpanProcessor(), SDK), (BatchSpanProcessor(NoExporter(), 1 << 15), BATCH)):
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(processor)
        named[name] = loop(TOLD, begin=provider.get_tracer("bench").start_span)
    return named


def of_engine(engine: Any) -> tuple[dict[str, Loop], Callable[[], int]]:
    """Name to loop, and what takes all that waits and tells how many spans that were."""
    arena = engine.Arena(1 << 20, 1 << 28)
    begin = engine.Recorder(arena, b"").begin

    def take() -> int:
        items = 0
        while (chunk := arena.take()) is not None:
            items += chunk[1]
        return items

    parent = begin("parent")
    return {
        "3 attributes": loop(TOLD, begin=begin),
        "3 attributes in one dict": loop(GIVEN, begin=begin),
        "3 attributes, child": loop(TOLD.replace("submit'", "submit', parent"), begin=begin, parent=parent),
        "no attributes": loop(BARE, begin=begin),
    }, take


def measure(rounds: int) -> dict[str, list[float]]:
    """Nanoseconds by operation: float[rounds]."""
    named: dict[str, tuple[Loop, int]] = {YARDSTICK: (loop("call(1.0)", call=abs), QUICK)}
    named |= {name: (run, SLOW) for name, run in of_sdk().items()}
    takes: dict[str, Callable[[], int]] = {}
    for which, times in (("native", QUICK // 4), ("python", SLOW)):
        try:
            loops, takes[f"{which}: taken, a span"] = of_engine(choose(which))  # type: ignore[arg-type]  # two of three
        except EngineMissing as error:
            sys.stderr.write(f"{error}\n")
            continue
        named |= {f"{which}: {name}": (run, times) for name, run in loops.items()}
    samples: dict[str, list[float]] = {name: [] for name in (*named, *takes)}
    for number in range(rounds + 1):
        for name, (run, times) in named.items():
            began = time.thread_time_ns()
            run(times)
            if number:  # the first warms up
                samples[name].append((time.thread_time_ns() - began) / times)
        for name, take in takes.items():
            began = time.thread_time_ns()
            items = take()
            if number:
                samples[name].append((time.thread_time_ns() - began) / items)
    return samples


def promises_of(samples: dict[str, list[float]]) -> list[dict[str, Any]]:
    """Each promise with the ratio that was found."""
    medians = {name: statistics.median(values) for name, values in samples.items()}
    rows: list[dict[str, Any]] = []
    for target in TARGETS:
        ratio = target.ratio(medians)
        met = None if ratio is None else target.met(ratio)
        rows.append({"operation": target.operation, "target": f">= {target.limit:g}", "result": ratio, "met": met})
    return rows


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
