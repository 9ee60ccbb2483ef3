"""Execution: sends approved orders to a simulated venue and follows each to its end.

No span is held open for a resting order: each transition is a short span in the order's trace, and the
terminal state writes one summary span from the submit to the last report.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, StatusCode

import otel_trading as ot
from otel_trading.catalogue.execution import fill_notional, fill_received, fill_slippage
from otel_trading.catalogue.order import (
    ack_duration,
    ended,
    first_fill_duration,
    lifetime,
    open_orders,
    rejected,
    submit_duration,
    submitted,
    tick_to_trade_duration,
)
from otel_trading.catalogue.position import quantity as position
from otel_trading.context import zeromq
from otel_trading.demo import wire
from otel_trading.demo.messages import Order
from otel_trading.demo.stage import Stage, parser
from otel_trading.demo.venue import Exchange, Report
from otel_trading.demo.working_order import WorkingOrder

_LONGEST_WAIT_S = 0.05


class Execution:
    """Submits orders and writes down what the venue reports."""

    def __init__(self, seed: int) -> None:
        """Opens the venue; `seed` decides what it does."""
        self._venue = Exchange(seed, f"{time.time_ns() // 1_000_000:x}")
        self._working: dict[str, WorkingOrder] = {}
        self._log, self._tracer = ot.get_logger("demo.execution"), ot.tracer()
        self._position = 0.0

    def on_order(self, frames: list[bytes]) -> None:
        """Takes one approved order from risk and sends it to a venue."""
        payload, context = zeromq.extract(frames)
        try:
            order = Order.decode(payload[0])
        except (ValueError, TypeError, IndexError) as error:
            self._log.error("unreadable order", error=str(error))
            return
        venue = self._venue.route()
        attributes = {**order.span_attributes(), "trading.venue": venue}
        with self._tracer.start_as_current_span(
            f"order.submit {venue}", context=context, kind=SpanKind.PRODUCER, attributes=attributes
        ) as span:
            tick_to_trade_duration.bind(strategy=order.strategy, venue=venue).record_since(order.tick_received_at)
            # A message to a real exchange never gets a trace header; the client order id correlates.
            with submit_duration.bind(venue=venue, order_type=order.order_type).time():
                self._venue.submit(order, venue, ot.now())
            submitted.add(1, venue=venue, side=order.side, order_type=order.order_type, submit_result="success")
            open_orders.add(1, venue=venue)
            self._working[order.client_order_id] = WorkingOrder(
                order, venue, context, span.get_span_context(), time.time_ns(), ot.now()
            )
            told = {"venue": venue, "trading.order.price": order.price, **order.log_fields()}
            self._log.info("order submitted", event_name="trading.order.submitted", **told)

    def on_reports(self) -> None:
        """Takes what the venue has to say by now."""
        for report in self._venue.due(ot.now()):
            working = self._working[report.client_order_id]
            self._write_down(report, working)
            if report.final:
                self._end(working)

    def wait_s(self) -> float:
        """Returns the seconds until the next report, at most a twentieth."""
        due_ns = self._venue.next_due_ns()
        return _LONGEST_WAIT_S if due_ns is None else min(_LONGEST_WAIT_S, max(0.0, (due_ns - ot.now()) / 1e9))

    def cancel_all(self) -> None:
        """Cancels what still works, so that every order has an end in the store."""
        self._venue.close()
        for number, working in enumerate(list(self._working.values())):
            report = Report(0, number, "cancel", working.order.client_order_id, cancel_reason="shutdown", final=True)
            self._write_down(report, working)
            self._end(working)

    def _write_down(self, report: Report, working: WorkingOrder) -> None:
        """Writes one transition: a short span in the order's trace, a log line inside it, and the metrics."""
        working.apply(report, time.time_ns())
        with self._tracer.start_as_current_span(
            f"order.{report.kind}",
            context=working.context,
            kind=SpanKind.CONSUMER,
            attributes=working.report_attributes(report),
            links=[working.link_to_submit()],
        ) as span:
            if report.reject_reason:
                span.set_status(StatusCode.ERROR, report.reject_reason)
            self._count(report, working)
            write = self._log.warning if report.kind == "reject" else self._log.info
            write(working.sentence(report), **working.report_log_fields(report))

    def _count(self, report: Report, working: WorkingOrder) -> None:
        """Records the metrics of one transition."""
        venue, order = working.venue, working.order
        if report.kind == "ack":
            ack_duration.bind(venue=venue, order_type=order.order_type).record_since(working.submitted_at)
        elif report.reject_reason:
            rejected.add(1, reject_reason=report.reject_reason, venue=venue)
        elif report.kind == "fill":
            if working.fills == 1:
                first_fill_duration.bind(venue=venue).record_since(working.submitted_at)
            fill_received.add(1, side=order.side, venue=venue)
            fill_notional.record(report.quantity * report.price, venue=venue)
            fill_slippage.record(working.slippage_bps(report.price), order_type=order.order_type)
            self._position += report.quantity if order.side == "buy" else -report.quantity
            position.set(self._position)

    def _end(self, working: WorkingOrder) -> None:
        """Writes the summary of an order that reached its terminal state."""
        del self._working[working.order.client_order_id]
        open_orders.add(-1, venue=working.venue)
        ended.add(1, status=working.status, venue=working.venue)
        lifetime.bind(status=working.status, venue=working.venue).record_since(working.submitted_at)
        context: Context = working.context
        summary = self._tracer.start_span(
            f"order {working.status}",
            context=context,
            attributes=working.summary_attributes(),
            start_time=working.submitted_ns,
        )
        summary.end(max(working.submitted_ns, working.changed_ns))


def trade(execution: Execution, orders: Any, stage: Stage) -> None:
    """Takes orders and reports in turn until the stop."""
    for frames in wire.receive(orders, stage.stop, execution.wait_s):
        if frames:
            execution.on_order(frames)
        execution.on_reports()
    execution.cancel_all()


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the service until it is stopped."""
    arguments = parser("execution", __doc__, receives=True, sends=False).parse_args(argv)
    with (
        Stage("execution", arguments) as stage,
        ot.init("execution", **stage.knobs()) as telemetry,
    ):
        stage.count()
        stage.tell(state="waiting", metrics_url=telemetry.metrics_url)
        execution = Execution(arguments.seed)
        orders = wire.puller(stage.source())
        stage.tell(state="running")
        trade(execution, orders, stage)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
