"""How a loop in the main thread feels the export of 10,000 spans a second, in one interleaved run.

python benchmarks/span_gaps.py [--rounds N] [--seconds S] [--json]

The loop turns every two microseconds and ends a span with three attributes each 100. Its long turns are gaps. Whoever
else needs the machine makes gaps too, so two things tell ours: the loop's thread gave the processor up itself, as it
does when it waits for the GIL, and other threads of this process used it for most of that time. Pieces are what those
threads compute at a time without giving the GIL up (gil_pieces.py).

The receiver is a process of its own. `not exported` ends the same spans where nobody takes them; `100,000 queued`
begins with that many; `hangs` takes connections and never answers; `dead` is a port that nobody listens to. Below stand
the promises with what came of them; a missed one does not change the exit code.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gil_pieces import Pieces
from opentelemetry.sdk.resources import Resource

from otel_trading.config.plan import OTLP_HTTP, BatchPlan, ExporterPlan, TracesPlan
from otel_trading.config.resolve import resolve
from otel_trading.ground.clock import Deadline
from otel_trading.privacy.redaction import Redactor
from otel_trading.privacy.screening import Screening
from otel_trading.traces.lane import SpanLane
from otel_trading.traces.recording import RecordingTracerProvider
from otel_trading.traces.sampler import TradingSampler

EVERY_NS = 100_000
"""Between two spans."""
GAP_NS = 2_000_000
LOOKED_AT_NS = 10_000
"""From which on a turn's causes are asked for."""
PIECE_US = 200
QUEUED = 100_000
NOBODY = "http://127.0.0.1:9/v1/traces"
LIMITS = {
    "attributes": 128, "events": 128, "links": 128, "event_attributes": 128, "link_attributes": 128,
    "attribute_length": None,
}  # fmt: skip
IDLE, HEALTHY, FULL, DEAD, HANGS = "not exported", "healthy", "100,000 queued", "dead", "hangs"


@dataclass
class Turns:
    """What one slice of the loop met.

    Attributes:
        gaps: turns of more than 2 ms.
        waited: those of them in which the loop waited for the GIL.
        ours: those of these in which our threads used the processor for half of the time at least.
        longest_us: the longest turn.
        pieces_us: float[n], of the delivery's threads.
        spans_ns: int[n], what the turns with a span took.
    """

    gaps: int = 0
    waited: int = 0
    ours: int = 0
    longest_us: float = 0.0
    pieces_us: list[float] = field(default_factory=list)
    spans_ns: list[int] = field(default_factory=list)

    def see(self, took_ns: int, others_ns: int, waited: bool) -> None:
        """One long turn."""
        self.longest_us = max(self.longest_us, took_ns / 1000)
        if took_ns > GAP_NS:
            self.gaps += 1
            self.waited += waited
            self.ours += waited and others_ns > took_ns / 2


def turn(seconds: float, record: Callable[[], object]) -> Turns:
    """The loop."""
    clock, own, all_threads = time.perf_counter_ns, time.thread_time_ns, time.process_time_ns
    found = Turns()
    spans = found.spans_ns
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
    last = clock()
    due, end = last, last + int(seconds * 1e9)
    others = all_threads() - own()
    while last < end:
        with_span = last >= due
        if with_span:
            record()
            due += EVERY_NS
        now = clock()
        took = now - last
        if with_span:
            spans.append(took)
        others_now = all_threads() - own()
        whole = clock() - last
        if whole > LOOKED_AT_NS:
            given_up = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
            found.see(whole, others_now - others, given_up > before)
            before = given_up
        others = others_now
        last += whole
    return found


@dataclass
class Case:
    """One situation: where its spans go, and what it met."""

    lane: SpanLane
    record: Callable[[], object]
    pieces: Pieces
    queued: int = 0
    slices: list[Turns] = field(default_factory=list)

    def run(self, seconds: float) -> None:
        """One slice."""
        for _ in range(self.queued):
            self.record()
        self.pieces.us = []
        found = turn(seconds, self.record)
        found.pieces_us = self.pieces.us
        self.slices.append(found)
        self.lane.flushed(self.lane.ask_to_flush(), Deadline(2.0 if self.queued else 0.2))


def case(endpoint: str | None, pieces: Pieces, queued: int = 0) -> Case:
    """A provider of its own that delivers there; None: nowhere."""
    batch = BatchPlan(
        ExporterPlan(OTLP_HTTP, endpoint=endpoint or "", timeout_s=2.0), queue_items=1 << 18, export_timeout_s=2.0
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
    return Case(lane, record, pieces, queued)


@contextmanager
def receiver() -> Iterator[str]:
    """A process that takes everything."""
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("pipeline_outside.py"))], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        yield f"{child.stdout.readline().strip()}/v1/traces"
    finally:
        child.kill()
        child.wait()


