"""A fuzz target for the public API: wrong calls of everything, and nothing may raise.

python tools/fuzz_api.py [--seconds 60 | --calls N] [--seed S] [--plain]

Tracers, spans, meters, instruments, handles, loggers, health checks, flush, books and shutdown are called with values
as applications hand over by mistake: of wrong types, hostile, huge, endless. Telemetry runs with an exporter whose
receiver is not there. Besides, spans are recorded with the same values on an arena of their own and decoded again by
opentelemetry-proto: what leaves is always a message, of as many spans as ended. It runs over the sanitized native build
unless `--plain`. A failure prints the seed of its round. The nightly size is `--calls 10000000`.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz_values import attributes, name, odd

ROUND = 2000
"""Calls of a round."""


class Session:
    """Telemetry that runs, and calls of all of it. `calls` counts them."""

    def __init__(self, draw: random.Random) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource

        import otel_trading as ot
        from otel_trading.hotpath.chosen import engine
        from otel_trading.traces.recording import RecordingTracerProvider
        from otel_trading.traces.sampler import TradingSampler

        self.ot, self.trace, self.draw = ot, trace, draw
        self.calls = 0
        self.telemetry = ot.init(
            "fuzzed", otlp_endpoint="http://127.0.0.1:9", prometheus_port=0, stdout="off", diagnostics_level="critical",
            shutdown_timeout_s=0.2,
        )  # fmt: skip
        limits = dict.fromkeys(("attributes", "events", "links", "event_attributes", "link_attributes"), 8)
        self.arena = engine.Arena(1 << 20, 1 << 28)
        lane: Any = SimpleNamespace(arena=self.arena)
        provider = RecordingTracerProvider(
            Resource({}),
            TradingSampler(default_ratio=0.7),
            {**limits, "attribute_length": draw.choice((None, 3))},
            lane,
        )
        self.tracers = [ot.tracer(), provider.get_tracer("fuzzed")]
        self.spans: list[Any] = [tracer.start_span("first") for tracer in self.tracers]
        meter = ot.meter()
        self.instruments: list[Any] = [
            meter.create_counter("c"), meter.create_up_down_counter("u"), meter.create_histogram("h", unit="ms"),
            meter.create_gauge("g"),
        ]  # fmt: skip
        self.handles: list[Any] = [each.bind({"venue": "binance"}) for each in self.instruments]
        self.log = ot.get_logger()
        self.operations: list[Callable[[], object]] = [
            self.start, self.start, self.block, self.block, self.on_span, self.on_span, self.on_span, self.record,
            self.record, self.on_handle, self.say, self.say, self.obtain, self.look,
        ]  # fmt: skip

    def start(self) -> None:
        """A span that stays open, or ends."""
        draw, tracer = self.draw, self.draw.choice(self.tracers)
        named = {
            key: odd(draw)
            for key in ("context", "kind", "links", "start_time", "record_exception", "set_status_on_exception")
            if draw.random() < 0.2
        }
        span = tracer.start_span(name(draw), attributes=attributes(draw), **named)
        if len(self.spans) < 20:
            self.spans.append(span)
        else:
            self.spans[draw.randrange(20)] = span

    def block(self) -> None:
        """A span that is the current one, around other calls; what the block raises comes out, and nothing else."""
        draw, tracer = self.draw, self.draw.choice(self.tracers)
        named = {key: odd(draw) for key in ("context", "kind", "links", "end_on_exit") if draw.random() < 0.1}
        mine = ValueError("of the application")
        try:
            with tracer.start_as_current_span(name(draw), attributes=attributes(draw), **named) as span:
                self.on_span(span)
                self.record()
                if draw.random() < 0.3:
                    raise mine
        except ValueError as error:
            if error is not mine:
                raise

    def on_span(self, span: Any = None) -> None:
        """Any method."""
        draw = self.draw
        span = span if span is not None else draw.choice(self.spans)
        what = draw.randrange(14)
        if what == 0:
            span.set_attribute(odd(draw), odd(draw))
        elif what == 1:
            span.set_attributes(attributes(draw))
        elif what == 2:
            span.add_event(name(draw), attributes(draw), odd(draw))
        elif what == 3:
            span.add_link(odd(draw), attributes(draw))
        elif what == 4:
            span.set_status(odd(draw), odd(draw))
        elif what == 5:
            span.update_name(odd(draw))
        elif what == 6:
            span.record_exception(draw.choice((ValueError("x"), KeyError("y"))), attributes(draw), odd(draw), odd(draw))
        elif what == 7:
            span.end(odd(draw))
        elif what == 8:
            span.end()
        elif what == 9:
            repr((span.get_span_context(), span.is_recording()))
        elif what == 10:
            with self.trace.use_span(span):
                self.draw.choice(self.tracers).start_span("under").end()
        elif what == 11:
            repr((getattr(span, "attributes", None), getattr(span, "status", None), getattr(span, "events", None)))
        elif what == 12:
            self.trace.get_current_span(self.trace.set_span_in_context(span)).set_attribute("n", odd(draw))
        else:
            span.set_attribute("venue", "binance")

    def record(self) -> None:
        """A measurement, with attributes."""
        draw, instrument = self.draw, self.draw.choice(self.instruments)
        call = getattr(instrument, "add", None) or getattr(instrument, "record", None) or instrument.set
        call(odd(draw) if draw.random() < 0.5 else 1.5, attributes(draw))

    def on_handle(self) -> None:
        """A measurement without attributes."""
        draw, handle = self.draw, self.draw.choice(self.handles)
        for method in ("add", "inc", "record", "set", "record_since"):
            call = getattr(handle, method, None)
            if call is not None and draw.random() < 0.4:
                call(odd(draw))

    def say(self) -> None:
        """A line of the log."""
        draw = self.draw
        level = draw.choice(("debug", "info", "warning", "error", "critical", "exception"))
        given = attributes(draw)
        fields = {key: value for key, value in given.items() if type(key) is str} if type(given) is dict else {}
        fields.pop("event", None)
        getattr(self.log, level)(odd(draw), **fields)

    def obtain(self) -> None:
        """Tracers, loggers and instruments, anew."""
        draw = self.draw
        if draw.random() < 0.02:
            self.ot.tracer(odd(draw), odd(draw))
            self.trace.get_tracer_provider().get_tracer(name(draw), odd(draw), odd(draw), attributes(draw))
            self.ot.meter(f"m{draw.randrange(3)}").create_counter(name(draw), odd(draw), odd(draw))
        self.log.bind(a=odd(draw))

    def look(self) -> None:
        """Books and redaction."""
        draw = self.draw
        if draw.random() < 0.05:
            repr(self.telemetry.books())
        self.telemetry.redactor.text("password=x")
        self.telemetry.redactor.value("k", odd(draw))

    def round(self) -> None:
        """A round of calls; afterwards everything that the arena has is decoded."""
        for _ in range(ROUND):
            self.draw.choice(self.operations)()
            self.calls += 1
        self.decode()

    def decode(self) -> None:
        """What waits, by opentelemetry-proto."""
        from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans

        while (chunk := self.arena.take()) is not None:
            scope, items, encoded, _ = chunk
            spans = ScopeSpans.FromString(scope + encoded).spans
            if len(spans) != items or any(len(span.span_id) != 8 for span in spans):
                raise AssertionError(f"{len(spans)} spans in a chunk of {items}")


def fuzz(seconds: float | None, calls: int, seed: int | None) -> int:
    """Rounds until the time or the number is over; 1 with the seed if one raised."""
    logging.disable(logging.CRITICAL)
    os.environ.pop("OTEL_TRADING_TEST_NATIVE", None)  # of the tests, where this runs over their build
    until = None if seconds is None else time.monotonic() + seconds
    seeds = random.Random(seed)
    session, first = None, seed
    done = 0
    while (time.monotonic() < until) if until is not None else done < calls:
        seed = first if session is None and first is not None else seeds.randrange(1 << 32)
        if session is None:
            session = Session(random.Random(seed))
        session.draw.seed(seed)
        before = session.calls
        try:
            session.round()
        except Exception:
            traceback.print_exc()
            sys.stderr.write(f"failed: --seed {seed}\n")
            return 1
        done += session.calls - before
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{done:,} calls")
    if session is not None:
        session.telemetry.shutdown(0.5)
    sys.stdout.write(f"{done:,} calls of the public API, none raised\n")
    return 0


def main() -> int:
    """Runs, in a sanitized copy unless told otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, help="how long (default 60 without --calls)")
    parser.add_argument("--calls", type=int, help="how many instead")
    parser.add_argument("--seed", type=int, help="of the first round")
    parser.add_argument("--plain", action="store_true", help="over the build that is installed, without sanitizers")
    arguments = parser.parse_args()
    seconds = arguments.seconds if arguments.calls is None else None
    if seconds is None and arguments.calls is None:
        seconds = 60.0
    if not arguments.plain:
        from sanitize import run_sanitized

        return run_sanitized([sys.executable, str(Path(__file__).resolve()), *sys.argv[1:], "--plain"])
    return fuzz(seconds, arguments.calls or 0, arguments.seed)


if __name__ == "__main__":
    raise SystemExit(main())
