"""Rows of system 002's second dashboard: System Health & Performance."""

from __future__ import annotations

from otel_trading.catalogue.dashboards.model import Panel, Query, Row, Shown, Source, Step
from otel_trading.catalogue.rules.parameters import Parameters

_SERVICES = {
    "Market Data": "market-data",
    "Signal Bridge": "signal-bridge",
    "Risk Manager": "risk-manager",
    "Execution Engine": "execution-engine",
}
_BACKLOG = 'system_zmq_queue_depth{service=~"market_data|signal_bridge"}'


def rows(parameters: Parameters) -> tuple[Row, ...]:
    """The three rows of the drawing."""
    return (
        Row("SERVICE STATUS", tuple(_status(title, job) for title, job in _SERVICES.items())),
        Row("RESOURCE UTILIZATION", (_cpu(), _memory(float(parameters.values["memory_limit_mb"])))),
        Row("NETWORK & MESSAGING", (_queue(), _websocket())),
    )


def _source(panel: str, section: str = "5.1") -> tuple[Source, ...]:
    return (Source("002", section, panel),)


def _status(title: str, job: str) -> Panel:
    return Panel(
        title,
        "stat",
        (Query(f'up{{job="{job}"}}', job),),
        values={1: Shown("✓ OK", "green"), 0: Shown("DOWN", "red")},
        sources=_source(title),
    )


def _cpu() -> Panel:
    return Panel(
        "CPU Usage (%)",
        "gauge",
        (Query("system_cpu_usage_percent", "{{service}}"),),
        unit="percent",
        minimum=0,
        maximum=100,
        steps=(Step("green"), Step("yellow", 60), Step("red", 80)),
        sources=_source("CPU Usage (%)"),
    )


def _memory(most: float) -> Panel:
    return Panel(
        "Memory Usage (MB)",
        "timeseries",
        (Query("system_memory_usage_mb", "{{service}}"),),
        unit="decmbytes",
        style="stacked",
        minimum=0,
        steps=(Step("green"), Step("yellow", 500), Step("red", most)),
        description="The limits are those of one service; the areas are piled up.",
        sources=_source("Memory Usage (MB)"),
    )


def _queue() -> Panel:
    return Panel(
        "ZMQ Queue Depth",
        "timeseries",
        (Query(_BACKLOG, "{{service}} {{queue}}"),),
        minimum=0,
        steps=(Step("green"), Step("yellow", 5_000), Step("red", 10_000)),
        description="Needs honor_labels in the scrape jobs, which set a label service too; the shipped ones have it.",
        sources=(*_source("ZMQ Queue Depth"), *_source("Query 5: ZMQ Queue Backlog", "5.2")),
    )


def _websocket() -> Panel:
    return Panel(
        "WebSocket Status",
        "timeline",
        (Query("market_data_websocket_connection_status", "{{exchange}}"),),
        values={1: Shown("connected", "green"), 0: Shown("disconnected", "red")},
        description="The document defines no such metric; its name is proposed.",
        sources=_source("WebSocket Status"),
    )
