"""What a span costs the caller, beside the SDK's and native peers, in one interleaved run.

python benchmarks/spans.py [--rounds N] [--json]

A span with three attributes begins in a `with` block, is the current one in it, and ends. Main-thread processor time:
what the SDK's batch processor and the peers do in threads of their own is not in it. Ours is encoded when it ends; what
waits is taken between the rounds as the pump takes it, and is a row of its own, as is the SDK's encoder over 512 spans.
`our tracer` is that of `otel_trading.init()` with its sampler, that keeps all; unsampled it does not record, or is held
(`keep_errors`): alone, where it is let go, or below a span that is open, where it waits for that one. The rows of the
engines are without the API's methods, those of CPython what such a block costs without any tracer. Below stand the
promises with what came of them; a missed one does not change the exit code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

from hotpath_loops import Loop, loop
from interleaved import Samples, Target, main, timed, yardstick
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from span_peers import ATTACH, BATCH, CURRENT, FASTOTEL, PYTRACINGX, UNSAMPLED, peers, sdk_encoding

from otel_trading import sdk
from otel_trading.hotpath import EngineMissing, choose
from otel_trading.hotpath.chosen import engine as chosen
from otel_trading.traces.keeping import NOTHING_KEPT, Keeping
from otel_trading.traces.readable import KINDS
from otel_trading.traces.recording import RecordingTracerProvider
from otel_trading.traces.sampler import TradingSampler

QUICK, SLOW = 5000, 500
"""Repetitions a round: of what costs hundreds of nanoseconds, and of what costs microseconds."""

LIMITS: dict[str, int | None] = {
    "attributes": 128, "events": 128, "links": 128, "event_attributes": 128, "link_attributes": 128,
    "attribute_length": None,
}  # fmt: skip
OURS = "our tracer"
HELD, HELD_BELOW = "our tracer, unsampled and held", "our tracer, held below another"
TWIN = "python: tracer"
ENCODED, OUR_ENCODED = "SDK, batch processor, and encoded", "our tracer, and made a request"
MOST_BYTES = 150

TARGETS = [
    Target("sampled, SDK with batch processor / ours", BATCH, OURS, 30),
    Target("with the bytes that are sent, SDK / ours", ENCODED, OUR_ENCODED, 60),
    Target("sampled, fastotel / ours", FASTOTEL, OURS, 30),
    Target("sampled, pytracingx / ours", PYTRACINGX, OURS, 4),
    Target("unsampled, SDK / ours", UNSAMPLED, "our tracer, unsampled", 20),
    Target("sampled, SDK with batch processor / twin", BATCH, TWIN, 10),
    Target("attach and detach, opentelemetry.context / ours", ATTACH, "native: attach, detach", 3),
]


def ours(arena: Any, ratio: float, keeping: Keeping = NOTHING_KEPT) -> Loop:
    """The tracer of applications, with the sampler that keeps this share."""
    lane: Any = SimpleNamespace(arena=arena)
    provider = RecordingTracerProvider(
        Resource({}), TradingSampler(default_ratio=ratio, always=()), LIMITS, lane, None, keeping
    )
    name = "order.submit" if ratio else "quote.update"
    return loop(CURRENT.replace("order.submit", name), start=provider.get_tracer("bench").start_as_current_span)


def held_below(arena: Any) -> Loop:
    """Under a span that is open, so that each waits for it."""
    run = ours(arena, 0.0, Keeping(errors=True))
    lane: Any = SimpleNamespace(arena=arena)
    above = RecordingTracerProvider(
        Resource({}), TradingSampler(default_ratio=0), LIMITS, lane, None, Keeping(errors=True)
    )

    def below(times: int) -> None:
        with above.get_tracer("bench").start_as_current_span("above"):
            run(times)

    return below


def floor() -> dict[str, Loop]:
    """What CPython itself takes of such a block, whoever makes the span: no tracer is below their sum."""
    variable: ContextVar[Any] = ContextVar("bench")
    return {
        "CPython: a dict of three": loop(CURRENT.partition("attributes=")[2].partition("):")[0]),
        "CPython: ContextVar set, reset": loop("reset(set(1))", reset=variable.reset, set=variable.set),
    }


def of_engine(engine: Any, arena: Any) -> dict[str, Loop]:
    """Name to loop."""
    variable, key, _ = sdk.current_context()
    engine.set_current(variable, Context, key)
    engine.Tracer.set_kinds(KINDS)
    tracer = engine.Tracer()
    tracer.direct(engine.Recorder(arena, b""), TradingSampler().native(engine))
    begin = engine.Recorder(arena, b"").begin
    given = CURRENT.partition("start(")[2].partition("):")[0]
    return {
        "tracer": loop(CURRENT, start=tracer.start_as_current_span),
        "span alone": loop(f"begin({given}).end()", begin=begin),
        "span alone, no attributes": loop("begin('order.submit').end()", begin=begin),
        "attach, detach": loop(
            "detach(attach(context))", attach=engine.attach, detach=engine.detach, context=Context({"a": 1})
        ),
    }


def taking(arena: Any) -> Callable[[], int]:
    """Takes all that waits, makes it one request's bytes, and tells how many spans that were."""

    def take() -> int:
        items, parts = 0, []
        while (chunk := arena.take()) is not None:
            items += chunk[1]
            parts.append(chunk[2])
        b"".join(parts)
        return items

    return take


def measure(rounds: int) -> Samples:
    """Times all of them."""
    arena = chosen.Arena(1 << 20, 1 << 28)
    named = yardstick()
    named |= {name: (run, QUICK) for name, run in floor().items()}
    named |= {name: (run, SLOW) for name, run in peers().items()}
    named |= {OURS: (ours(arena, 1.0), QUICK), f"{OURS}, unsampled": (ours(arena, 0.0), QUICK)}
    named |= {HELD: (ours(arena, 0.0, Keeping(errors=True)), QUICK), HELD_BELOW: (held_below(arena), QUICK)}
    passes: dict[str, Callable[[], int]] = {"SDK: encoded": sdk_encoding(), "ours: made a request": taking(arena)}
    for which, times in (("native", QUICK), ("python", SLOW)):
        try:
            engine: Any = choose(which)  # type: ignore[arg-type]  # two of three
        except EngineMissing as error:
            sys.stderr.write(f"{error}\n")
            continue
        space = engine.Arena(1 << 20, 1 << 28)
        named |= {f"{which}: {name}": (run, times) for name, run in of_engine(engine, space).items()}
        passes[f"{which}: taken"] = taking(space)
    samples = timed(named, rounds, passes)
    samples[ENCODED] = [a + b for a, b in zip(samples[BATCH], samples["SDK: encoded"], strict=True)]
    samples[OUR_ENCODED] = [a + b for a, b in zip(samples[OURS], samples["ours: made a request"], strict=True)]
    return samples


def queued_bytes() -> float:
    """Of a span with three attributes that waits; the collector tracks none of it, which tests/hotpath shows."""
    arena = chosen.Arena(1 << 20, 1 << 28)
    ours(arena, 1.0)(10_000)
    books = arena.books()
    return float(books["queued_bytes"] / books["queued"])


def memory() -> list[dict[str, Any]]:
    """What is promised of it."""
    size = queued_bytes()
    told = {"operation": "bytes of a queued span", "target": f"<= {MOST_BYTES}", "result": size}
    return [{**told, "met": size <= MOST_BYTES}]


if __name__ == "__main__":
    raise SystemExit(main(__doc__, measure, TARGETS, memory))
