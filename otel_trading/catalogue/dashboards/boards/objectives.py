"""The board of service level objectives: how much of each budget is left, and how fast it burns."""

from __future__ import annotations

from pathlib import PurePosixPath

from otel_trading.catalogue.dashboards.links import runbook
from otel_trading.catalogue.dashboards.model import Dashboard, Panel, Query, Row, Step, Variable
from otel_trading.catalogue.rules.parameters import Parameters

_WHERE = '{profile=~"$profile"}'
_LEGEND = "{{profile}} {{slo}}"
_WINDOWS = {"5m": "5 minutes", "1h": "an hour", "6h": "6 hours", "3d": "3 days"}


def dashboards(parameters: Parameters) -> tuple[Dashboard, ...]:
    """The one dashboard."""
    return (
        Dashboard(
            PurePosixPath("trading/objectives.json"),
            "otel-trading-objectives",
            "Service Level Objectives",
            "What each objective allows to fail in 30 days, how much of that is left, and how fast it is used up.",
            (
                Row("Budgets", _budgets(), 2),
                Row("How fast they burn", tuple(map(_burn, _WINDOWS)), 2),
                Row("Availability", (_up(),)),
            ),
            refresh="30s",
            back="6h",
            variables=(Variable("profile", "Profile", "slo:objective:ratio", "profile"),),
            links=(runbook(parameters, "trading"),),
        ),
    )


def _budgets() -> tuple[Panel, ...]:
    kept = f"min by (profile, slo) (1 - slo:errors:ratio_rate1h{_WHERE})"
    left = f"min by (profile, slo) (slo:error_budget:left_ratio{_WHERE})"
    return (
        Panel(
            "Budget of 30 days that is left",
            "gauge",
            (Query(left, _LEGEND),),
            unit="percentunit",
            minimum=0,
            maximum=1,
            steps=(Step("red"), Step("yellow", 0.1), Step("green", 0.5)),
        ),
        Panel("Kept within the last hour", "table", (Query(kept),), unit="percentunit"),
    )


def _burn(window: str) -> Panel:
    errors = f"max by (profile, slo) (slo:errors:ratio_rate{window}{_WHERE})"
    allowed = f"max by (profile, slo) (1 - slo:objective:ratio{_WHERE})"
    return Panel(
        f"Burn over {_WINDOWS[window]}",
        "timeseries",
        (Query(f"{errors} / on (profile, slo) {allowed}", _LEGEND),),
        unit="suffix: times",
        minimum=0,
        steps=(Step("green"), Step("yellow", 1), Step("red", 14.4 if window in ("5m", "1h") else 6)),
        description="At 1 the budget of 30 days is used up after 30 days.",
    )


def _up() -> Panel:
    query = Query("avg_over_time(up[1h])", "{{job}} {{instance}}")
    return Panel(
        "Targets: share of the last hour in which they were up",
        "timeseries",
        (query,),
        unit="percentunit",
        maximum=1,
        steps=(Step("red"), Step("yellow", 0.999), Step("green", 0.9995)),
    )
