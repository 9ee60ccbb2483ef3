"""The operations of both engines, as loops."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from random import Random
from typing import Any

from hotpath_loops import Loop, awaited, loop, varied
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

BOUNDS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1e3, 2.5e3, 5e3, 1e4, 2.5e4, 5e4, 1e5, 2.5e5, 5e5, 1e6, 1e7)
ATTRIBUTES = {"venue": "binance", "side": "buy"}
CONTEXT: ContextVar[dict[str, Any]] = ContextVar("CONTEXT")
VARIED = [Random(number).lognormvariate(6, 2) for number in range(1000)]
"""Over all buckets, in no order."""


def echo(value: int) -> int:
    """Returns what it gets."""
    return value


async def aecho(value: int) -> int:
    """Returns what it gets."""
    return value


def closure(handle: Any, now: Callable[[], int]) -> Callable[..., Any]:
    """What a decorator in Python makes."""

    def measured(*args: Any, **kwargs: Any) -> Any:
        start_ns = now()
        try:
            return echo(*args, **kwargs)
        finally:
            handle.record_since(start_ns)

    return measured


def async_closure(handle: Any, now: Callable[[], int]) -> Callable[..., Any]:
    """The same for a coroutine function."""

    async def measured(*args: Any, **kwargs: Any) -> Any:
        start_ns = now()
        try:
            return await aecho(*args, **kwargs)
        finally:
            handle.record_since(start_ns)

    return measured


def plain() -> dict[str, Loop]:
    """What timed calls are compared with."""
    return {
        "empty loop": loop("pass"),
        "abs(varied)": varied(abs, VARIED),
        "f(x)": loop("call(1)", call=echo),
        "await f(x)": awaited(aecho),
    }


def of_engine(engine: Any) -> dict[str, Loop]:
    """Name to loop, over native or Python cells."""

    def cell(kind: str = "explicit", **what: Any) -> Any:
        made = engine.Cell("bench")
        made.configure(kind, bounds=engine.Bounds(BOUNDS), per_ns=1e-3, **what)
        return made

    engine.set_exemplar_hook(lambda *what: True, CONTEXT, "span", ("_context", 3))
    taken = cell(exemplars=True)
    taken.record(1234.5, {"span": 1})
    unsampled = {"span": NonRecordingSpan(SpanContext(1, 2, is_remote=False, trace_flags=TraceFlags(0)))}
    linear = engine.Cell("bench")
    bounds = tuple(2**octave * (1 + part / 16) for octave in range(20) for part in range(16))
    linear.configure("explicit", bounds=engine.Bounds(bounds))
    table = engine.Table(lambda attributes: cell())
    record = "call(1234.5)"
    return {
        "counter add(1)": loop("call(1)", call=cell("counter").add),
        "record(int), 20 bounds": loop("call(1234)", call=cell().record),
        "record(float), 20 bounds": loop(record, call=cell().record),
        "record(varied), 20 bounds": varied(cell().record, VARIED),
        "record(float), log-linear": loop(record, call=linear.record),
        "record(float), exponential, scale 3": loop(record, call=cell("exponential", max_scale=3).record),
        "record(float), exponential, scale 20": loop(record, call=cell("exponential").record),
        "record(float), armed, no span": loop(record, call=cell(exemplars=True).record),
        "record(float), in a span that is not sampled": loop(
            "call(1234.5, context)", call=cell(exemplars=True).record, context=unsampled
        ),
        "record(float), exemplar taken": loop(record, call=taken.record),
        "record(float), dropped": loop(record, call=cell("dropped").record),
        "record(float), passed through": loop(record, call=cell("dropped", next=cell()).record),
        "record(float), forwarded": loop(record, call=cell("forwarded", owner=lambda value, context: None).record),
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
        "Python wrapper await f(x)": awaited(async_closure(cell(), engine.now)),
    }
