"""Our own overview: latency, traffic, errors and saturation of each stage from a tick to its fill."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from otel_trading.catalogue.dashboards.boards import stages
from otel_trading.catalogue.dashboards.links import logs, runbook
from otel_trading.catalogue.dashboards.model import Dashboard, Link, Panel, Query, Row, Shown, Step, Variable
from otel_trading.catalogue.dashboards.promql import canonical, label, quantile, rate, share
from otel_trading.catalogue.rules.parameters import Parameters

ERRORS = "log.level:(error OR critical)"
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
    links = (runbook(parameters, "trading"),)
    trade, ack = float(parameters.values["tick_to_trade_s"]), float(parameters.values["order_ack_s"])
    rejects = float(parameters.values["reject_ratio"])
    rejected = share(rate(canonical("trading.order.rejected")), rate(canonical("trading.order.submitted")))
    states: Mapping[float, Shown] = {0: Shown("off", "green"), 1: Shown("KILLED", "red")}
    breaker: Mapping[float, Shown] = {
        0: Shown("closed", "green"),
        1: Shown("half open", "yellow"),
        2: Shown("OPEN", "red"),
    }
    return (
        _number("Tick to trade, P99", quantile(0.99, canonical("trading.tick_to_trade.duration")), "s", trade, links),
        _number("Order acknowledged, P99", quantile(0.99, canonical("trading.order.ack.duration")), "s", ack, links),
        _number("Orders rejected", rejected, "percentunit", rejects, links),
        Panel(
            "P&L of the day",
            "stat",
            (Query(f"sum({canonical('trading.pnl.daily')})", "all strategies"),),
            unit="currencyUSD",
            steps=(Step("red"), Step("yellow", -float(parameters.values["max_daily_loss_usd"])), Step("green", 0)),
            links=links,
        ),
        _state("Kill switch", "trading.risk.kill_switch.state", states, links),
        _state("Circuit breaker", "trading.risk.circuit_breaker.state", breaker, links),
    )


def _number(title: str, expr: str, unit: str, most: float, links: tuple[Link, ...]) -> Panel:
    steps = (Step("green"), Step("red", most))
    return Panel(title, "stat", (Query(expr, title),), unit=unit, steps=steps, links=links)


def _state(title: str, name: str, values: Mapping[float, Shown], links: tuple[Link, ...]) -> Panel:
    return Panel(title, "stat", (Query(f"max({canonical(name)})", title),), values=values, links=links)


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
