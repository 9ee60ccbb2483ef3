"""The pre-trade rules of the risk service. Each looks at one order and returns a reason to refuse it, or None."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from otel_trading.demo.messages import Order

MAX_POSITION = 6.0
COLLAR = 0.01
ORDERS_PER_S = 5.0
ORDER_BURST = 4.0


class PriceCollar:
    """Refuses prices further than 1 % from what the strategy saw: a slip of the finger."""

    name: Final = "price_collar"

    def refuse(self, order: Order, now_ns: int) -> str | None:
        """Returns `price_outside_collar` or None."""
        away = abs(order.price / order.reference_price - 1)
        return "price_outside_collar" if away > COLLAR + 1e-9 else None  # exactly 1 % is allowed, rounding or not


class PositionLimit:
    """Refuses what would take the position of a symbol past the limit.

    Counts approved orders as filled: the cautious reading, because this service does not hear of fills.
    """

    name: Final = "position_limit"

    def __init__(self) -> None:
        self._positions: dict[str, float] = defaultdict(float)

    def refuse(self, order: Order, now_ns: int) -> str | None:
        """Returns `position_limit` or None."""
        after = self._positions[order.symbol] + _signed(order)
        return "position_limit" if abs(after) > MAX_POSITION else None

    def approved(self, order: Order) -> float:
        """Books an approved order and returns the position after it."""
        self._positions[order.symbol] += _signed(order)
        return self._positions[order.symbol]


class OrderRate:
    """Refuses orders beyond five a second, with a burst of four (a token bucket)."""

    name: Final = "order_rate"

    def __init__(self) -> None:
        self._tokens = ORDER_BURST
        self._last_ns: int | None = None

    def refuse(self, order: Order, now_ns: int) -> str | None:
        """Returns `order_rate` or None, which takes a token. `now_ns` is monotonic."""
        if self._last_ns is not None:
            self._tokens = min(ORDER_BURST, self._tokens + (now_ns - self._last_ns) / 1e9 * ORDERS_PER_S)
        self._last_ns = now_ns
        if self._tokens < 1:
            return "order_rate"
        self._tokens -= 1
        return None


def _signed(order: Order) -> float:
    return order.quantity if order.side == "buy" else -order.quantity
