"""What makes recording slow: paths that run Python for each measurement, beside the usual ones, in one interleaved run.

python benchmarks/slow_paths.py [--rounds N] [--json]

Over the provider that `init()` makes, with one cumulative reader unless said otherwise. CPU time of the main thread,
the median over the rounds and its quartiles; ratios to `abs(1.0)` bound to a local are of medians.
"""

from __future__ import annotations

from typing import Any

from hotpath_loops import Loop, loop
from interleaved import QUICK, Samples, main, timed, yardstick
from opentelemetry import context
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, Counter, MeterProvider, SimpleFixedSizeExemplarReservoir
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

import otel_trading as ot
from otel_trading.metrics.cell_provider import CellMeterProvider

TWO = {"venue": "binance", "side": "buy"}
SLOW = 500
"""Repetitions a round of what costs microseconds."""
OVER = 5000
"""Label sets offered in turn; the engine remembers 2,000 of an instrument."""


def provider(*views: Any, readers: int = 1, deltas: int = 0, **more: Any) -> CellMeterProvider:
    """Ours, with as many cumulative readers, and others that take deltas."""
    delta: dict[type, AggregationTemporality] = {Counter: AggregationTemporality.DELTA}
    made = [InMemoryMetricReader() for _ in range(readers)]
    made += [InMemoryMetricReader(preferred_temporality=delta) for _ in range(deltas)]
    return CellMeterProvider(made, shutdown_on_exit=False, views=views, **more)


def counter(given: Any) -> Any:
    """Its instrument."""
    return given.get_meter("bench").create_counter("orders")


def reservoirs(kind: Any) -> Any:
    """Makes a reservoir of two for a series."""
    return lambda **settings: SimpleFixedSizeExemplarReservoir(size=2)


def operations() -> dict[str, tuple[Loop, int]]:
    """Name to loop and repetitions a round."""
    several = provider(View(instrument_name="orders", name="a"), View(instrument_name="orders", name="b"))
    sampled = View(instrument_name="*", exemplar_reservoir_factory=reservoirs)
    choosing = provider(sampled, exemplar_filter=AlwaysOnExemplarFilter())
    foreign = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    kept = ot.HistogramView("latency", keep_attributes=["venue"])
    unbound, many = counter(provider()), counter(provider(cardinality_limit=2 * OVER))
    latency = provider(kept).get_meter("bench").create_histogram("latency")
    latency.bind(TWO)
    bound = "call(1)"
    return {
        **yardstick(),
        "bound": (loop(bound, call=counter(provider()).bind(TWO).add), QUICK),
        "bound, in a sampled span": (in_span(loop(bound, call=counter(provider()).bind(TWO).add), True), QUICK),
        "bound, in a span that is not sampled": (
            in_span(loop(bound, call=counter(provider()).bind(TWO).add), False),
            QUICK,
        ),
        "bound, two cumulative readers": (loop(bound, call=counter(provider(readers=2)).bind(TWO).add), QUICK),
        "bound, a delta reader more": (loop(bound, call=counter(provider(deltas=1)).bind(TWO).add), QUICK),
        "bound, a view makes its series another's": (
            loop(bound, call=latency.bind({"venue": "binance", "side": "sell"}).record),
            QUICK,
        ),
        "unbound, prebuilt dict of 2": (loop("call(1, two)", call=unbound.add, two=dict(TWO)), QUICK),
        "unbound, a list among the attributes": (
            loop("call(1, two)", call=unbound.add, two={"venue": ["a", "b"], "side": "buy"}),
            SLOW,
        ),
        "unbound, label sets beyond those remembered": (unremembered(many), SLOW),
        "bound, two SDK views": (loop(bound, call=counter(several).bind(TWO).add), SLOW),
        "bound, a reservoir of exemplars of a view": (loop(bound, call=counter(choosing).bind(TWO).add), SLOW),
        "bound, the application's own SDK provider": (loop(bound, call=ot.bind(counter(foreign), TWO).add), SLOW),
    }


def in_span(of: Loop, sampled: bool) -> Loop:
    """The same where a span is current."""
    span = NonRecordingSpan(SpanContext(1, 1, False, TraceFlags(TraceFlags.SAMPLED if sampled else 0)))
    current = set_span_in_context(span)

    def run(times: int) -> None:
        token = context.attach(current)
        of(times)
        context.detach(token)

    return run


def unremembered(instrument: Any) -> Loop:
    """Each call has attributes that came after the table was full."""
    sets = [{"client": f"client-{number}"} for number in range(OVER)]
    for one in sets:
        instrument.add(1, one)
    late = sets[-SLOW:]

    def run(times: int) -> None:
        add = instrument.add
        for one in late[:times]:
            add(1, one)

    return run


def measure(rounds: int) -> Samples:
    """Times all of them."""
    return timed(operations(), rounds)


if __name__ == "__main__":
    raise SystemExit(main(__doc__, measure))
