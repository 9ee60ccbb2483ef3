"""Risk: checks each order before it may leave, and lets it through or denies it.

Its spans continue the order's trace. A denied order ends here, with a summary span `order denied`; the venue's own
refusal is called `rejected`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Literal

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

import otel_trading as ot
from otel_trading.catalogue import risk
from otel_trading.context import zeromq
from otel_trading.demo import wire
from otel_trading.demo.messages import Order
from otel_trading.demo.rules import MAX_POSITION, OrderRate, PositionLimit, PriceCollar
from otel_trading.demo.stage import Stage, parser
from otel_trading.demo.wire import Sender


class Risk:
    """Runs the rules over each order."""

    def __init__(self, pusher: Sender) -> None:
        """Binds what it records; `pusher` is the socket to execution."""
        self._pusher = pusher
        self._position = PositionLimit()
        self._rules = (PriceCollar(), self._position, OrderRate())
        self._log, self._tracer = ot.get_logger("demo.risk"), ot.tracer()
        self._durations = {rule.name: risk.pretrade_check_duration.bind(check_type=rule.name) for rule in self._rules}
        risk.position_limit.set(MAX_POSITION)

    def on_order(self, frames: list[bytes]) -> None:
        """Takes one order from the signal service."""
        payload, context = zeromq.extract(frames)
        try:
            order = Order.decode(payload[0])
        except (ValueError, TypeError, IndexError) as error:
            self._log.error("unreadable order", error=str(error))
            return
        with self._tracer.start_as_current_span(
            "risk.check pretrade", context=context, attributes=order.span_attributes()
        ) as span:
            started = ot.now()
            reason = self._first_refusal(order)
            result = _result(reason)
            risk.pretrade_duration.bind(result=result).record_since(started)
            span.set_attribute("risk.check.type", "pretrade")
            span.set_attribute("risk.result", result)
            risk.orders.add(1, result=result, reason=reason or "none", strategy=order.strategy)
            if reason is None:
                self._approve(order, payload)
            else:
                span.set_attribute("risk.reason", reason)
                self._deny(order, reason)

    def _first_refusal(self, order: Order) -> str | None:
        for rule in self._rules:
            attributes = {"risk.check.type": rule.name}
            with (
                self._tracer.start_as_current_span(f"risk.check {rule.name}", attributes=attributes) as span,
                self._durations[rule.name].time(),
            ):
                reason = rule.refuse(order, ot.now())
                span.set_attribute("risk.result", _result(reason))
                risk.checks.add(1, check_type=rule.name, result=_result(reason))
                if reason is not None:
                    span.set_attribute("risk.reason", reason)
                    return reason
        return None

    def _approve(self, order: Order, payload: list[bytes]) -> None:
        position = self._position.approved(order)
        risk.position_projected.set(position)
        self._log.info("order approved", **order.log_fields())
        if not self._pusher.send(zeromq.inject(payload)):
            trace.get_current_span().set_status(StatusCode.ERROR, "execution does not take orders")
            self._log.error("order not sent: execution does not take orders", **order.log_fields())

    def _deny(self, order: Order, reason: str) -> None:
        told = {"risk.reason": reason, **order.log_fields()}
        self._log.warning("order denied", event_name="trading.order.denied", **told)
        attributes = {**order.span_attributes(), "trading.order.status": "denied", "risk.reason": reason}
        summary = self._tracer.start_span(
            "order denied", kind=SpanKind.INTERNAL, attributes=attributes, start_time=order.created_ns
        )
        summary.end(time.time_ns())


def _result(reason: str | None) -> Literal["approved", "denied"]:
    return "approved" if reason is None else "denied"


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the service until it is stopped."""
    arguments = parser("risk", __doc__, receives=True, sends=True).parse_args(argv)
    with (
        Stage("risk", arguments) as stage,
        ot.init("risk", **stage.knobs()) as telemetry,
    ):
        stage.count()
        pusher = wire.pusher(arguments.listen)
        stage.tell(state="waiting", endpoint=pusher.endpoint, metrics_url=telemetry.metrics_url)
        checks = Risk(pusher)
        orders = wire.puller(stage.source())
        stage.tell(state="running")
        for frames in wire.receive(orders, stage.stop):
            checks.on_order(frames)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
