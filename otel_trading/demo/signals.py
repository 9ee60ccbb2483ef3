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
from otel_trading.catalogue import signal
from otel_trading.context import zeromq
from otel_trading.demo import wire
from otel_trading.demo.messages import Order, Tick
from otel_trading.demo.stage import Stage, parser
from otel_trading.demo.strategy import NAME, Idea, Strategy
from otel_trading.demo.wire import Sender


class Signals:
    """Turns ideas of the strategy into orders on their way to risk."""

    def __init__(self, pusher: Sender, seed: int) -> None:
        """Binds what it records; `pusher` is the socket to risk."""
        self._pusher, self._strategy = pusher, Strategy(seed)
        self._log, self._tracer = ot.get_logger("demo.signals"), ot.tracer()
        self._looked = signal.strategy_duration.bind(strategy=NAME)
        self._age, self._evaluations = signal.tick_age.bind(), signal.evaluations.bind(strategy=NAME)
        self._prefix, self._orders = f"{time.time_ns() // 1_000_000:x}", 0

    def on_tick(self, frames: list[bytes]) -> None:
        """Takes one message from market data."""
        payload, context = zeromq.extract(frames)
        try:
            tick = Tick.decode(payload[0])
        except (ValueError, TypeError, IndexError) as error:
            self._log.error("unreadable tick", error=str(error))
            return
        self._evaluations.add(1)
        self._age.record_since(tick.received_at)
        with self._looked.time():
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
            signal.generated.add(1, signal_type=idea.side, strategy=idea.strategy)
            told = {"trading.order.side": idea.side, "trading.order.price": idea.price, **order.log_fields()}
            self._log.info("signal generated", event_name="trading.signal.generated", **told)
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
    with (
        Stage("signal", arguments) as stage,
        ot.init("signal", **stage.knobs()) as telemetry,
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
