"""Our own overview: latency, traffic, errors and saturation of each stage from a tick to its fill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from otel_trading.catalogue.dashboards.boards import stages
from otel_trading.catalogue.dashboards.links import logs, runbook
from otel_trading.catalogue.dashboards.model import Dashboard, Link, Panel, Query, Row, Shown, Step, Variable
from otel_trading.catalogue.dashboards.promql import canonical, quantile, rate, share
from otel_trading.catalogue.prometheus_names import label
from otel_trading.catalogue.rules.parameters import Parameters

ERRORS = "log.level:(error OR critical)"
_SWITCH: Mapping[float, Shown] = {0: Shown("off", "green"), 1: Shown("KILLED", "red")}
_BREAKER: Mapping[float, Shown] = {
    0: Shown("closed", "green"),
    1: Shown("half open", "yellow"),
    2: Shown("OPEN", "red"),
}
_TRACE = 'trace_id:"$trace"'


def dashboards(parameters: Parameters) -> tuple[Dashboard, ...]:
    """The one dashboard."""
    return (
        Dashboard(
            PurePosixPath("trading/tick-to-trade.json"),
            "otel-trading-tick-to-trade",
            "From Tick to Trade",
            "Latency, traffic, errors and saturation of market data, signals, risk, orders and fills. "
            "A dot in a panel is an exemplar: it leads to its trace in Jaeger and to the log records of that trace.",
            (Row("Now", _now(parameters), 6), *stages.rows(parameters), Row("Log records", _logs())),
            refresh="5s",
            variables=(
                Variable("venue", "Venue", canonical("trading.md.received"), label("trading.venue")),
                Variable("strategy", "Strategy", canonical("trading.signal.generated"), label("trading.strategy")),
                Variable("trace", "Trace id"),
            ),
            links=(
                runbook(parameters, "trading"),
                logs("Errors in the logs", ERRORS),
                Link("Telemetry itself", "/d/otel-trading-telemetry"),
            ),
        ),
    )


def _now(parameters: Parameters) -> tuple[Panel, ...]:
    trade, ack = float(parameters.values["tick_to_trade_s"]), float(parameters.values["order_ack_s"])
    rejects, loss = float(parameters.values["reject_ratio"]), float(parameters.values["max_daily_loss_usd"])
    rejected = share(rate(canonical("trading.order.rejected")), rate(canonical("trading.order.submitted")))
    below, above = (Step("green"), Step("red", trade)), (Step("red"), Step("yellow", -loss), Step("green", 0))
    panels = {
        "TradingTickToTradeSlow": _number("Tick to trade, P99", _p99("trading.tick_to_trade.duration"), "s", *below),
        "TradingOrderAckSlow": _number(
            "Order acknowledged, P99", _p99("trading.order.ack.duration"), "s", Step("green"), Step("red", ack)
        ),
        "TradingOrdersRejected": _number(
            "Orders rejected", rejected, "percentunit", Step("green"), Step("red", rejects)
        ),
        "TradingDailyLossExceeded": _number(
            "P&L of the day", f"sum({canonical('trading.pnl.daily')})", "currencyUSD", *above
        ),
        "TradingKillSwitchActive": _state("Kill switch", "trading.risk.kill_switch.state", _SWITCH),
        "TradingCircuitBreakerOpen": _state("Circuit breaker", "trading.risk.circuit_breaker.state", _BREAKER),
    }
    return tuple(replace(panel, links=(runbook(parameters, "trading", alert),)) for alert, panel in panels.items())


def _p99(name: str) -> str:
    return quantile(0.99, canonical(name))


def _number(title: str, expr: str, unit: str, *steps: Step) -> Panel:
    return Panel(title, "stat", (Query(expr, title),), unit=unit, steps=steps)


def _state(title: str, name: str, values: Mapping[float, Shown]) -> Panel:
    return Panel(title, "stat", (Query(f"max({canonical(name)})", title),), values=values)


def _logs() -> tuple[Panel, ...]:
    errors = Panel(
        "Latest errors",
        "logs",
        logs=Query(ERRORS),
        description="A record's trace id leads to its trace in Jaeger.",
    )
    trace = Panel(
        "Log records of a trace",
        "logs",
        logs=Query(_TRACE),
        description="Put a trace id into the field above.",
    )
    return errors, trace
