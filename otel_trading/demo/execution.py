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
from otel_trading.context import zeromq
from otel_trading.demo import wire
from otel_trading.demo.messages import Order
from otel_trading.demo.stage import Stage, parser
from otel_trading.demo.venue import FAST, SLOW, Exchange, Report
from otel_trading.demo.working_order import WorkingOrder

_LONGEST_WAIT_S = 0.05
_STATUSES = ("filled", "canceled", "rejected")


class Execution:
    """Submits orders and writes down what the venue reports."""

    def __init__(self, seed: int) -> None:
        """Opens the venue and makes the instruments."""
        meter = ot.meter()
        self._venue = Exchange(seed, f"{time.time_ns() // 1_000_000:x}")
        self._working: dict[str, WorkingOrder] = {}
        self._log, self._tracer = ot.get_logger("demo.execution"), ot.tracer()
        submitted = meter.create_counter("trading.order.submitted", "{order}", "Orders sent to a venue")
        ended = meter.create_counter("trading.order.ended", "{order}", "Orders in a terminal state")
        fills = meter.create_counter("trading.order.fills", "{fill}", "Partial and last fills")
        ack = meter.create_histogram("trading.order.ack.duration", "s", "Submit to acknowledgement")
        trade = meter.create_histogram("trading.order.tick_to_trade.duration", "s", "Tick received to order sent")
        life = meter.create_histogram("trading.order.lifetime", "s", "Submit to terminal state")
        venues = (FAST, SLOW)
        self._submitted = {venue: ot.bind(submitted, {"trading.venue": venue}) for venue in venues}
        self._fills = {venue: ot.bind(fills, {"trading.venue": venue}) for venue in venues}
        self._ack = {venue: ot.bind(ack, {"trading.venue": venue}) for venue in venues}
        self._trade, self._life = ot.bind(trade, {}), ot.bind(life, {})
        self._ended = {status: ot.bind(ended, {"trading.order.status": status}) for status in _STATUSES}

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
            self._trade.record_since(order.tick_received_at)
            self._submitted[venue].add(1)
            # A message to a real exchange never gets a trace header; the client order id correlates.
            self._venue.submit(order, venue, ot.now())
            self._working[order.client_order_id] = WorkingOrder(
                order, venue, context, span.get_span_context(), time.time_ns(), ot.now()
            )
            self._log.info("order submitted", venue=venue, price=order.price, **order.log_fields())

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
            report = Report(0, number, "cancel", working.order.client_order_id, reason="shutdown", final=True)
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
            if report.kind == "reject":
                span.set_status(StatusCode.ERROR, report.reason)
            if report.kind == "ack":
                self._ack[working.venue].record_since(working.submitted_at)
            elif report.kind == "fill":
                self._fills[working.venue].add(1)
            write = self._log.warning if report.kind == "reject" else self._log.info
            write(working.sentence(report), **working.report_log_fields(report))

    def _end(self, working: WorkingOrder) -> None:
        """Writes the summary of an order that reached its terminal state."""
        del self._working[working.order.client_order_id]
        self._ended[working.status].add(1)
        self._life.record_since(working.submitted_at)
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
    views = [ot.HistogramView("trading.order.*", boundaries=ot.boundaries.MILLISECONDS)]
    with (
        Stage("execution", arguments) as stage,
        ot.init("execution", views=views, **stage.knobs()) as telemetry,
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
