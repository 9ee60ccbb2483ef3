"""Market data: receives ticks from a simulated venue or a recording and publishes them.

Each tick is one `md.receive` span, a trace of its own, whose context travels in an extra ZeroMQ frame.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import NamedTuple

from opentelemetry.trace import SpanKind

import otel_trading as ot
from otel_trading.catalogue import book
from otel_trading.catalogue import market_data as md
from otel_trading.context import zeromq
from otel_trading.demo import feed, replay, wire
from otel_trading.demo.gaps import GapDetector
from otel_trading.demo.messages import Tick
from otel_trading.demo.pacing import Pace
from otel_trading.demo.stage import Stage, parser
from otel_trading.demo.wire import Sender
from otel_trading.metrics.handles import BoundCounter, BoundDistribution, BoundGauge, BoundHistogram

STALE_AFTER_S = 0.5
_LOG_EVERY = 500


class Handles(NamedTuple):
    """What is recorded of the messages of one kind from one venue; bound once."""

    received: BoundCounter
    processing: BoundHistogram
    latency: BoundHistogram
    offset: BoundGauge
    spread: BoundDistribution
    spread_now: BoundGauge

    @classmethod
    def of(cls, tick: Tick) -> Handles:
        """Those for ticks like this one."""
        venue, kind = tick.venue, tick.message_type
        return cls(
            md.received.bind(venue=venue, message_type=kind),
            md.processing_duration.bind(venue=venue, message_type=kind),
            md.feed_latency.bind(venue=venue),
            md.feed_offset.bind(venue=venue),
            book.spread_distribution.bind(venue=venue),
            book.spread_current.bind(venue=venue),
        )


class MarketData:
    """Counts, times, traces and publishes each tick."""

    def __init__(self, publisher: Sender) -> None:
        """Has seen nothing yet; `publisher` is the socket for the services behind."""
        self._publisher = publisher
        self._log, self._tracer, self._gaps = ot.get_logger("demo.market_data"), ot.tracer(), GapDetector()
        self._handles: dict[tuple[str, str], Handles] = {}
        self._seen = 0
        self._said_negative = False

    def on_tick(self, tick: Tick) -> None:
        """Takes one message from the venue."""
        started = ot.now()
        handles = self._handles.get((tick.venue, tick.message_type)) or self._first(tick)
        attributes: dict[str, str | int | bool] = {
            "trading.venue": tick.venue,
            "trading.symbol": tick.symbol,
            "md.sequence": tick.sequence,
            "md.message_type": tick.message_type,
            "trading.ts.exchange": tick.exchange_ns,
            "trading.ts.receive": tick.receive_ns,
            "md.feed_latency_ns": tick.feed_latency_ns,
            "md.feed_latency_negative": tick.feed_latency_ns < 0,
        }
        name = f"md.receive {tick.venue}"
        with self._tracer.start_as_current_span(name, kind=SpanKind.CONSUMER, attributes=attributes):
            self._count(tick, handles)
            self._look_at_clock(tick, handles)
            if self._gaps.missed(tick):
                md.gaps.add(1, venue=tick.venue)
                told = {"sequence": tick.sequence, "symbol": tick.symbol, "venue": tick.venue}
                self._log.warning("feed gap", event_name="trading.md.gap", **told)
            self._publisher.send(zeromq.inject([replace(tick, received_at=started).encode()]))
        handles.processing.record_since(started)

    def on_silence(self, silent_s: float) -> None:
        """Takes note that a connected feed says nothing."""
        md.stale_detections.add(1)
        md.stale_age.record(silent_s)
        self._log.warning("feed stale", event_name="trading.md.stale", **{"md.silent_ns": int(silent_s * 1e9)})

    def on_broken_line(self, broken: replay.BrokenLine) -> None:
        """Takes note of a line of the recording that is no message."""
        self._log.warning("broken line in recording", line=broken.line, reason=broken.reason)

    def _first(self, tick: Tick) -> Handles:
        handles = self._handles[tick.venue, tick.message_type] = Handles.of(tick)
        return handles

    def _count(self, tick: Tick, handles: Handles) -> None:
        handles.received.add(1)
        if tick.bid and tick.ask:
            spread_bps = (tick.ask / tick.bid - 1) * 10_000
            handles.spread.record(spread_bps)
            handles.spread_now.set(spread_bps)
        if self._seen % _LOG_EVERY == 0:
            self._log.info("feed progress", sequence=tick.sequence, symbol=tick.symbol)
        self._seen += 1

    def _look_at_clock(self, tick: Tick, handles: Handles) -> None:
        """Flags a negative feed latency, and never clamps it: the local clock is behind the exchange's."""
        latency_ns = tick.feed_latency_ns
        handles.latency.record(latency_ns / 1e9)
        handles.offset.set(latency_ns / 1e9)
        if latency_ns >= 0:
            return
        md.feed_negative_latencies.add(1, venue=tick.venue)
        if not self._said_negative:
            self._said_negative = True
            told = {"md.feed_latency_ns": latency_ns}
            self._log.warning("local clock is behind the exchange", event_name="trading.md.clock_behind", **told)


def play_recording(market: MarketData, stage: Stage, path: Path, rate: float) -> None:
    """Sends a recording through at `rate` messages a second, then says that it is over and waits for the stop."""
    tally = replay.Tally()
    pace = Pace(stage.stop, STALE_AFTER_S, market.on_silence)
    for item in replay.read(path, tally):
        if isinstance(item, replay.BrokenLine):
            market.on_broken_line(item)
        elif pace.wait(1 / rate):
            market.on_tick(item)
        if stage.stop.is_set():
            break
    stage.tell(state="running" if stage.stop.is_set() else "finished", replay=asdict(tally))
    stage.stop.wait()


def play_simulation(market: MarketData, stage: Stage, seed: int, rate: float) -> None:
    """Sends simulated ticks, stamped with the time at which they are sent, until the stop."""
    pace = Pace(stage.stop, STALE_AFTER_S, market.on_silence)
    for paced in feed.generate(seed, rate):
        if not pace.wait(paced.delay_s):
            return
        now_ns = time.time_ns()
        sent_ns = now_ns - paced.tick.feed_latency_ns
        market.on_tick(replace(paced.tick, receive_ns=now_ns, exchange_ns=sent_ns))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the service until it is stopped."""
    found = parser("market_data", __doc__, receives=False, sends=True)
    found.add_argument("--rate", type=float, default=200.0, help="ticks a second (default: %(default)s)")
    found.add_argument("--replay", type=Path, metavar="FILE", help='recording, "local_ns json" lines, plain or gzip')
    arguments = found.parse_args(argv)
    with (
        Stage("market-data", arguments) as stage,
        ot.init(
            "market-data",
            tick_ratio=1.0,  # every tick's span, so that the one behind an order is there
            **stage.knobs(),
        ) as telemetry,
    ):
        stage.count()
        publisher = wire.publisher(arguments.listen)
        stage.tell(state="running", endpoint=publisher.endpoint, metrics_url=telemetry.metrics_url)
        market = MarketData(publisher)
        if arguments.replay is None:
            play_simulation(market, stage, arguments.seed, arguments.rate)
        else:
            play_recording(market, stage, arguments.replay, arguments.rate)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
