"""A simulated exchange: acknowledges, fills in parts, rejects, cancels what rests too long; one venue is slow."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field

from otel_trading.catalogue.order import OrderRejectReason
from otel_trading.demo.messages import Order

FAST, SLOW = "SIMX", "SLOWX"
_SHARE_OF_SLOW = 0.2
_REJECTS = 0.1
_UNFILLED = 0.12
_RESTS_S = 0.4
_ACK_MS = {FAST: (1.0, 12.0), SLOW: (120.0, 350.0)}
_FILL_MS = {FAST: (2.0, 30.0), SLOW: (20.0, 90.0)}
_REJECT_REASONS: tuple[OrderRejectReason, ...] = ("insufficient_margin", "price_band", "unknown_symbol")


@dataclass(frozen=True, order=True, slots=True)
class Report:
    """What the venue says of an order at a time.

    Attributes:
        due_ns: monotonic nanoseconds.
        kind: ack, reject, fill or cancel.
        final: nothing follows for this order.
    """

    due_ns: int
    number: int
    kind: str = field(compare=False)
    client_order_id: str = field(compare=False)
    venue_order_id: str = field(compare=False, default="")
    execution_id: str = field(compare=False, default="")
    quantity: float = field(compare=False, default=0.0)
    price: float = field(compare=False, default=0.0)
    reject_reason: OrderRejectReason | None = field(compare=False, default=None)
    cancel_reason: str = field(compare=False, default="")
    final: bool = field(compare=False, default=False)


class Exchange:
    """Takes orders and hands out reports when they are due. Used by one thread."""

    def __init__(self, seed: int, prefix: str) -> None:
        """Opens for trading; `seed` decides every outcome, `prefix` makes ids unique across runs."""
        self._rng = random.Random(seed)
        self._prefix = prefix
        self._reports: list[Report] = []
        self._orders = self._executions = self._numbers = 0

    def route(self) -> str:
        """Returns the venue that the next order goes to."""
        return SLOW if self._rng.random() < _SHARE_OF_SLOW else FAST

    def submit(self, order: Order, venue: str, now_ns: int) -> None:
        """Decides an order's whole future and queues the reports of it; `now_ns` is monotonic."""
        self._orders += 1
        venue_order_id = f"{venue}-{self._prefix}-{self._orders}"
        at_ns = now_ns + self._milliseconds(_ACK_MS[venue])
        if self._rng.random() < _REJECTS:
            reason = self._rng.choice(_REJECT_REASONS)
            self._queue(at_ns, "reject", order, venue_order_id, reject_reason=reason, final=True)
            return
        self._queue(at_ns, "ack", order, venue_order_id)
        unfilled = self._rng.random() < _UNFILLED
        parts = self._rng.randint(1, 4)
        for part in range(1, parts + 1):
            if unfilled and part == parts:
                at_ns += int(_RESTS_S * 1e9)
                self._queue(at_ns, "cancel", order, venue_order_id, cancel_reason="rested_too_long", final=True)
                return
            at_ns += self._milliseconds(_FILL_MS[venue])
            self._fill(at_ns, order, venue_order_id, round(order.quantity / parts, 6), final=part == parts)

    def due(self, now_ns: int) -> list[Report]:
        """Returns the reports that are due, in order of time."""
        reports = []
        while self._reports and self._reports[0].due_ns <= now_ns:
            reports.append(heapq.heappop(self._reports))
        return reports

    def next_due_ns(self) -> int | None:
        """Returns when the next report is due, None if none waits."""
        return self._reports[0].due_ns if self._reports else None

    def close(self) -> None:
        """Forgets every report that is not due yet: the connection is gone."""
        self._reports.clear()

    def _fill(self, at_ns: int, order: Order, venue_order_id: str, quantity: float, *, final: bool) -> None:
        self._executions += 1
        self._queue(
            at_ns,
            "fill",
            order,
            venue_order_id,
            execution_id=f"X{self._prefix}-{self._executions}",
            quantity=quantity,
            price=round(order.price * (1 + self._rng.gauss(0, 1e-5)), 2),
            final=final,
        )

    def _queue(
        self,
        due_ns: int,
        kind: str,
        order: Order,
        venue_order_id: str,
        *,
        execution_id: str = "",
        quantity: float = 0.0,
        price: float = 0.0,
        reject_reason: OrderRejectReason | None = None,
        cancel_reason: str = "",
        final: bool = False,
    ) -> None:
        self._numbers += 1
        report = Report(
            due_ns,
            self._numbers,
            kind,
            order.client_order_id,
            venue_order_id,
            execution_id,
            quantity,
            price,
            reject_reason,
            cancel_reason,
            final,
        )
        heapq.heappush(self._reports, report)

    def _milliseconds(self, bounds: tuple[float, float]) -> int:
        return int(self._rng.uniform(*bounds) * 1e6)
