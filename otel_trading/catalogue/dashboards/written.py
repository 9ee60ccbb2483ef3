"""A dashboard of ours as the text of Grafana's file."""

from __future__ import annotations

import json
from typing import Any

from otel_trading.catalogue.dashboards.grafana import JSONEncoder, dashboard
from otel_trading.catalogue.dashboards.layout import placed
from otel_trading.catalogue.dashboards.model import Dashboard, Row, Variable
from otel_trading.catalogue.dashboards.panels import PROMETHEUS, grid, links, panel
from otel_trading.catalogue.modules import NOTE

TAG = "otel-trading"
"""Of every dashboard; they link to each other by it."""
_SCHEMA = 41
"""Of the file; a newer Grafana brings it up to date when it loads it."""


def text(one: Dashboard) -> str:
    """The JSON; its first line says who wrote it."""
    document: dict[str, Any] = json.loads(json.dumps(model(one), cls=JSONEncoder))
    description = {"description": document.pop("description")}
    lines = json.dumps(description | document, indent=1, ensure_ascii=False).splitlines()
    return "\n".join([lines[0] + lines[1].lstrip(), *lines[2:]]) + "\n"


def model(one: Dashboard) -> dashboard.Dashboard:
    """The dashboard in the SDK's words."""
    return dashboard.Dashboard(
        uid=one.uid,
        title=one.title,
        description=f"{one.description} {NOTE}; do not edit.",
        tags=[TAG, *([one.path.parent.name] if one.path.parent.name else [])],
        timezone="utc",
        editable=False,
        graph_tooltip=dashboard.DashboardCursorSync.CROSSHAIR,
        time=dashboard.DashboardDashboardTime(from_val=f"now-{one.back}", to="now"),
        refresh=one.refresh,
        schema_version=_SCHEMA,
        panels=_panels(one),
        templating=dashboard.DashboardDashboardTemplating(list_val=[_variable(each) for each in one.variables]),
        links=[_siblings(), *links(one.links)],
    )


def _panels(one: Dashboard) -> list[dashboard.Panel | dashboard.RowPanel]:
    found: list[dashboard.Panel | dashboard.RowPanel] = []
    for number, (what, place) in enumerate(placed(one.rows), 1):
        if isinstance(what, Row):
            found.append(dashboard.RowPanel(title=what.title, grid_pos=grid(place), id_val=number))
        else:
            found.append(panel(what, number, place))
    return found


def _siblings() -> dashboard.DashboardLink:
    return dashboard.DashboardLink(
        title="Dashboards",
        type_val=dashboard.DashboardLinkType.DASHBOARDS,
        icon="dashboard",
        tags=[TAG],
        as_dropdown=True,
        keep_time=True,
    )


def _variable(one: Variable) -> dashboard.VariableModel:
    if not one.label:
        return dashboard.VariableModel(
            type_val=dashboard.VariableType.TEXTBOX,
            name=one.name,
            label=one.title,
            query="",
            current=dashboard.VariableOption(text="", value=""),
        )
    return dashboard.VariableModel(
        type_val=dashboard.VariableType.QUERY,
        name=one.name,
        label=one.title,
        datasource=PROMETHEUS,
        query=f"label_values({one.metric}, {one.label})",
        refresh=dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=dashboard.VariableSort.ALPHABETICAL_ASC,
        multi=True,
        include_all=True,
        # also takes series without the label
        all_value=".*",
        current=dashboard.VariableOption(selected=True, text="All", value="$__all"),
    )
