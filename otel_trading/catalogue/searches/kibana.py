"""Saved objects of Kibana, one JSON document a line, as its import takes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from otel_trading.catalogue.searches.reading import Dashboard, Panel, Search, Searches

DATA_VIEW = "otel-trading-logs"
WIDTH = 48
_INDEX = "kibanaSavedObjectMeta.searchSourceJSON.index"
_MIGRATION = {
    "index-pattern": "8.0.0",
    "search": "8.0.0",
    "visualization": "8.5.0",
    "dashboard": "8.9.0",
}
"""The release whose form each type has; Kibana brings it up to date at the import."""


def objects(searches: Searches) -> list[dict[str, Any]]:
    """The saved objects of a set: the data view, searches, visualizations, the dashboard."""
    found = [_data_view(), *map(_search, searches.searches)]
    if searches.dashboard is not None:
        found += [_over_time(panel) for panel in searches.dashboard.panels if panel.over_time]
        found.append(_dashboard(searches.dashboard))
    return found


def ndjson(searches: Searches) -> str:
    """The text of an import file."""
    return "".join(json.dumps(one) + "\n" for one in objects(searches))


def _object(kind: str, name: str, attributes: dict[str, Any], references: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "type": kind,
        "id": name,
        "attributes": attributes,
        "references": references,
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": _MIGRATION[kind],
    }


def _data_view() -> dict[str, Any]:
    attributes = {"title": "logs-*", "name": "Trading logs", "timeFieldName": "@timestamp"}
    return _object("index-pattern", DATA_VIEW, attributes, [])


def _source(query: str, language: str) -> dict[str, str]:
    asked = {"query": {"query": query, "language": language}, "filter": [], "indexRefName": _INDEX}
    return {"searchSourceJSON": json.dumps(asked)}


def _on_data_view() -> list[dict[str, str]]:
    return [{"name": _INDEX, "type": "index-pattern", "id": DATA_VIEW}]


def _search(search: Search) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "title": search.title,
        "description": _description(search),
        "columns": list(search.columns),
        "sort": [list(search.sort)],
        "grid": {},
        "hideChart": False,
        "isTextBasedQuery": False,
    }
    if search.last:
        attributes |= {"timeRestore": True, "timeRange": {"from": f"now-{search.last}", "to": "now"}}
    if search.refresh_s:
        attributes |= {"timeRestore": True, "timeRange": {"from": "now-15m", "to": "now"}}
        attributes["refreshInterval"] = {"pause": False, "value": search.refresh_s * 1000}
    attributes["kibanaSavedObjectMeta"] = _source(search.query, search.language)
    return _object("search", search.id, attributes, _on_data_view())


def _description(search: Search) -> str:
    repaired = search.source is not None and bool(search.source.repair)
    said = f"Repaired. {search.source.repair}" if repaired and search.source else ""
    return " ".join(part for part in (search.description, said) if part)


def visualization_id(panel: Panel) -> str:
    """Of the visualization that a panel over time shows."""
    return f"otel-trading-by-{panel.over_time.replace('.', '-')}"


def _over_time(panel: Panel) -> dict[str, Any]:
    """Bars of counted records over time, stacked by the values of a field."""
    by_time = {"field": "@timestamp", "interval": "auto", "min_doc_count": 1}
    by_value = {"field": panel.over_time, "orderBy": "1", "order": "desc", "size": 10}
    shown = {
        "title": panel.title,
        "type": "histogram",
        "aggs": [
            {"id": "1", "enabled": True, "type": "count", "params": {}, "schema": "metric"},
            {"id": "2", "enabled": True, "type": "date_histogram", "params": by_time, "schema": "segment"},
            {"id": "3", "enabled": True, "type": "terms", "params": by_value, "schema": "group"},
        ],
        "params": {
            "type": "histogram",
            "addLegend": True,
            "addTooltip": True,
            "legendPosition": "right",
            "seriesParams": [
                {"show": True, "type": "histogram", "mode": "stacked", "data": {"id": "1", "label": "Records"}}
            ],
        },
    }
    attributes = {
        "title": panel.title,
        "visState": json.dumps(shown),
        "uiStateJSON": "{}",
        "description": "",
        "version": 1,
        "kibanaSavedObjectMeta": _source("", "kuery"),
    }
    return _object("visualization", visualization_id(panel), attributes, _on_data_view())


def _dashboard(dashboard: Dashboard) -> dict[str, Any]:
    panels, references = [], []
    for number, (panel, x, y) in enumerate(placed(dashboard), start=1):
        kind = "search" if panel.search else "visualization"
        index, reference = str(number), f"panel_{number}"
        panels.append(
            {
                "panelIndex": index,
                "gridData": {"i": index, "x": x, "y": y, "w": panel.width, "h": panel.height},
                "type": kind,
                "panelRefName": reference,
                "embeddableConfig": {},
            }
        )
        name = f"{index}:{reference}"
        references.append({"name": name, "type": kind, "id": panel.search or visualization_id(panel)})
    attributes = {
        "title": dashboard.title,
        "description": dashboard.description,
        "panelsJSON": json.dumps(panels),
        "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
        "timeRestore": True,
        "timeFrom": "now-1h",
        "timeTo": "now",
        "version": 1,
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": json.dumps({"query": {"query": "", "language": "kuery"}, "filter": []})
        },
    }
    return _object("dashboard", dashboard.id, attributes, references)


def placed(dashboard: Dashboard) -> Iterator[tuple[Panel, int, int]]:
    """Each panel with its column and line: from left to right, a new line where one is full."""
    x = y = line = 0
    for panel in dashboard.panels:
        if x + panel.width > WIDTH:
            x, y, line = 0, y + line, 0
        yield panel, x, y
        x, line = x + panel.width, max(line, panel.height)
