"""Signal: looks at each tick and now and then wants to trade.

An order's trace begins here. `signal.generate` is a new root that LINKS to the tick's span instead of being its
child: a sampler that follows the parent would drop the orders of unsampled ticks.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode

import otel_trading as ot
from otel_trading.context import zeromq
from otel_trading.demo import wire
from otel_trading.demo.messages import Order, Tick
from otel_trading.demo.stage import Stage, parser
from otel_trading.demo.strategy import Idea, Strategy
from otel_trading.demo.wire import Sender


class Signals:
    """Turns ideas of the strategy into orders on their way to risk."""

    def __init__(self, pusher: Sender, seed: int) -> None:
        """Makes the instruments; `pusher` is the socket to risk."""
        meter = ot.meter()
        self._pusher, self._strategy = pusher, Strategy(seed)
        self._log, self._tracer = ot.get_logger("demo.signals"), ot.tracer()
        evaluation = meter.create_histogram("trading.signal.evaluation.duration", "s", "One look at a tick")
        age = meter.create_histogram("trading.signal.tick_age", "s", "From the tick's receive to the look at it")
        ticks = meter.create_counter("trading.signal.ticks", "{tick}", "Ticks looked at")
        signals = meter.create_counter("trading.signal.signals", "{signal}", "Signals generated")
        self._evaluation, self._age, self._ticks = ot.bind(evaluation, {}), ot.bind(age, {}), ot.bind(ticks, {})
        self._signals = {
            (strategy, side): ot.bind(signals, {"trading.strategy": strategy, "trading.order.side": side})
            for strategy in ("momentum", "imbalance")
            for side in ("buy", "sell")
        }
        self._prefix, self._orders = f"{time.time_ns() // 1_000_000:x}", 0

    def on_tick(self, frames: list[bytes]) -> None:
        """Takes one message from market data."""
        payload, context = zeromq.extract(frames)
        try:
            tick = Tick.decode(payload[0])
        except (ValueError, TypeError, IndexError) as error:
            self._log.error("unreadable tick", error=str(error))
            return
        self._ticks.add(1)
        self._age.record_since(tick.received_at)
        with self._evaluation.time():
            idea = self._strategy.look(tick, ot.now())
        if idea is not None:
            self._generate(idea, tick, trace.get_current_span(context).get_span_context())

    def _generate(self, idea: Idea, tick: Tick, tick_span: SpanContext) -> None:
        links = [Link(tick_span, {"link.kind": "tick"})] if tick_span.is_valid else []
        with self._tracer.start_as_current_span(
            f"signal.generate {idea.strategy}", context=Context(), kind=SpanKind.INTERNAL, links=links
        ) as span:
            order = self._order(idea, tick)
            span.set_attributes(order.span_attributes())
            span.set_attribute("signal.type", idea.side)
            self._signals[idea.strategy, idea.side].add(1)
            self._log.info("signal generated", side=idea.side, price=idea.price, **order.log_fields())
            if not self._pusher.send(zeromq.inject([order.encode()])):
                span.set_status(StatusCode.ERROR, "risk does not take orders")
                self._log.error("order not sent: risk does not take orders", **order.log_fields())

    def _order(self, idea: Idea, tick: Tick) -> Order:
        self._orders += 1
        client_order_id = f"C{self._prefix}-{self._orders}"
        return Order(
            client_order_id=client_order_id,
            root_client_order_id=client_order_id,  # a replacement would keep it
            strategy=idea.strategy,
            symbol=tick.symbol,
            side=idea.side,
            quantity=idea.quantity,
            price=idea.price,
            reference_price=idea.mid,
            tick_received_at=tick.received_at,
            created_ns=time.time_ns(),
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the service until it is stopped."""
    arguments = parser("signals", __doc__, receives=True, sends=True).parse_args(argv)
    views = [ot.HistogramView("trading.signal.*", boundaries=ot.boundaries.MICROSECONDS)]
    with (
        Stage("signal", arguments) as stage,
        ot.init("signal", views=views, **stage.knobs()) as telemetry,
    ):
        stage.count()
        pusher = wire.pusher(arguments.listen)
        stage.tell(state="waiting", endpoint=pusher.endpoint, metrics_url=telemetry.metrics_url)
        signals = Signals(pusher, arguments.seed)
        ticks = wire.subscriber(stage.source())
        stage.tell(state="running")
        for frames in wire.receive(ticks, stage.stop):
            signals.on_tick(frames)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
