"""What a sampling decision costs: native, twin, the definition in Python, and the SDK's, in one interleaved run.

python benchmarks/sampler.py [--rounds N] [--json]

The engines are asked from Python, so that a call and the answer's tuple are in each row; the tracer asks the native one
from C. `no decision` is the same call with a name that is no text, which is handed back at once: what is above it is
the decision and the answer. Main-thread processor time. Below stand the promises with what came of them; a missed one
does not change the exit code.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from typing import Any

from hotpath import rows_of, show
from hotpath_loops import Loop, loop
from hotpath_targets import YARDSTICK, Target
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from otel_trading.hotpath import EngineMissing, choose
from otel_trading.hotpath.sampler_engine import IN_STATE
from otel_trading.traces.sampler import TradingSampler

QUICK, SLOW = 20_000, 500
"""Repetitions a round: of what costs nanoseconds, and of what costs microseconds."""

HIGHEST = (1 << 56) - 1
THREE = {"venue": "binance", "symbol": "BTC-USDT", "side": "buy"}
STATE = "ot=th:8,vendor=abc"
CASES: dict[str, tuple[str, dict[str, str] | None, bool]] = {
    "order, kept always": ("order.submit binance", None, False),
    "tick, not kept": ("md.receive binance", None, False),
    "root, 3 attributes": ("report.daily", THREE, False),
    "child, state of the parent": ("encode", None, True),
}
"""Name, attributes, and whether there is a parent."""
SDK, OURS = "SDK", "definition"
"""ParentBased(TraceIdRatioBased), and TradingSampler.should_sample."""

TARGETS = [
    *(Target(f"{case}: definition / native", f"{OURS}: {case}", f"native: {case}", 30) for case in CASES),
    *(Target(f"{case}: SDK / native", f"{SDK}: {case}", f"native: {case}", 10) for case in CASES),
]


def of_sampler(sampler: Any) -> dict[str, Loop]:
    """The cases, as a tracer asks an SDK sampler."""
    context = SpanContext(HIGHEST, 7, True, TraceFlags(1), TraceState.from_header([STATE]))
    parent = trace.set_span_in_context(NonRecordingSpan(context))
    none = trace.set_span_in_context(trace.INVALID_SPAN)
    call = "ask(parent, 1, name, None, attributes)"
    return {
        case: loop(call, ask=sampler.should_sample, parent=parent if child else none, name=name, attributes=attributes)
        for case, (name, attributes, child) in CASES.items()
    }


def of_engine(engine: Any) -> dict[str, Loop]:
    """The cases, and the call alone."""
    ask = TradingSampler(0.01, 0.5).native(engine).decide
    parent = (True, IN_STATE, STATE)
    call = "ask(name, 1, attributes, 1, parent)"
    loops = {
        case: loop(call, ask=ask, name=name, attributes=attributes, parent=parent if child else None)
        for case, (name, attributes, child) in CASES.items()
    }
    return loops | {"no decision": loop(call, ask=ask, name=b"", attributes=None, parent=None)}


def measure(rounds: int) -> dict[str, list[float]]:
    """Nanoseconds by operation: float[rounds]."""
    named: dict[str, tuple[Loop, int]] = {YARDSTICK: (loop("call(1.0)", call=abs), QUICK)}
    for label, sampler in ((SDK, ParentBased(TraceIdRatioBased(0.5))), (OURS, TradingSampler(0.01, 0.5))):
        named |= {f"{label}: {case}": (run, SLOW) for case, run in of_sampler(sampler).items()}
    for which, times in (("native", QUICK), ("python", SLOW * 4)):
        try:
            engine = choose(which)  # type: ignore[arg-type]  # two of three
        except EngineMissing as error:
            sys.stderr.write(f"{error}\n")
            continue
        named |= {f"{which}: {case}": (run, times) for case, run in of_engine(engine).items()}
    samples: dict[str, list[float]] = {name: [] for name in named}
    for number in range(rounds + 1):
        for name, (run, times) in named.items():
            began = time.thread_time_ns()
            run(times)
            if number:  # the first warms up
                samples[name].append((time.thread_time_ns() - began) / times)
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
