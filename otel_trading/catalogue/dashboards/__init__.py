"""Grafana's dashboards, made of the catalogue: those of the five systems, and our own.

What a dashboard is stands in `model.py` and `boards/` and needs nothing else; `files()` writes Grafana's JSON, which
needs the extra `dashboards`: without it there are none, and `extra.missing()` says what to install.
"""

from __future__ import annotations

from pathlib import Path

from otel_trading.catalogue.dashboards import extra, of_registry
from otel_trading.catalogue.dashboards.boards import (
    bog,
    capacity,
    objectives,
    overview,
    perf,
    py_rt,
    rust_trade,
    telemetry,
    waiver,
)
from otel_trading.catalogue.dashboards.model import Dashboard
from otel_trading.catalogue.model import Registry
from otel_trading.catalogue.rules.parameters import Parameters

FOLDER = Path("collector-config/grafana/dashboards")
_BOARDS = (overview, objectives, capacity, telemetry, waiver, rust_trade, py_rt, perf, bog)


def ours(parameters: Parameters) -> tuple[Dashboard, ...]:
    """Every dashboard, with the limits that a user sets."""
    return tuple(one for board in _BOARDS for one in board.dashboards(parameters))


def files(parameters: Parameters) -> dict[Path, str]:
    """The text of each dashboard by its path from the top of the checkout; none without the extra `dashboards`."""
    if extra.missing():
        return {}
    from otel_trading.catalogue.dashboards.written import text

    return {FOLDER / one.path: text(one) for one in ours(parameters)}


def files_of_users(registry: Registry, out: Path) -> dict[Path, str]:
    """The text of the dashboard of a user's registry by its path; none without metrics or the extra `dashboards`.

    Args:
        registry: as it was read.
        out: directory of the package.
    """
    if extra.missing() or not registry.metrics:
        return {}
    from otel_trading.catalogue.dashboards.written import text

    return {out / of_registry.FILE: text(of_registry.dashboard(registry))}
