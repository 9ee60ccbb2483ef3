"""The two dashboards of system 002 as its document draws them, and a row of what it names elsewhere."""

from __future__ import annotations

from pathlib import PurePosixPath

from otel_trading.catalogue.dashboards import by_kind
from otel_trading.catalogue.dashboards.boards.py_rt_health import rows as health
from otel_trading.catalogue.dashboards.boards.py_rt_operations import rows as operations
from otel_trading.catalogue.dashboards.links import logs, runbook
from otel_trading.catalogue.dashboards.model import Dashboard, Panel, Row, Source
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.metrics.profiles.reading import read

_NAMES = '("market-data" OR "signal-bridge" OR "risk-manager" OR "execution-engine")'
_SERVICES = {
    "Market Data": ("market_data_",),
    "Signal Bridge": ("signal_bridge_",),
    "Risk Manager": ("risk_manager_",),
    "Execution Engine": ("execution_engine_",),
    "Business": ("trading_",),
    "System": ("system_", "zmq_"),
}


def dashboards(parameters: Parameters) -> tuple[Dashboard, ...]:
    """Both, and one with everything that neither shows."""
    links = (runbook(parameters, "py_rt"), logs("Logs", f"service.name:{_NAMES}"))
    return (
        Dashboard(
            PurePosixPath("py_rt/operations.json"),
            "otel-trading-py-rt-operations",
            "Real-Time Trading Operations",
            "P&L, orders and errors of the four services.",
            operations(parameters),
            refresh="5s",
            links=links,
            sources=(Source("002", "5.1"), Source("002", "5.2"), Source("002", "9.1")),
        ),
        Dashboard(
            PurePosixPath("py_rt/health.json"),
            "otel-trading-py-rt-health",
            "System Health & Performance",
            "Whether the four services are up, and what they take.",
            health(parameters),
            refresh="30s",
            links=links,
            sources=(Source("002", "5.1"), Source("002", "5.2")),
        ),
        Dashboard(
            PurePosixPath("py_rt/services.json"),
            "otel-trading-py-rt-services",
            "Services in Detail",
            "Every metric of the four services, by service.",
            tuple(Row(title, _all(*begins), 3) for title, begins in _SERVICES.items()),
            refresh="30s",
            links=links,
        ),
    )


def _all(*begins: str) -> tuple[Panel, ...]:
    metrics = (one for one in read("py_rt").metrics if one.name.startswith(begins))
    return tuple(by_kind.series(by_kind.of_profile(one)) for one in metrics)
