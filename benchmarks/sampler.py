"""What a sampling decision costs: native, twin, the definition in Python, and the SDK's, in one interleaved run.

python benchmarks/sampler.py [--rounds N] [--json]

The engines are asked from Python, so that a call and the answer's tuple are in each row; the tracer asks the native one
from C. `no decision` is the same call with a name that is no text, which is handed back at once: what is above it is
the decision and the answer. Main-thread processor time. Below stand the promises with what came of them; a missed one
does not change the exit code.
"""

from __future__ import annotations

import sys
from typing import Any

from hotpath_loops import Loop, loop
from interleaved import QUICK, Samples, Target, main, timed, yardstick
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from otel_trading.hotpath import EngineMissing, choose
from otel_trading.hotpath.sampler_engine import IN_STATE
from otel_trading.traces.sampler import TradingSampler

SLOW = 500
"""Repetitions a round of what costs microseconds."""

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


def measure(rounds: int) -> Samples:
    """Times all of them."""
    named = yardstick()
    for label, sampler in ((SDK, ParentBased(TraceIdRatioBased(0.5))), (OURS, TradingSampler(0.01, 0.5))):
        named |= {f"{label}: {case}": (run, SLOW) for case, run in of_sampler(sampler).items()}
    for which, times in (("native", QUICK), ("python", SLOW * 4)):
        try:
            engine = choose(which)  # type: ignore[arg-type]  # two of three
        except EngineMissing as error:
            sys.stderr.write(f"{error}\n")
            continue
        named |= {f"{which}: {case}": (run, times) for case, run in of_engine(engine).items()}
    return timed(named, rounds)


if __name__ == "__main__":
    raise SystemExit(main(__doc__, measure, TARGETS))
