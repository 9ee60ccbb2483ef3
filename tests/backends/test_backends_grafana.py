"""Grafana's provisioned files: references, names and queries, each against the server that it speaks of.

No Grafana can be run here; what only Grafana checks, the keys of its own format, is checked against a list.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
import yaml
from backend_stores import Stack, ask, wait_until
from backend_tools import CONFIG
from conftest import Work

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
    assert {"prometheus"} == set(values(values(DASHBOARD, "datasource"), "uid"))


def test_no_password_stands_in_a_file() -> None:
    """It comes from the environment, and the address too."""
    for one in SOURCES.values():
        assert one["url"].startswith("${")
    assert ["${ELASTICSEARCH_PASSWORD}"] == values(list(SOURCES.values()), "basicAuthPassword")


def test_dashboards_are_looked_for_where_compose_puts_them() -> None:
    """The provider's folder is the mounted one."""
    [provider] = yaml.safe_load((PROVISIONED / "dashboards/otel-trading.yaml").read_text())["providers"]
    mounts = yaml.safe_load((CONFIG / "compose.yaml").read_text())["services"]["grafana"]["volumes"]
    assert f"./grafana/dashboards:{provider['options']['path']}:ro" in mounts


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
    """Each expression is understood; those of what has happened have values."""
    expressions = {panel["title"]: panel["targets"][0]["expr"] for panel in DASHBOARD["panels"]}
    quiet = {
        "Lost within five minutes",
        "Documents refused by Elasticsearch within five minutes",
        "Targets that cannot be scraped",
    }
    assert quiet < set(expressions)
    for title, expression in expressions.items():
        if title in quiet:
            series(stack, expression)
        else:
            wait_until(partial(series, stack, expression), 30)
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]
    assert len(places) == len(set(places)) == len({panel["id"] for panel in DASHBOARD["panels"]})


def test_queries_about_spans_are_understood(stack: Stack) -> None:
    """With the labels put in as Grafana does it."""
    queries = values(SOURCES["jaeger"]["jsonData"]["tracesToMetrics"]["queries"], "query")
    assert len(queries) == 3
    for query in queries:
        assert "$$__tags" in query
        series(stack, query.replace("$$__tags", 'service_name="strategy"'))
