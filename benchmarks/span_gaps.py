"""How a loop in the main thread feels the export of 10,000 spans a second, in one interleaved run.

python benchmarks/span_gaps.py [--rounds N] [--seconds S] [--json]

The loop (gap_loop.py) ends a span with three attributes each 100 us. The receivers are processes of their own. `not
exported` ends the same spans where nobody takes them; `100,000 queued` begins with that many; `hangs` takes connections
and never answers; `drips` answers a byte a second; `503` asks for patience for ever; `dead` is a port that nobody
listens to. Below stand the promises with what came of them; a missed one does not change the exit code.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from contextlib import ExitStack
from typing import Any

from gap_loop import (
    Case,
    asked,
    interleaved,
    named,
    outside,
    piece_promises,
    row_of,
    show_promises,
    show_rows,
    silent_receiver,
)
from gil_pieces import Pieces
from opentelemetry.sdk.resources import Resource

from otel_trading.config.plan import OTLP_HTTP, BatchPlan, ExporterPlan, TracesPlan
from otel_trading.config.resolve import resolve
from otel_trading.privacy.redaction import Redactor
from otel_trading.privacy.screening import Screening
from otel_trading.traces.lane import SpanLane
from otel_trading.traces.recording import RecordingTracerProvider
from otel_trading.traces.sampler import TradingSampler

QUEUED = 100_000
NOBODY = "http://127.0.0.1:9"
LIMITS = {
    "attributes": 128, "events": 128, "links": 128, "event_attributes": 128, "link_attributes": 128,
    "attribute_length": None,
}  # fmt: skip
IDLE, HEALTHY, FULL = "not exported", "healthy", "100,000 queued"
BAD = DEAD, HANGS, DRIPS, BUSY = "dead", "hangs", "drips", "503"


def case(endpoint: str | None, pieces: Pieces, queued: int = 0) -> Case:
    """A provider of its own that delivers there; None: nowhere."""
    batch = BatchPlan(
        ExporterPlan(OTLP_HTTP, endpoint=f"{endpoint}/v1/traces", timeout_s=2.0),
        queue_items=1 << 18,
        export_timeout_s=2.0,
    )
    plan = TracesPlan((batch,) if endpoint else ())
    lane = SpanLane(plan, resolve({})[0], Redactor(), Resource({"service.name": "gaps"}))
    provider = RecordingTracerProvider(lane.resource, TradingSampler(), LIMITS, lane)
    start = provider.get_tracer("gaps").start_as_current_span
    attributes = {"trading.venue": "binance", "trading.order.side": "buy", "quantity": 5}

    def record() -> None:
        with start("order.submit", attributes=attributes):
            pass

    pieces.watch(lane)
    return Case(lane, record, pieces, queued, 2.0 if queued else 0.2)


def measure(rounds: int, seconds: float) -> dict[str, Case]:
    """Each situation, slice by slice in turn."""
    with ExitStack() as stack:
        (alive,) = stack.enter_context(outside("pipeline_outside.py"))
        drips, busy = stack.enter_context(outside("bad_receivers.py"))
        pieces = Pieces()
        cases = {
            IDLE: case(None, pieces),
            HEALTHY: case(alive, pieces),
            FULL: case(alive, pieces, QUEUED),
            DEAD: case(NOBODY, pieces),
            HANGS: case(stack.enter_context(silent_receiver()), pieces),
            DRIPS: case(drips, pieces),
            BUSY: case(busy, pieces),
        }
        gc.collect()
        gc.freeze()
        interleaved(cases, rounds, seconds)
    return cases


def screened() -> dict[str, float]:
    """What screening costs: nanoseconds a span of the demo's kind, and how many of them are suspicious."""
    from otel_trading.hotpath.chosen import engine

    arena: Any = engine.Arena()
    begin = engine.Recorder(arena).begin
    names = ("order.submit", "order.ack", "md.tick", "strategy.decide", "risk.check")
    for number in range(5000):
        span = begin(names[number % 5], attributes={
            "trading.venue": "binance", "trading.instrument.id": "BTCUSDT", "trading.order.id": f"O-{number}",
            "url.full": "https://api.example/v3/order?symbol=BTCUSDT&side=BUY", "price": 67250.5,
        })  # fmt: skip
        if number % 20 == 0:
            span.set_attribute("http.request.header.x-mbx-apikey", "k3J9xQ")
        span.end()
    made, chunks = Screening(Redactor()), []
    while (chunk := arena.take()) is not None:
        chunks.append(chunk[2])
    made.redacted(chunks[0])
    screen: Any = made._screen
    times, suspects = [], 0
    for _ in range(15):
        began = time.perf_counter_ns()
        suspects = sum(len(screen.look(spans)[0]) for spans in chunks)
        times.append((time.perf_counter_ns() - began) / 5000)
    return {"ns": statistics.median(times), "per_second": 1e9 / statistics.median(times), "suspicious": suspects / 5000}


def promises_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each promise with what was found."""
    by_name = {row["case"]: row for row in rows}
    promises = [promise for name in (HEALTHY, FULL, *BAD) for promise in piece_promises(by_name[name])]
    for name in BAD:
        for key, limit in (("p50_ns", 1.05), ("p999_ns", 1.10)):
            ratio = by_name[name][key] / by_name[HEALTHY][key]
            promises.append((f"{name} / healthy: {key[:-3]} of a span's turn", f"<= {limit}", ratio, ratio <= limit))
    return named(promises)


def main() -> int:
    """Runs and prints."""
    arguments = asked(__doc__)
    cases = measure(arguments.rounds, arguments.seconds)
    rows = [row_of(name, found) for name, found in cases.items()]
    promises, screening = promises_of(rows), screened()
    if arguments.json:
        version = sys.version.split()[0]
        document = {"python": version, "rounds": arguments.rounds, "rows": rows, "promises": promises}
        print(json.dumps({**document, "screening": screening}))
        return 0
    show_rows(rows, "case")
    spans = f"{screening['ns']:.0f} ns a span, {screening['per_second']:,.0f} a second"
    print(f"\nscreened: {spans}, {screening['suspicious']:.1%} suspicious")
    show_promises(promises)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
