"""A row for each stage from a tick to its fill: latency, traffic, errors, saturation."""

from __future__ import annotations

from dataclasses import replace

from otel_trading.catalogue.dashboards.links import logs, runbook
from otel_trading.catalogue.dashboards.model import Link, Panel, Query, Row, Step
from otel_trading.catalogue.dashboards.promql import canonical, legend, quantile, rate, selected, share
from otel_trading.catalogue.prometheus_names import label
from otel_trading.catalogue.rules.parameters import Parameters

_VENUE = 'trading_venue=~"$venue"'
_ALERTS = {
    "Gaps, stale data, lost connections, a second": "TradingFeedGaps",
    "Silence of a channel": "TradingFeedStale",
    "Decisions, a second": "TradingStrategySilent",
    "Checked orders, a second": "TradingOrdersDenied",
    "Position limit in use": "TradingPositionNearLimit",
    "Tick to trade, P50 and P99": "TradingTickToTradeSlow",
    "Rejects, failed routes, failed calls, a second": "TradingOrdersRejected",
    "Dropped fills, drop copy mismatches, a second": "TradingFillsDropped",
    "P&L of the day": "TradingDailyLossExceeded",
    "Corrected positions, a second": "TradingPositionDrift",
    "Value of positions": "TradingPositionAboveLimit",
}
"""Which alert tells of what a panel shows, by its title."""
_STRATEGY = 'trading_strategy=~"$strategy"'


def rows(parameters: Parameters) -> tuple[Row, ...]:
    """Market data, signals, risk, orders, fills, positions."""
    stages = {
        "Market data": (_market_data(parameters), "message:feed"),
        "Signals": (_signals(), "message:signal"),
        "Risk": (_risk(), "message:(risk OR denied)"),
        "Orders": (_orders(parameters), "message:order"),
        "Fills": (_fills(), "message:filled"),
        "Positions and P&L": (_positions(parameters), "message:position"),
    }
    return tuple(
        Row(title, tuple(_linked(panel, parameters, logs(f"Logs: {title.lower()}", lucene)) for panel in panels))
        for title, (panels, lucene) in stages.items()
    )


def _linked(panel: Panel, parameters: Parameters, records: Link) -> Panel:
    return replace(panel, links=(records, runbook(parameters, "trading", _ALERTS.get(panel.title, ""))))


def _market_data(parameters: Parameters) -> tuple[Panel, ...]:
    quiet = float(parameters.values["feed_quiet_s"])
    venue = label("trading.venue")
    channel = label("trading.md.channel")
    age = selected(canonical("trading.md.last_message.age"), _VENUE)
    return (
        _latency("Processing of a message", "trading.md.processing.duration", _VENUE),
        _traffic("Messages", "trading.md.received", "trading.venue", _VENUE),
        _errors(
            "Gaps, stale data, lost connections",
            ("gaps", "trading.md.gaps", _VENUE),
            ("stale", "trading.md.stale.detections", _VENUE),
            ("connections", "trading.md.connection.failures", _VENUE),
        ),
        Panel(
            "Silence of a channel",
            "timeseries",
            (Query(f"max by ({venue}, {channel}) ({age})", legend(venue, channel)),),
            unit="s",
            steps=(Step("green"), Step("red", quiet)),
        ),
    )


def _signals() -> tuple[Panel, ...]:
    age = canonical("trading.signal.tick.age")
    return (
        _latency("Decision", "trading.signal.duration", _STRATEGY),
        _traffic("Decisions", "trading.signal.generated", "signal.type", _STRATEGY),
        _errors("Errors of models", ("errors", "trading.signal.inference.errors", "")),
        Panel(
            "Age of the tick that is decided on, P99",
            "timeseries",
            (Query(quantile(0.99, age, where=_STRATEGY), "P99"),),
            unit="s",
        ),
    )


