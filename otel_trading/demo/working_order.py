"""One order between submit and its end: what it remembers, and what its spans and log lines say."""

from __future__ import annotations

from dataclasses import dataclass, field

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext

from otel_trading.catalogue.order import OrderStatus
from otel_trading.demo.messages import Order
from otel_trading.demo.venue import Report

Values = dict[str, str | int | float]

_EVENTS = {
    "ack": "trading.order.acknowledged",
    "reject": "trading.order.rejected",
    "cancel": "trading.order.canceled",
    "fill": "trading.order.filled",
}
_SENTENCES = {"ack": "order acknowledged", "reject": "order rejected by venue", "cancel": "order canceled"}
_STATUSES: dict[str, OrderStatus] = {"ack": "new", "reject": "rejected", "cancel": "canceled"}


@dataclass(slots=True)
class WorkingOrder:
    """State of an order at a venue, in the words of FIX OrdStatus.

    Attributes:
        context: of the order's trace, as it came from risk; every transition is its child.
        submit: the span that submitted it, to which the transitions link.
        submitted_ns: UTC nanoseconds; `submitted_at` monotonic.
        changed_ns: UTC nanoseconds of the last report.
    """

    order: Order
    venue: str
    context: Context
    submit: SpanContext
    submitted_ns: int
    submitted_at: int
    status: OrderStatus = "pending_new"
    venue_order_id: str = ""
    fills: int = 0
    filled: float = 0.0
    cost: float = 0.0
    first_ack_ns: int = 0
    changed_ns: int = field(default=0)

    def apply(self, report: Report, now_ns: int) -> None:
        """Moves to the state after this report."""
        self.changed_ns = now_ns
        self.venue_order_id = report.venue_order_id or self.venue_order_id
        if report.kind == "ack":
            self.first_ack_ns = now_ns
        if report.kind == "fill":
            self.fills += 1
            self.filled += report.quantity
            self.cost += report.quantity * report.price
            self.status = "filled" if report.final else "partially_filled"
        else:
            self.status = _STATUSES[report.kind]

    def link_to_submit(self) -> Link:
        """The link each transition carries."""
        return Link(self.submit, {"link.kind": "submit"})

    def sentence(self, report: Report) -> str:
        """What the log line of a report says."""
        if report.kind == "fill":
            return "order filled" if report.final else "order partially filled"
        return _SENTENCES[report.kind]

    def report_attributes(self, report: Report) -> Values:
        """Attributes of a transition's span."""
        found = self._common() | _amounts_and_reasons(report)
        if report.kind == "fill":
            found["trading.execution.id"] = report.execution_id
            found["trading.execution.slippage_bps"] = round(self.slippage_bps(report.price), 3)
        return found

    def report_log_fields(self, report: Report) -> Values:
        """Key-values of a transition's log line."""
        found: Values = {"event_name": _EVENTS[report.kind], **self.order.log_fields(), "venue": self.venue}
        found["trading.order.status"] = self.status
        if self.venue_order_id:
            found["order_id"] = self.venue_order_id
        if report.kind == "fill":
            found["exec_id"] = report.execution_id
        return found | _amounts_and_reasons(report)

    def summary_attributes(self) -> Values:
        """Attributes of the summary span: counts, first acknowledgement, total duration."""
        found = self._common()
        found["trading.order.fills"] = self.fills
        found["trading.order.filled_quantity"] = self.filled
        found["trading.order.duration_ns"] = max(0, self.changed_ns - self.submitted_ns)
        if self.first_ack_ns:
            found["trading.order.first_ack_ns"] = max(0, self.first_ack_ns - self.submitted_ns)
        if self.filled:
            found["trading.order.average_price"] = round(self.cost / self.filled, 4)
            found["trading.order.slippage_bps"] = round(self.slippage_bps(self.cost / self.filled), 3)
        return found

    def _common(self) -> Values:
        found: Values = {**self.order.span_attributes()}
        found["trading.venue"] = self.venue
        found["trading.order.status"] = self.status
        if self.venue_order_id:
            found["trading.order.id"] = self.venue_order_id
        return found

    def slippage_bps(self, price: float) -> float:
        """Signed basis points against the mid the strategy saw; positive is worse than it."""
        sign = 1 if self.order.side == "buy" else -1
        return sign * (price / self.order.reference_price - 1) * 10_000


def _amounts_and_reasons(report: Report) -> Values:
    """What spans and log lines of a transition both say of it."""
    found: Values = {}
    if report.kind == "fill":
        found["trading.execution.quantity"] = report.quantity
        found["trading.execution.price"] = report.price
    if report.reject_reason:
        found["trading.order.reject_reason"] = report.reject_reason
    if report.cancel_reason:
        found["trading.order.reason"] = report.cancel_reason
    return found
