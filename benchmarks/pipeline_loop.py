"""The demo's four services in one process and one thread, called in turn; `pipeline.py` runs this as a child.

A tick goes through market data, signals, and now and then risk and execution, as frames that the services encode and
decode themselves; only the sockets between them are left out. The market's time goes on by 5 ms a tick, so that there
are as many orders a tick as in the demo at 200 ticks a second, and the same ones whatever is measured.

python benchmarks/pipeline_loop.py WAY OUTSIDE EVENTS

For each line of standard input it lets so many events through and writes one line of JSON. WAY is one of `ways`,
OUTSIDE the address of `pipeline_outside.py`, which scrapes the endpoint and takes what is sent.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
import urllib.request
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import otel_trading as ot
from otel_trading.demo import feed
from otel_trading.demo.execution import Execution
from otel_trading.demo.market_data import MarketData
from otel_trading.demo.messages import Order, Tick
from otel_trading.demo.risk import Risk
from otel_trading.demo.rules import OrderRate
from otel_trading.demo.signals import Signals
from otel_trading.demo.strategy import Idea, Strategy
from otel_trading.demo.venue import Exchange, Report

SEED, RATE = 7, 200.0
TICK_NS = int(1e9 / RATE)
WARM_UP = 1000
FINE = ("feed", "signal", "risk")
NOTHING: dict[str, Any] = {"traces_exporter": "none", "metrics_exporter": "none", "logs_exporter": "none"}
METRICS = {**NOTHING, "metrics_exporter": "prometheus", "prometheus_port": 0}
EVERYTHING: dict[str, Any] = {
    "metrics_exporter": ["prometheus", "otlp"],
    "prometheus_port": 0,
    "metrics_export_interval_s": 5,
    "traces_queue_items": 200_000,  # ticks come faster than in life: what is thrown away would cost nothing
    "logs_queue_items": 200_000,
}
"""As the services of the demo have it."""


class Line:
    """Stands for a socket: takes messages, and gives them to the service behind when asked to."""

    def __init__(self) -> None:
        self.waiting: deque[list[bytes]] = deque()

    def send(self, frames: list[bytes]) -> bool:
        """Takes one message."""
        self.waiting.append(frames)
        return True


class Market:
    """The time that the strategy, the rules and the venue live by, in monotonic nanoseconds."""

    now_ns = 10**9


class MarketStrategy(Strategy):
    """In the market's time."""

    def look(self, tick: Tick, now_ns: int) -> Idea | None:
        """See Strategy."""
        return super().look(tick, Market.now_ns)


class MarketOrderRate(OrderRate):
    """In the market's time."""

    def refuse(self, order: Order, now_ns: int) -> str | None:
        """See OrderRate."""
        return super().refuse(order, Market.now_ns)


class MarketExchange(Exchange):
    """In the market's time."""

    def submit(self, order: Order, venue: str, now_ns: int) -> None:
        """See Exchange."""
        super().submit(order, venue, Market.now_ns)

    def due(self, now_ns: int) -> list[Report]:
        """See Exchange."""
        return super().due(Market.now_ns)


class Pipeline:
    """The services, one behind the other."""

    def __init__(self) -> None:
        self.ticks, self.ideas, self.orders = Line(), Line(), Line()
        sender: Any = self.ticks
        self.market_data = MarketData(sender)
        sender = self.ideas
        self.signals = Signals(sender, SEED)
        self.signals._strategy = MarketStrategy(SEED)
        sender = self.orders
        self.risk = Risk(sender)
        self.risk._rules = (*self.risk._rules[:2], MarketOrderRate())
        self.execution = Execution(SEED)
        self.execution._venue = MarketExchange(SEED, "bench")
        self.sent = 0

    def tick(self, tick: Tick) -> None:
        """One event, all the way."""
        Market.now_ns += TICK_NS
        now_ns = time.time_ns()
        latency_ns = tick.feed_latency_ns
        self.market_data.on_tick(replace(tick, receive_ns=now_ns, exchange_ns=now_ns - latency_ns))
        self.signals.on_tick(self.ticks.waiting.popleft())
        if self.ideas.waiting:
            self.risk.on_order(self.ideas.waiting.popleft())
        if self.orders.waiting:
            self.sent += 1
            self.execution.on_order(self.orders.waiting.popleft())
        self.execution.on_reports()


def ways(outside: str) -> dict[str, dict[str, Any]]:
    """Knobs of `init()` by name."""
    everything = {**EVERYTHING, "otlp_endpoint": outside}
    return {
        "empty": NOTHING,
        "off": NOTHING,
        "metrics": METRICS,
        "everything, 1 % of ticks traced": {**everything, "tick_ratio": 0.01},
        "everything": {**everything, "tick_ratio": 1.0},
    }


@contextmanager
def empty_handles() -> Iterator[None]:
    """Handles whose methods are functions of the interpreter that do nothing."""
    block = itertools.repeat(threading.RLock()).__next__
    handle = SimpleNamespace(record=bool, add=bool, record_since=bool, time=block)
    bind, ot.bind = ot.bind, lambda *given, **more: handle
    try:
        yield
    finally:
        ot.bind = bind


def views() -> list[Any]:
    """Those of the four services."""
    fine = [ot.HistogramView(f"trading.{part}.*", boundaries=ot.boundaries.MICROSECONDS) for part in FINE]
    return [*fine, ot.HistogramView("trading.order.*", boundaries=ot.boundaries.MILLISECONDS)]


def turn(pipeline: Pipeline, ticks: list[Tick], telemetry: ot.Telemetry, outside: str) -> dict[str, Any]:
    """Microseconds an event: of this thread, and of the process with all its threads until everything is sent."""
    ask(outside, "begin", telemetry.metrics_url or "")
    sent = pipeline.sent
    process_ns, thread_ns = time.process_time_ns(), time.thread_time_ns()
    for tick in ticks:
        pipeline.tick(tick)
    thread_ns = time.thread_time_ns() - thread_ns
    telemetry.flush(60)
    process_ns = time.process_time_ns() - process_ns
    return {
        "thread_us": thread_ns / len(ticks) / 1e3,
        "process_us": process_ns / len(ticks) / 1e3,
        "orders": pipeline.sent - sent,
        **ask(outside, "end", ""),
        "lost": {name: books.dropped for name, books in telemetry.books().items() if books.lost},
    }


def ask(outside: str, what: str, text: str) -> dict[str, Any]:
    """Tells the process outside to begin or end its scrapes."""
    with urllib.request.urlopen(f"{outside}/{what}", text.encode(), timeout=30) as answer:
        told: dict[str, Any] = json.loads(answer.read())
    return told


def main() -> int:
    """Makes turns until the end of standard input."""
    _, way, outside, events = sys.argv
    ticks = (paced.tick for paced in feed.generate(SEED, RATE))
    with ot.init("pipeline", stdout="off", views=views(), **ways(outside)[way]) as telemetry:
        with empty_handles() if way == "empty" else nullcontext():
            pipeline = Pipeline()
            for tick in itertools.islice(ticks, WARM_UP):
                pipeline.tick(tick)
        telemetry.flush()
        seen = WARM_UP
        for _ in sys.stdin:
            found = turn(pipeline, [*itertools.islice(ticks, int(events))], telemetry, outside)
            seen += int(events)
            if found["lost"] or (telemetry.metrics_url and found["ticks"] != seen):
                raise SystemExit(f"{way}: not all came out, so this was too cheap: {found}, {seen} ticks")
            print(json.dumps(found), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