def _risk() -> tuple[Panel, ...]:
    symbol = label("trading.symbol")
    used = share(f"max by ({symbol}) (abs({canonical('trading.risk.position.projected')}))", _limit(symbol))
    return (
        _latency("Checks of an order", "trading.risk.pretrade.duration", ""),
        _traffic("Checked orders", "trading.risk.orders", "risk.result", _STRATEGY),
        _errors("Failed checks", ("failures", "trading.risk.failures", "")),
        Panel(
            "Position limit in use",
            "timeseries",
            (Query(used, legend(symbol)),),
            unit="percentunit",
            minimum=0,
            steps=(Step("green"), Step("yellow", 0.9), Step("red", 1)),
            description="With what open orders could add.",
        ),
    )


def _limit(symbol: str) -> str:
    return f"max by ({symbol}) ({canonical('trading.position.limit')})"


def _orders(parameters: Parameters) -> tuple[Panel, ...]:
    budget = float(parameters.values["tick_to_trade_s"])
    venue = label("trading.venue")
    resting = selected(canonical("trading.order.open"), _VENUE)
    return (
        replace(
            _latency("Tick to trade", "trading.tick_to_trade.duration", f"{_VENUE},{_STRATEGY}"),
            steps=(Step("green"), Step("red", budget)),
        ),
        _traffic("Orders sent", "trading.order.submitted", "trading.order.submit.result", _VENUE),
        _errors(
            "Rejects, failed routes, failed calls",
            ("rejected", "trading.order.rejected", _VENUE),
            ("routing", "trading.order.route.errors", ""),
            ("calls", "trading.venue.api.failures", _VENUE),
        ),
        Panel(
            "Open orders",
            "timeseries",
            (Query(f"sum by ({venue}) ({resting})", legend(venue)),),
            minimum=0,
        ),
    )


def _fills() -> tuple[Panel, ...]:
    slippage = canonical("trading.fill.slippage")
    return (
        _latency("Order to first fill", "trading.order.first_fill.duration", _VENUE),
        _traffic("Fills", "trading.fill.received", "trading.order.side", _VENUE),
        _errors(
            "Dropped fills, drop copy mismatches",
            ("dropped", "trading.fill.dropped", ""),
            ("mismatches", "trading.drop_copy.mismatches", _VENUE),
        ),
        Panel(
            "Slippage, P50 and P95",
            "timeseries",
            tuple(Query(quantile(of, slippage), f"P{of * 100:g}") for of in (0.5, 0.95)),
            unit="suffix: bps",
        ),
    )


def _positions(parameters: Parameters) -> tuple[Panel, ...]:
    strategy, symbol = label("trading.strategy"), label("trading.symbol")
    daily = selected(canonical("trading.pnl.daily"), _STRATEGY)
    loss = float(parameters.values["max_daily_loss_usd"])
    most = float(parameters.values["max_position_usd"])
    return (
        _latency("Position after a fill", "trading.position.update.duration", ""),
        Panel(
            "P&L of the day",
            "timeseries",
            (Query(f"sum by ({strategy}) ({daily})", legend(strategy)),),
            unit="currencyUSD",
            steps=(Step("red"), Step("green", -loss)),
        ),
        _errors("Corrected positions", ("corrections", "trading.position.corrections", _VENUE)),
        Panel(
            "Value of positions",
            "timeseries",
            (Query(f"sum by ({symbol}) ({canonical('trading.position.value')})", legend(symbol)),),
            unit="currencyUSD",
            steps=(Step("green"), Step("red", most)),
        ),
    )


def _latency(title: str, name: str, where: str) -> Panel:
    queries = tuple(Query(quantile(of, canonical(name), where=where), f"P{of * 100:g}") for of in (0.5, 0.99))
    return Panel(f"{title}, P50 and P99", "timeseries", queries, unit="s", minimum=0)


def _traffic(title: str, name: str, by: str, where: str) -> Panel:
    key = label(by)
    query = Query(rate(canonical(name), key, where=where), legend(key))
    return Panel(f"{title}, a second", "timeseries", (query,), unit="cps", minimum=0)


def _errors(title: str, *counters: tuple[str, str, str]) -> Panel:
    queries = tuple(Query(rate(canonical(name), where=where), said) for said, name, where in counters)
    return Panel(f"{title}, a second", "timeseries", queries, unit="cps", minimum=0, style="stacked")
