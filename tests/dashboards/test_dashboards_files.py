"""Grafana's files: current, read by the SDK's own model, with places, ids and data sources that are right."""

from __future__ import annotations

import itertools
import json
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from dashboards.dashboard_files import FOLDER, ROOT, committed, described, drawn

from otel_trading.catalogue import dashboards
from otel_trading.catalogue.dashboards.grafana import JSONEncoder
from otel_trading.catalogue.dashboards.grafana import dashboard as models
from otel_trading.catalogue.dashboards.layout import COLUMNS, placed
from otel_trading.catalogue.dashboards.links import explored
from otel_trading.catalogue.dashboards.model import Dashboard, Panel, Row, Step
from otel_trading.catalogue.dashboards.written import text
from otel_trading.catalogue.modules import NOTE
from otel_trading.catalogue.rules import parameters
from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.reading import read as read_profile

FILES = [pytest.param(document, id=path) for path, document in committed().items()]
SOURCES = {
    one["uid"]: one["type"]
    for one in yaml.safe_load(
        (ROOT / "collector-config/grafana/provisioning/datasources/otel-trading.yaml").read_text(encoding="utf-8")
    )["datasources"]
}


def test_the_committed_files_are_those_that_are_made() -> None:
    """No more, no less; the text is compared by the catalogue's own check."""
    made = {path.relative_to(dashboards.FOLDER).as_posix() for path in dashboards.files(parameters.ours())}
    assert made == set(committed())
    assert all(NOTE in path.read_text(encoding="utf-8").splitlines()[0] for path in FOLDER.rglob("*.json"))


@pytest.mark.parametrize("document", FILES)
def test_the_sdk_reads_what_it_wrote(document: dict[str, Any]) -> None:
    """Each panel and query as the model of its kind, and back to the same JSON."""
    read = models.Dashboard.from_json(json.loads(json.dumps(document)))
    assert document == json.loads(json.dumps(read, cls=JSONEncoder))
    for panel in read.panels or []:
        if isinstance(panel, models.Panel) and panel.type_val != "alertlist":
            assert not isinstance(panel.options, dict), panel.title


@pytest.mark.parametrize("document", FILES)
def test_panels_stand_on_the_grid_and_none_on_another(document: dict[str, Any]) -> None:
    """Each cell of 24 columns has one panel at most, and a row's title the whole line."""
    taken: dict[tuple[int, int], str] = {}
    for panel in document["panels"]:
        at = panel["gridPos"]
        for cell in itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])):
            assert cell not in taken, f"{panel['title']}\n{drawn(document)}"
            assert cell[0] < COLUMNS, f"{panel['title']}\n{drawn(document)}"
            taken[cell] = panel["title"]
    ids = [panel["id"] for panel in document["panels"]]
    assert len(ids) == len(set(ids))


def test_a_panel_on_another_is_drawn() -> None:
    """The drawing of a failure shows it."""
    at = {"x": 0, "y": 0, "w": 2, "h": 1}
    panels = [{"type": "stat", "title": title, "id": title, "gridPos": at} for title in ("one", "two")]
    assert drawn({"panels": panels}).splitlines() == [f"##{'.' * 22}", "A stat: one", "B stat: two"]


def test_identities_are_right() -> None:
    """Unique, short enough for Grafana, and those that links and bookmarks have."""
    known = {path: document["uid"] for path, document in committed().items()}
    assert len(set(known.values())) == len(known)
    assert all(len(uid) <= 40 for uid in known.values())
    assert known == {
        "bog/production.json": "otel-trading-bog-production",
        "perf/performance.json": "otel-trading-perf-performance",
        "py_rt/health.json": "otel-trading-py-rt-health",
        "py_rt/operations.json": "otel-trading-py-rt-operations",
        "py_rt/services.json": "otel-trading-py-rt-services",
        "rust_trade/trading-core.json": "otel-trading-rust-trade-core",
        "trading/capacity.json": "otel-trading-capacity",
        "trading/objectives.json": "otel-trading-objectives",
        "trading/telemetry.json": "otel-trading-telemetry",
        "trading/tick-to-trade.json": "otel-trading-tick-to-trade",
        "waiver/alerts.json": "otel-trading-waiver-alerts",
        "waiver/infrastructure.json": "otel-trading-waiver-infrastructure",
        "waiver/performance.json": "otel-trading-waiver-performance",
        "waiver/system-overview.json": "otel-trading-waiver-system-overview",
        "waiver/trading-activity.json": "otel-trading-waiver-trading-activity",
    }


