"""The dashboards against the catalogue of the five systems and their documents. Needs ../shared."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from dashboards.dashboard_files import described

from otel_trading.catalogue.dashboards.model import Dashboard, Kind, Panel, Source
from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.reading import read

pytestmark = pytest.mark.shared
SHARED = Path(__file__).parents[3] / "shared"
KINDS: dict[str, tuple[Kind, str]] = {
    "Graph": ("timeseries", "lines"),
    "line chart": ("timeseries", "lines"),
    "line graph": ("timeseries", "lines"),
    "line chart over time": ("timeseries", "lines"),
    "time series": ("timeseries", "lines"),
    "graph (yaxis label": ("timeseries", "lines"),
    "stacked area": ("timeseries", "stacked"),
    "stacked area chart": ("timeseries", "stacked"),
    "bar chart": ("timeseries", "bars"),
    "Gauge": ("gauge", "lines"),
    "gauge": ("gauge", "lines"),
    "multi-gauge panel": ("gauge", "lines"),
    "Stat": ("stat", "lines"),
    "stat panel": ("stat", "lines"),
    "single stat": ("stat", "lines"),
    "status panel": ("stat", "lines"),
    "counter": ("stat", "lines"),
    "histogram": ("histogram", "lines"),
    "heatmap": ("heatmap", "lines"),
    "table: last 10": ("table", "lines"),
    "connection status": ("timeline", "lines"),
}
BOARDS = {
    ("001", "(unnamed, future work)"): "Rust Trade - Trading Core",
    ("003", "(unnamed)"): "Performance Metrics System",
    ("004", "Main Trading Dashboard"): "Bog Trading - Production",
    ("004", 'Main Trading Dashboard / "Bog Trading - Production"'): "Bog Trading - Production",
}
"""Titles of ours where the catalogue has none or two."""


@cache
def catalogue() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((SHARED / "catalogue/seed-catalogue.yaml").read_text(encoding="utf-8"))
    return found


def document(seed: str) -> str:
    [path] = (SHARED / "seeds").glob(f"{seed}_*.txt")
    return path.read_text(encoding="utf-8")


def board(seed: str, title: str) -> Dashboard:
    """Ours, in the folder of the system."""
    folder = {read(name).seed: name for name in PROFILES}[seed]
    wanted = BOARDS.get((seed, title), title)
    [found] = [one for one in described() if one.title == wanted and one.path.parent.name == folder]
    return found


def panels() -> list[dict[str, Any]]:
    """Rows of the catalogue that name a panel on a dashboard."""
    return [row for row in catalogue()["panels"] if row.get("title") and row["dashboard"]]


def panel(row: dict[str, Any]) -> Panel:
    """By the source that it names, which the title of ours may differ from."""
    found = [
        one
        for one in board(row["seed"], row["dashboard"]).panels()
        if Source(row["seed"], row["section"], row["title"]) in one.sources
    ]
    assert len(found) == 1, row["title"]
    return found[0]


def test_every_dashboard_is_there_with_its_rows_and_its_refresh() -> None:
    """All ten; rows of our own come after those of the drawing."""
    assert len(catalogue()["dashboards"]) == 10
    for row in catalogue()["dashboards"]:
        ours = board(row["seed"], row["title"])
        assert row["seed"] in {source.seed for source in ours.sources}
        if "refresh" in row:
            assert row["refresh"] == ours.refresh
        if "rows" in row:
            assert row["rows"] == [len(one.panels) for one in ours.rows][: len(row["rows"])]
            assert sum(row["rows"]) == row["panels"]
        elif row["panels"]:
            assert row["panels"] == len(ours.rows[0].panels)
        else:
            assert {Source(row["seed"], _section(row["seed"]))} <= set(ours.sources)


def _section(seed: str) -> str:
    [found] = {row["section"] for row in catalogue()["panels"] if row["seed"] == seed}
    return str(found)


def test_every_panel_has_its_title_row_kind_and_place() -> None:
    """38 that are drawn, in their order; the one in JSON is one of them."""
    drawn = [row for row in panels() if row["section"] != "JSON Export"]
    assert len(drawn) == 38
    seen: Counter[tuple[str, str]] = Counter()
    for row in drawn:
        ours, one = board(row["seed"], row["dashboard"]), panel(row)
        assert row["title"] == one.title
        wanted = re.split(r" \(|, ", row["visualisation"])[0]
        assert KINDS[wanted] == (one.kind, one.style), row["title"]
        number = re.match(r"\d+", str(row["row"] or 1))
        assert number is not None
        line = ours.rows[int(number[0]) - 1]
        if row["row"]:
            assert row["row"] == f"{number[0]} {line.title}"
        assert line.panels[seen[ours.uid, line.title]] is one, row["title"]
        seen[ours.uid, line.title] += 1
    [exported] = [row for row in panels() if row["section"] == "JSON Export"]
    one = panel(exported)
    assert ("Tick processing: P50, P99, Max", "ns", "Latency (ns)") == (one.title, one.unit, one.label)
    assert exported["legends"] == [query.legend for query in one.queries][:2]


def test_every_query_is_asked_word_for_word_or_listed_as_repaired() -> None:
    """On the dashboard of its panel; what is repaired stands in the documents as it is quoted."""
    looked_at = 0
    for row in catalogue()["panels"]:
        boards = [board(row["seed"], row["dashboard"])] if row["dashboard"] else list(described())
        asked = {query.expr for one in boards for _, query in one.queries()}
        was = {query.was for one in boards for _, query in one.queries()}
        for query in row.get("queries", []):
            assert query in asked | was, query
            looked_at += 1
    assert looked_at == 15
    for one in described():
        for _, query in one.queries():
            if query.was:
                assert _plain(query.was) in _plain(document("002"))


def _plain(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_every_metric_of_a_panel_is_in_its_queries() -> None:
    """Limits come from parameters, and a maximum from the metric that keeps it."""
    elsewhere = {
        "MAX_POSITION": "Current position",
        "MAX_DAILY_LOSS": "Daily PnL",
        "max: from bog_tick_processing_ns": "bog_tick_processing_max_ns",
    }
    looked_at = 0
    for row in panels():
        one = panel(row)
        for metric in row.get("metrics", []):
            if metric in ("MAX_POSITION", "MAX_DAILY_LOSS"):
                assert (elsewhere[metric], True) == (one.title, len(one.steps) > 1)
                continue
            assert any(elsewhere.get(metric, metric) in query.expr for query in one.queries), row["title"]
            looked_at += 1
    assert looked_at > 25


def test_limits_and_descriptions_are_those_of_the_documents() -> None:
    """Of 001, whose document writes them."""
    rows = {row["title"]: row for row in panels() if row["seed"] == "001"}
    assert {"green": "< 50%", "yellow": "50-80%", "red": "> 80%"} == rows["Channel Backpressure"]["thresholds"]
    steps = panel(rows["Channel Backpressure"]).steps
    assert [("green", None), ("yellow", 50), ("red", 80)] == [(step.color, step.value) for step in steps]
    for row in rows.values():
        if "description" in row:
            assert row["description"] == panel(row).description


def test_what_is_named_without_a_drawing_is_there() -> None:
    """Current Positions of a runbook, the example queries, logs of errors."""
    operations = board("002", "Real-Time Trading Operations")
    titles = {one.title: one for one in operations.rows[-1].panels}
    assert {"Current Positions", "Order Success Rate", "Current Portfolio Value"} <= set(titles)
    assert ("table", "9.1") == (titles["Current Positions"].kind, titles["Current Positions"].sources[0].section)
    assert "symbol, side" in titles["Current Positions"].queries[0].expr
    [errors] = [row for row in panels() if "log_query" in row]
    ours = panel(errors)
    assert ours.logs is not None
    assert (errors["log_query"], 10) == (ours.logs.was, ours.rows)


def test_every_source_is_in_a_document() -> None:
    """No panel names a place that does not exist."""
    for one in described():
        for source in [*one.sources, *(source for panel in one.panels() for source in panel.sources)]:
            text = document(source.seed)
            section = re.escape(source.section.removeprefix("Implementation "))
            assert re.search(rf"^#+ .*{section}", text, re.MULTILINE), source
            words = re.sub(r"^Query \d: ", "", source.panel)
            assert all(word in text for word in re.findall(r"[\w&/%]+", words)), source
