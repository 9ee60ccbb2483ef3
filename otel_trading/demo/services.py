"""The four services of the demo, in the order of the way of an order: what to start and what to watch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Attributes:
        name: its `service.name`.
        module: what `python -m` runs.
        receives: gets messages from the service before it in `SERVICES`.
        counter: the Prometheus counter whose rate the screen shows, in `counted` a second.
        duration: the Prometheus histogram (seconds) whose quantiles the screen shows, described by `timed`.
    """

    name: str
    module: str
    receives: bool
    counter: str
    counted: str
    duration: str
    timed: str


SERVICES = (
    Service(
        name="market-data",
        module="otel_trading.demo.market_data",
        receives=False,
        counter="trading_md_received_total",
        counted="ticks",
        duration="trading_md_processing_duration_seconds",
        timed="receive to published",
    ),
    Service(
        name="signal",
        module="otel_trading.demo.signals",
        receives=True,
        counter="trading_signal_generated_total",
        counted="signals",
        duration="trading_strategy_duration_seconds",
        timed="one look at a tick",
    ),
    Service(
        name="risk",
        module="otel_trading.demo.risk",
        receives=True,
        counter="trading_risk_orders_total",
        counted="checks",
        duration="trading_risk_pretrade_duration_seconds",
        timed="all rules on an order",
    ),
    Service(
        name="execution",
        module="otel_trading.demo.execution",
        receives=True,
        counter="trading_order_ended_total",
        counted="orders ended",
        duration="trading_order_ack_duration_seconds",
        timed="submit to acknowledged",
    ),
)

MARKET_DATA = SERVICES[0].name
ORDER_STAGES = tuple(service.name for service in SERVICES[1:])
"""The services whose spans a complete order's trace holds; market data's is linked."""