@contextmanager
def silent_receiver() -> Iterator[str]:
    """A socket to which one can connect, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1/traces"


def measure(rounds: int, seconds: float) -> dict[str, Case]:
    """Each situation, slice by slice in turn."""
    with ExitStack() as stack:
        alive, silent = stack.enter_context(receiver()), stack.enter_context(silent_receiver())
        pieces = Pieces()
        cases = {
            IDLE: case(None, pieces),
            HEALTHY: case(alive, pieces),
            FULL: case(alive, pieces, QUEUED),
            DEAD: case(NOBODY, pieces),
            HANGS: case(silent, pieces),
        }
        gc.collect()
        gc.freeze()
        for _ in range(rounds + 1):
            for each in cases.values():
                each.run(seconds)
        for each in cases.values():
            each.slices.pop(0)  # it warmed up
            each.lane.stop(Deadline(1))
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


def row_of(name: str, found: Case) -> dict[str, Any]:
    """Medians and extremes over the slices."""
    slices = found.slices
    longest = [each.longest_us for each in slices]
    pieces = sorted(us for each in slices for us in each.pieces_us) or [0.0]
    tails = [statistics.quantiles(each.spans_ns, n=1000) for each in slices]
    return {
        "case": name,
        "slices": len(slices),
        "gaps": sum(each.gaps for each in slices),
        "waited": sum(each.waited for each in slices),
        "ours": sum(each.ours for each in slices),
        "longest_us": statistics.median(longest),
        "longest_most_us": max(longest),
        "pieces": len(pieces),
        "piece_us": pieces[len(pieces) // 2],
        "piece_p99_us": pieces[len(pieces) * 99 // 100],
        "piece_most_us": pieces[-1],
        "p50_ns": statistics.median(tail[499] for tail in tails),
        "p999_ns": statistics.median(tail[998] for tail in tails),
    }


def promises_of(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each promise with what was found."""
    by_name = {row["case"]: row for row in rows}
    promises = []
    for name in (HEALTHY, FULL, DEAD, HANGS):
        row = by_name[name]
        promises.append((f"{name}: gaps over 2 ms caused by export", "== 0", row["ours"], row["ours"] == 0))
        piece = row["piece_p99_us"]
        promises.append((f"{name}: 99 % of pieces under the GIL, us", f"< {PIECE_US}", piece, piece < PIECE_US))
    for name in (DEAD, HANGS):
        for key, limit in (("p50_ns", 1.05), ("p999_ns", 1.10)):
            ratio = by_name[name][key] / by_name[HEALTHY][key]
            promises.append((f"{name} / healthy: {key[:-3]} of a span's turn", f"<= {limit}", ratio, ratio <= limit))
    return [dict(zip(("operation", "target", "result", "met"), each, strict=True)) for each in promises]


def show(rows: list[dict[str, Any]], promises: list[dict[str, Any]], screening: dict[str, float]) -> None:
    """The tables."""
    spans = f"{'p50 ns':>8} {'p99.9':>8}"
    print(
        f"{'case':16} {'slices':>6} {'gaps':>5} {'waited':>6} {'ours':>5} {'longest us':>20} {'pieces, us':>34} {spans}"
    )
    for row in rows:
        longest = f"{row['longest_us']:.0f} (most {row['longest_most_us']:.0f})"
        pieces = f"{row['piece_us']:.0f}, 99 % {row['piece_p99_us']:.0f}, most {row['piece_most_us']:.0f}"
        numbers = f"{row['slices']:6} {row['gaps']:5} {row['waited']:6} {row['ours']:5} {longest:>20} {pieces:>34}"
        print(f"{row['case']:16} {numbers} {row['p50_ns']:8.0f} {row['p999_ns']:8.0f}")
    screened = f"{screening['ns']:.0f} ns a span, {screening['per_second']:,.0f} a second"
    print(f"\nscreened: {screened}, {screening['suspicious']:.1%} suspicious")
    print(f"\n{'promise':56} {'target':>8} {'result':>8}")
    for promise in promises:
        says = "met" if promise["met"] else "missed"
        print(f"{promise['operation']:56} {promise['target']:>8} {promise['result']:8.2f}  {says}")


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6, help="interleaved rounds (default 6)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of one slice (default 1)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    arguments = parser.parse_args()
    cases = measure(max(2, arguments.rounds), arguments.seconds)
    rows = [row_of(name, found) for name, found in cases.items()]
    promises, screening = promises_of(rows), screened()
    if arguments.json:
        version = sys.version.split()[0]
        document = {"python": version, "rounds": arguments.rounds, "rows": rows, "promises": promises}
        print(json.dumps({**document, "screening": screening}))
        return 0
    show(rows, promises, screening)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
