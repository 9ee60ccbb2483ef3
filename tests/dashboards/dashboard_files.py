"""The dashboards as they are committed, as they are described, and drawn as text."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from otel_trading.catalogue import dashboards
from otel_trading.catalogue.dashboards.layout import COLUMNS
from otel_trading.catalogue.dashboards.model import Dashboard
from otel_trading.catalogue.rules import parameters

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / dashboards.FOLDER
IN_GRAFANA = {"$__rate_interval": "1m", "$__range": "1h", "$venue": ".*", "$strategy": ".*", "$profile": ".*"}
"""What Grafana puts in when everything is chosen."""


@cache
def described() -> tuple[Dashboard, ...]:
    """With the default limits."""
    return dashboards.ours(parameters.ours())


@cache
def committed() -> dict[str, dict[str, Any]]:
    """The JSON of each file by its path below the folder."""
    return {
        path.relative_to(FOLDER).as_posix(): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.rglob("*.json"))
    }


def asked(expr: str) -> str:
    """An expression as Prometheus gets it."""
    for variable, value in IN_GRAFANA.items():
        expr = expr.replace(variable, value)
    assert "$" not in expr, expr
    return expr


def drawn(document: dict[str, Any]) -> str:
    """The grid as text, a letter a panel, for a failure's message and a reader's eye."""
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in document["panels"])
    cells = [["."] * COLUMNS for _ in range(height)]
    named = []
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    others = (panel for panel in document["panels"] if panel["type"] != "row")
    marks = {panel["id"]: letters[number % len(letters)] for number, panel in enumerate(others)}
    for panel in document["panels"]:
        at, mark = panel["gridPos"], marks.get(panel["id"], "=")
        for y in range(at["y"], at["y"] + at["h"]):
            for x in range(at["x"], at["x"] + at["w"]):
                cells[y][x] = mark if cells[y][x] == "." else "#"
        named.append(f"{mark} {panel['type']}: {panel['title']}")
    return "\n".join(["".join(line) for line in cells] + named)
