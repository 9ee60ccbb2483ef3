"""What the services tell each other: ticks, and orders on their way. JSON inside one ZeroMQ frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import orjson

from otel_trading.catalogue.order import OrderType

Side = Literal["buy", "sell"]


@dataclass(frozen=True, slots=True)
class Tick:
    """One market data message.

    Attributes:
        message_type: bookTicker, trade, depthUpdate or depthSnapshot, in the venue's own words.
        sequence: the venue's number of the message.
        previous_sequence: the number the venue says came before; None where the kind of message has no such chain.
        exchange_ns: UTC nanoseconds by the exchange's clock; `receive_ns` by the local one. Their difference mixes
            latency and clock offset and may be negative.
        received_at: monotonic nanoseconds (`ot.now()`) of the receive; 0 until it happened.
    """

    venue: str
    symbol: str
    message_type: str
    sequence: int
    previous_sequence: int | None
    exchange_ns: int
    receive_ns: int
    bid: float | None = None
    ask: float | None = None
    bid_quantity: float | None = None
    ask_quantity: float | None = None
    last: float | None = None
    received_at: int = 0

    @property
    def feed_latency_ns(self) -> int:
        """Receive minus exchange time, negative where the local clock is behind."""
        return self.receive_ns - self.exchange_ns

    def encode(self) -> bytes:
        """Returns the frame."""
        return orjson.dumps(self)

    @classmethod
    def decode(cls, frame: bytes) -> Tick:
        """Returns the tick of a frame; raises ValueError or TypeError if it is none."""
        return cls(**orjson.loads(frame))


@dataclass(frozen=True, slots=True)
class Order:
    """An order that the strategy wants and that risk may let through.

    Attributes:
        reference_price: the mid price the strategy saw.
        tick_received_at: monotonic nanoseconds when the tick behind it was received, for tick-to-trade.
        created_ns: UTC nanoseconds of the decision.
    """

    client_order_id: str
    root_client_order_id: str
    strategy: str
    symbol: str
    side: Side
    quantity: float
    price: float
    reference_price: float
    tick_received_at: int
    created_ns: int
    order_type: OrderType = "limit"
    time_in_force: str = "gtc"

    def encode(self) -> bytes:
        """Returns the frame."""
        return orjson.dumps(self)

    @classmethod
    def decode(cls, frame: bytes) -> Order:
        """Returns the order of a frame; raises ValueError or TypeError if it is none."""
        return cls(**orjson.loads(frame))

    def span_attributes(self) -> dict[str, str | float]:
        """What every span of this order carries."""
        return {
            "trading.order.client_id": self.client_order_id,
            "trading.order.root_client_id": self.root_client_order_id,
            "trading.order.side": self.side,
            "trading.order.type": self.order_type,
            "trading.order.tif": self.time_in_force,
            "trading.order.quantity": self.quantity,
            "trading.symbol": self.symbol,
            "trading.strategy": self.strategy,
        }

    def log_fields(self) -> dict[str, str]:
        """What every log line of this order carries."""
        return {
            "client_order_id": self.client_order_id,
            "root_client_order_id": self.root_client_order_id,
            "symbol": self.symbol,
            "strategy": self.strategy,
        }