@pytest.mark.parametrize("document", FILES)
def test_every_data_source_is_provisioned(document: dict[str, Any]) -> None:
    """By uid and type, of panels, queries and variables."""
    named = [panel["datasource"] for panel in document["panels"] if panel["type"] != "row"]
    named += [target["datasource"] for panel in document["panels"] for target in panel.get("targets") or []]
    named += [one["datasource"] for one in document["templating"]["list"] if one["type"] == "query"]
    assert named
    for one in named:
        assert SOURCES[one["uid"]] == one["type"]


@pytest.mark.parametrize("document", FILES)
def test_links_lead_somewhere(document: dict[str, Any]) -> None:
    """To runbooks, to Explore with a data source that is there, to a dashboard that is there."""
    found = [*document["links"], *(link for panel in document["panels"] for link in panel.get("links") or [])]
    uids = {one["uid"] for one in committed().values()}
    for link in found:
        if link["type"] == "dashboards":
            assert set(link["tags"]) <= set(document["tags"])
        elif link["url"].startswith("/explore?"):
            [query] = _pane(link["url"])["queries"]
            assert SOURCES[query["datasource"]["uid"]] == query["datasource"]["type"]
        elif link["url"].startswith("/d/"):
            assert link["url"].removeprefix("/d/") in uids
        else:
            assert link["url"].startswith(str(parameters.ours().values["runbooks_url"]))
    assert any("Runbook" == link["title"] for link in found)


