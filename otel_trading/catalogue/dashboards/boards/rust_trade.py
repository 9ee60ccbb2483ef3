"""The dashboard of system 001: the six panels that its document recommends, and a panel for every other metric."""

from __future__ import annotations

from pathlib import PurePosixPath

from otel_trading.catalogue.dashboards import by_kind
from otel_trading.catalogue.dashboards.links import logs, runbook
from otel_trading.catalogue.dashboards.model import Dashboard, Panel, Query, Row, Shown, Source, Step
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.metrics.profiles.reading import read

_SECTION = "Grafana Dashboard (Future Work)"


def dashboards(parameters: Parameters) -> tuple[Dashboard, ...]:
    """The one dashboard; the document has no title for it."""
    return (
        Dashboard(
            PurePosixPath("rust_trade/trading-core.json"),
            "otel-trading-rust-trade-core",
            "Rust Trade - Trading Core",
            "Ticks, their way into the database, and trading on paper.",
            (Row("Recommended Panels", _recommended(), 3), Row("Not recommended by the document", _others(), 3)),
            refresh="15s",
            links=(runbook(parameters, "rust_trade"), logs("Logs", "service.name:*")),
            sources=(Source("001", _SECTION),),
        ),
    )


def _recommended() -> tuple[Panel, ...]:
    return (
        _graph("Tick Processing Rate", "rate(trading_ticks_received_total[1m])", "cps", "Ticks received per second"),
        Panel(
            "Channel Backpressure",
            "gauge",
            (Query("trading_channel_utilization_percent", "utilization"),),
            unit="percent",
            minimum=0,
            maximum=100,
            steps=(Step("green"), Step("yellow", 50), Step("red", 80)),
            sources=_source("Channel Backpressure"),
        ),
        _graph(
            "Batch Performance",
            "histogram_quantile(0.95, rate(trading_batch_insert_duration_seconds_bucket[5m]))",
            "s",
            "P95 batch insert latency",
        ),
        Panel(
            "WebSocket Health",
            "stat",
            (Query("trading_ws_connection_status", "connection"),),
            description="Connection status (1=up, 0=down)",
            values={1: Shown("up", "green"), 0: Shown("down", "red")},
            sources=_source("WebSocket Health"),
        ),
        _graph("Paper Trading Performance", "trading_paper_pnl", "currencyUSD", "Current P&L over time"),
        _graph("Error Rate", "rate(trading_batches_failed_total[5m])", "cps", "Batch failures per second"),
    )


def _graph(title: str, expr: str, unit: str, description: str) -> Panel:
    return Panel(title, "timeseries", (Query(expr, title),), unit=unit, description=description, sources=_source(title))


def _source(panel: str) -> tuple[Source, ...]:
    return (Source("001", _SECTION, panel),)


def _others() -> tuple[Panel, ...]:
    asked = " ".join(query.expr for panel in _recommended() for query in panel.queries)
    return tuple(by_kind.series(by_kind.of_profile(one)) for one in read("rust_trade").metrics if one.name not in asked)
