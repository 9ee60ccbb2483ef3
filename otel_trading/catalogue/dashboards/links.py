"""Links from panels to log records and runbooks."""

from __future__ import annotations

import json
from urllib.parse import quote

from otel_trading.catalogue.dashboards.model import Link
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.catalogue.rules.runbooks import address


def runbook(parameters: Parameters, page: str, alert: str = "") -> Link:
    """To the page of a system's runbooks, or to what it says of one alert."""
    return Link("Runbook", address(parameters, page, alert))


def logs(title: str, lucene: str) -> Link:
    """To Grafana's Explore, with log records of the same time."""
    return Link(title, f"/explore?schemaVersion=1&orgId=1&panes={explored(lucene)}")


def explored(lucene: str) -> str:
    """What Explore is to show, as it stands in an address; Grafana's `${...}` stay as they are."""
    query = {
        "refId": "A",
        "query": lucene,
        "datasource": {"type": "elasticsearch", "uid": "elasticsearch"},
        "timeField": "@timestamp",
        "metrics": [{"type": "logs", "id": "1"}],
        "bucketAggs": [],
    }
    pane = {"datasource": "elasticsearch", "queries": [query], "range": {"from": "${__from}", "to": "${__to}"}}
    return quote(json.dumps({"logs": pane}, separators=(",", ":")), safe="${}:_")