def _pane(url: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(unquote(url.partition("panes=")[2]))["logs"]
    return found


def test_runbooks_of_links_are_there() -> None:
    """The page, and on it what is said of the alert."""
    base = str(parameters.ours().values["runbooks_url"])
    found = {
        link["url"].removeprefix(base).strip("/")
        for document in committed().values()
        for part in [document, *document["panels"]]
        for link in part.get("links") or []
        if link["title"] == "Runbook"
    }
    for address in found:
        page, _, alert = address.partition("/#")
        text = (ROOT / f"docs/runbooks/{page}.md").read_text(encoding="utf-8")
        headings = [line.lstrip("#").strip().lower() for line in text.splitlines() if line.startswith("#")]
        assert not alert or alert in headings, address
    assert sum("#" in address for address in found) >= 12


def test_explore_gets_what_is_to_be_shown() -> None:
    """Grafana's variables stay as they are, quotes survive the address."""
    lucene = 'trace_id:"${__value.raw}" AND x:[1 TO 2]'
    pane = _pane(f"panes={explored(lucene)}")
    assert lucene == pane["queries"][0]["query"]
    assert {"from": "${__from}", "to": "${__to}"} == pane["range"]
    assert "${__value.raw}" in explored("${__value.raw}")


def test_limits_are_those_that_a_user_sets() -> None:
    """In thresholds, scales and runbook addresses."""
    changes: dict[str, parameters.Setting] = {
        "max_position_btc": 7,
        "bog_max_daily_loss_usd": 300,
        "runbooks_url": "https://books.example",
    }
    [bog] = [
        one for one in dashboards.ours(parameters.ours().with_values(changes)) if one.path.name == "production.json"
    ]
    panels = {panel.title: panel for panel in bog.panels()}
    assert (-7, 7) == (panels["Current position"].minimum, panels["Current position"].maximum)
    assert [None, -7, -6.3, 6.3, 7] == [step.value for step in panels["Current position"].steps]
    assert [None, -300, -240, 0] == [step.value for step in panels["Daily PnL"].steps]
    assert "https://books.example/bog/" in [link.url for link in bog.links]


def test_a_line_is_as_high_as_its_highest_panel() -> None:
    """A fifth panel begins a new line, a stat beside a graph is as high as that."""
    rows = (
        Row("one", tuple(Panel(str(number), "stat") for number in range(5))),
        Row("two", (Panel("a", "stat"), Panel("b", "timeseries")), 2),
    )
    found = [(what.title, place.x, place.y, place.width, place.height) for what, place in placed(rows)]
    assert found == [
        ("one", 0, 0, 24, 1),
        *((str(number), 6 * number, 1, 6, 4) for number in range(4)),
        ("4", 0, 5, 6, 4),
        ("two", 0, 9, 24, 1),
        ("a", 0, 10, 12, 8),
        ("b", 12, 10, 12, 8),
    ]


def test_an_exemplar_is_asked_for_where_there_are_some() -> None:
    """In panels over buckets; a number without a time has no dots."""
    for path, document in committed().items():
        for panel in document["panels"]:
            for target in panel.get("targets") or []:
                if "expr" in target:
                    over_time = panel["type"] in ("timeseries", "heatmap")
                    assert target["exemplar"] == (over_time and "_bucket" in target["expr"]), (path, panel["title"])
    [trade] = [
        one
        for one in committed()["trading/tick-to-trade.json"]["panels"]
        if one["title"].startswith("Tick to trade, P50")
    ]
    assert all(target["exemplar"] for target in trade["targets"])


def test_what_was_changed_is_told_in_the_panel() -> None:
    """With the document's own words and the reason."""
    changed = [(panel, query) for one in described() for panel, query in _all(one) if query.was]
    assert {"Order Success Rate", "Recent Errors"} == {panel.title for panel, _ in changed}
    shown = {panel["title"]: panel for panel in committed()["py_rt/operations.json"]["panels"]}
    for panel, query in changed:
        assert f"The document asks: `{query.was}`. {query.why}" in shown[panel.title]["description"]


def _all(one: Dashboard) -> list[tuple[Panel, Any]]:
    return [*one.queries(), *((panel, panel.logs) for panel in one.panels() if panel.logs)]


def test_thresholds_begin_without_a_lower_end_and_rise() -> None:
    """As Grafana wants them."""
    for one in described():
        for panel in one.panels():
            first, *others = [step.value for step in panel.steps] or [None]
            values = [value for value in others if value is not None]
            assert (None, len(others), sorted(values)) == (first, len(values), values), (one.title, panel.title)


def test_a_description_needs_no_ascii() -> None:
    """Text stands as it is, also in the first line."""
    board = Dashboard(
        PurePosixPath("x.json"), "x", "Größe", "µs und €.", (Row("r", (Panel("p", "stat", steps=(Step("red"),)),)),)
    )
    first, *_ = text(board).splitlines()
    assert first == f'{{"description": "µs und €. {NOTE}; do not edit.",'
    assert "Größe" == json.loads(text(board))["title"]


def test_a_share_is_shown_as_one() -> None:
    """0.8 of 1 as 80 %, and what is recorded in percent as it is."""
    shares = {
        one.name: "percentunit" if one.scale == 1 else "percent"
        for name in PROFILES
        for one in read_profile(name).metrics
        if one.type == "gauge" and ("0 to 1" in one.help or (one.derive and one.derive.kind in ("share", "ratio")))
    }
    assert len(shares) > 10
    looked_at = set()
    for path, document in committed().items():
        for panel in document["panels"]:
            for target in panel.get("targets") or []:
                unit = shares.get(target.get("expr"))
                if unit:
                    looked_at.add(target["expr"])
                    assert unit == panel["fieldConfig"]["defaults"]["unit"], (path, panel["title"])
    assert {"waiver_system_error_rate", "waiver_resource_cpu_usage", "trading_order_fill_rate"} <= looked_at


def test_no_query_hides_one_series_behind_another() -> None:
    """What collectors sent is asked for each signal: `or` keeps the left side where both have the same labels."""
    [panel] = [one for one in committed()["trading/telemetry.json"]["panels"] if one["title"] == "Sent, a second"]
    assert [" or " in target["expr"] for target in panel["targets"]] == [False, False]
    assert {"spans", "log records"} == {target["legendFormat"].partition(": ")[2] for target in panel["targets"]}
