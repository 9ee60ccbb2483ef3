"""The five dashboards of system 000, which its document names and does not draw: every metric is on one of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import PurePosixPath

from otel_trading.catalogue.dashboards import by_kind
from otel_trading.catalogue.dashboards.boards import waiver_rows
from otel_trading.catalogue.dashboards.links import logs, runbook
from otel_trading.catalogue.dashboards.model import Dashboard, Panel, Query, Row, Shown, Source, Step, Variable
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.metrics.profiles.reading import read

_SOURCE = (Source("000", "10.2"),)
_FIRING = 'ALERTS{alertstate="firing",profile=~"$profile"}'
_TITLES = {
    "System Overview": "Overall health and performance",
    "Trading Activity": "Business metrics and KPIs",
    "Performance": "Latency and throughput analysis",
    "Infrastructure": "Resource utilization and health",
    "Alerts": "Current alerts and historical trends",
}


def dashboards(parameters: Parameters) -> tuple[Dashboard, ...]:
    """All five, in the order of the document."""
    return tuple(_dashboard(title, parameters) for title in _TITLES)


def _dashboard(title: str, parameters: Parameters) -> Dashboard:
    name = title.lower().replace(" ", "-")
    listed = waiver_rows.ROWS.get(title, {})
    rows = tuple(_row(heading, names, parameters) for heading, names in listed.items())
    profile = Variable("profile", "Profile", "ALERTS", "profile")
    return Dashboard(
        PurePosixPath(f"waiver/{name}.json"),
        f"otel-trading-waiver-{name}",
        title,
        f"{_TITLES[title]}.",
        rows or _alerts(parameters),
        refresh="10s",
        variables=() if rows else (profile,),
        links=(runbook(parameters, "waiver"), logs("Logs", "service.name:waiver*")),
        sources=_SOURCE,
    )


def _row(title: str, names: Iterable[str], parameters: Parameters) -> Row:
    return Row(title, tuple(_panel(name, parameters) for name in names), 3)


@cache
def _known() -> Mapping[str, by_kind.Measured]:
    return {one.name: by_kind.of_profile(one) for one in read("waiver").metrics}


def _panel(name: str, parameters: Parameters) -> Panel:
    panel = by_kind.series(_known()[name], _SOURCE)
    return replace(panel, steps=waiver_rows.limits(name, parameters))


def _alerts(parameters: Parameters) -> tuple[Row, ...]:
    return (
        Row(
            "Current alerts",
            (
                Panel(
                    "Firing",
                    "stat",
                    (Query(f"count({_FIRING}) or vector(0)", "alerts"),),
                    steps=(Step("green"), Step("red", 1)),
                    sources=_SOURCE,
                ),
                Panel("Alerts", "alerts", rows=20, sources=_SOURCE),
                Panel("Firing, by name", "table", (Query(f"sum by (alertname, severity, team) ({_FIRING})"),)),
            ),
            3,
        ),
        Row("Historical trends", _trends()),
        Row("Changes", _changes(parameters)),
        _row("What alerts look at", waiver_rows.WATCHED, parameters),
    )


def _trends() -> tuple[Panel, ...]:
    by_severity = Query(f"sum by (severity) ({_FIRING})", "{{severity}}")
    states = Query(f"max by (alertname) ({_FIRING})", "{{alertname}}")
    often = Query(f"topk(10, sum by (alertname) (count_over_time({_FIRING}[1d])))", "{{alertname}}")
    return (
        Panel("Firing, by severity", "timeseries", (by_severity,), style="stacked", minimum=0, sources=_SOURCE),
        Panel("When each fired", "timeline", (states,), values={1: Shown("fires", "red")}, sources=_SOURCE),
        Panel("Evaluations that fired within a day", "timeseries", (often,), minimum=0, sources=_SOURCE),
    )


def _changes(parameters: Parameters) -> tuple[Panel, ...]:
    hot = "waiver:symbol_orders:rate1h / waiver:symbol_orders:usual_rate1h"
    return (
        _usual("Throughput", "waiver:orders", "cps"),
        _usual("Trade volume", "waiver:volume", "cps"),
        Panel(
            "Orders of a symbol, times the usual",
            "timeseries",
            (Query(hot, "{{symbol}}"),),
            unit="suffix: times",
            minimum=0,
            steps=(Step("green"), Step("yellow", float(parameters.values["hot_symbol_ratio"]))),
            description="The usual is the mean of the same hour of the last seven days.",
            sources=_SOURCE,
        ),
    )


def _usual(title: str, name: str, unit: str) -> Panel:
    return Panel(
        f"{title} and the usual one",
        "timeseries",
        (Query(f"{name}:rate1h", "the last hour"), Query(f"{name}:usual_rate1h", "usual")),
        unit=unit,
        minimum=0,
        description="The usual is the mean of the same hour of the last seven days.",
        sources=_SOURCE,
    )
