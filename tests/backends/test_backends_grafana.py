"""Grafana's provisioned files: references, names and queries, each against the server that it speaks of.

Queries over metrics of services are asked in test_backends_panels.py.

No Grafana can be run here; what only Grafana checks, the keys of its own format, is checked against a list.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from backend_stores import Stack, ask, wait_until
from backend_tools import CONFIG
from conftest import ORDERS, REJECTED, Work
from dashboards.dashboard_files import committed, described

from otel_trading.catalogue.dashboards.panels import COLUMNS

pytestmark = pytest.mark.backends

PROVISIONED = CONFIG / "grafana/provisioning"
SOURCES = {
    one["uid"]: one
    for one in yaml.safe_load((PROVISIONED / "datasources/otel-trading.yaml").read_text())["datasources"]
}
DASHBOARD = json.loads((CONFIG / "grafana/dashboards/trading/telemetry.json").read_text())
KEYS = {
    "prometheus": {"httpMethod", "timeInterval", "exemplarTraceIdDestinations"},
    "jaeger": {"nodeGraph", "tracesToLogsV2", "tracesToMetrics"},
    "elasticsearch": {"index", "timeField", "logMessageField", "logLevelField", "dataLinks"},
}


def values(part: Any, key: str) -> list[Any]:
    """All values of a key, however deep."""
    if isinstance(part, list):
        return [value for one in part for value in values(one, key)]
    if not isinstance(part, dict):
        return []
    return [*([part[key]] if key in part else []), *[value for one in part.values() for value in values(one, key)]]


def flat(document: dict[str, Any], prefix: str = "") -> set[str]:
    """Names as Grafana shows them: those of the document, not of its aliases."""
    found = set()
    for name, value in document.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}"}
    return found


def series(stack: Stack, expression: str) -> list[Any]:
    """What Prometheus answers; an expression that it cannot parse is a failure."""
    answer = ask(f"{stack.servers['prometheus']['url']}/api/v1/query", query=expression)
    result: list[Any] = answer["data"]["result"]
    return result


def test_every_source_that_is_linked_is_there() -> None:
    """From metric to trace, from trace to logs and metrics, from log to trace."""
    assert KEYS == {uid: set(one["jsonData"]) for uid, one in SOURCES.items()}
    assert {uid: uid for uid in SOURCES} == {uid: one["type"] for uid, one in SOURCES.items()}
    assert {"prometheus", "jaeger", "elasticsearch"} == set(values(list(SOURCES.values()), "datasourceUid"))
    assert [True] == values(list(SOURCES.values()), "isDefault")


def test_no_password_stands_in_a_file() -> None:
    """It comes from the environment, and the address too."""
    for one in SOURCES.values():
        assert one["url"].startswith("${")
    assert ["${ELASTICSEARCH_PASSWORD}"] == values(list(SOURCES.values()), "basicAuthPassword")


def test_dashboards_are_looked_for_where_compose_puts_them() -> None:
    """The provider's folder is the mounted one, and its directories are folders in Grafana."""
    [provider] = yaml.safe_load((PROVISIONED / "dashboards/otel-trading.yaml").read_text())["providers"]
    mounts = yaml.safe_load((CONFIG / "compose.yaml").read_text())["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts
    assert (True, None) == (provider["options"]["foldersFromFilesStructure"], provider.get("folder"))
    assert all(path.count("/") == 1 for path in committed())


def test_the_logs_of_a_trace_are_found_by_the_query_of_the_link(stack: Stack, work: Work) -> None:
    """With the trace id put in as Grafana does it; the named fields are in the documents."""
    settings = SOURCES["elasticsearch"]["jsonData"]
    trace_id = work.orders[0]["trace_id"]
    query = SOURCES["jaeger"]["jsonData"]["tracesToLogsV2"]["query"]
    assert "$${__trace.traceId}" in query
    documents = stack.logs(query.replace("$${__trace.traceId}", trace_id))
    assert len(documents) == 3
    [link] = settings["dataLinks"]
    wanted = {settings["timeField"], settings["logMessageField"], settings["logLevelField"], link["field"]}
    for one in documents:
        assert wanted <= flat(one)
        assert one[link["field"]] == trace_id


def test_the_panels_show_something(stack: Stack, work: Work) -> None:
    """Each expression over collectors is understood; those of what has happened have values."""
    expressions = {
        panel["title"]: panel["targets"][0]["expr"]
        for panel in DASHBOARD["panels"]
        if re.search("otelcol_|telemetry:|up == 0", str(panel.get("targets")))
    }
    quiet = {
        "Lost within five minutes",
        "Documents refused by Elasticsearch within five minutes",
        "Targets that cannot be scraped",
    }
    assert (True, 8) == (quiet < set(expressions), len(expressions))
    for title, expression in expressions.items():
        if title in quiet:
            series(stack, expression)
        else:
            wait_until(partial(series, stack, expression), 30)


def test_panels_of_log_records_find_them(stack: Stack, work: Work) -> None:
    """Every one; a column of a table is a field of the documents.

    What a system's document asked finds the same here, where `load.sh --profile` gave records that system's names.
    """
    looked_at = 0
    for one in described():
        for panel in one.panels():
            if panel.logs is None:
                continue
            documents = stack.logs(panel.logs.expr.replace("$trace", work.orders[0]["trace_id"]))
            assert documents, panel.title
            ours = [one for one in documents if one["resource"]["attributes"]["service.name"] == "order-gateway"]
            if panel.kind == "table":
                assert ours
                assert all(set(COLUMNS) <= flat(document) for document in ours)
            if panel.logs.was:
                same = stack.logs(f'({panel.logs.was}) AND service.name:"order-gateway"')
                assert same == ours
            looked_at += 1
    assert looked_at == 3


def test_links_to_log_records_ask_what_elasticsearch_knows(stack: Stack, work: Work) -> None:
    """Each query is understood, and that of an exemplar finds the records of its trace."""
    asked = {link.get("url", "") for board in committed().values() for link in all_links(board)}
    lucene = {_lucene(url) for url in asked if url.startswith("/explore?")}
    assert len(lucene) >= 6
    found = {query: len(stack.logs(query)) for query in lucene}
    assert found["message:order"] >= 2 * ORDERS
    assert found["log.level:(error OR critical)"] >= REJECTED
    [url] = [one["url"] for one in SOURCES["prometheus"]["jsonData"]["exemplarTraceIdDestinations"] if "url" in one]
    query = _lucene(url.replace("$$", "$")).replace("${__value.raw}", work.orders[0]["trace_id"])
    assert len(stack.logs(query)) == 3


def all_links(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Of a dashboard and its panels."""
    return [*board["links"], *(link for panel in board["panels"] for link in panel.get("links") or [])]


def _lucene(url: str) -> str:
    [query] = json.loads(unquote(url.partition("panes=")[2]))["logs"]["queries"]
    assert SOURCES[query["datasource"]["uid"]]["type"] == query["datasource"]["type"]
    return str(query["query"])


def test_queries_about_spans_are_understood(stack: Stack) -> None:
    """With the labels put in as Grafana does it."""
    queries = values(SOURCES["jaeger"]["jsonData"]["tracesToMetrics"]["queries"], "query")
    assert len(queries) == 3
    for query in queries:
        assert "$$__tags" in query
        series(stack, query.replace("$$__tags", 'service_name="strategy"'))
