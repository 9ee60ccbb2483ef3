"""What a person types into Kibana finds what our services wrote; read by Kibana's own parser, run by Elasticsearch."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from backend_links import links_of_a_span, links_of_a_trace
from backend_stores import Stack, ask, wait_until
from backend_tools import CONFIG, ROOT, BackendError, kql
from conftest import Work, service
from support.children import without_engine

pytestmark = pytest.mark.backends

OBJECTS = [json.loads(line) for line in (CONFIG / "kibana/otel-trading.ndjson").read_text().splitlines()]
SEARCHES = [one for one in OBJECTS if one["type"] == "search"]

# the demo's own sentences, with the demo's own names
DESK = """
    import sys
    import otel_trading as ot

    order = {"client_order_id": "desk9-1", "root_client_order_id": "desk9-0", "symbol": "BTCUSDT"}
    with ot.init("risk", otlp_endpoint=sys.argv[1], metrics_exporter=["none"], stdout="off") as telemetry:
        log = ot.get_logger()
        with ot.tracer().start_as_current_span("order denied"):
            log.warning("order denied", reason="price_outside_collar", **order)
        log.warning("feed gap", sequence=17, symbol="BTCUSDT", venue="binance")
        log.warning("feed stale", silent_s=1.25)
        log.warning("local clock is behind the exchange", feed_latency_ns=-5)
        log.warning("order rejected by venue", venue="binance", order_id="V-9", reason="price out of band", **order)
        log.info("order filled", venue="binance", order_id="V-9", exec_id="E-9", quantity=1.0, price=10.5, **order)
        log.error("unreadable order", error="no such side")
        assert telemetry.flush(20)
"""
SENTENCES = ("order denied", "feed gap", "feed stale", "local clock is behind the exchange", "order rejected", "order filled",
             "order partially filled")  # fmt: skip


@pytest.fixture(scope="module")
def written(stack: Stack, work: Work) -> Work:
    """All that is searched for is there."""
    kql.obtain()
    with service(DESK, stack.otlp) as desk:
        _, complaints = desk.communicate(timeout=60)
    assert (desk.returncode, without_engine(complaints)) == (0, "")
    wait_until(lambda: len(stack.logs("service.name:risk")) >= 7, 30)
    return work


def fields(stack: Stack) -> dict[str, Any]:
    """The names that Kibana would offer."""
    caps = ask(f"{stack.servers['elasticsearch']['url']}/logs-*/_field_caps", fields="*")
    found: dict[str, Any] = caps["fields"]
    return found


def found(stack: Stack, line: str, time: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """The documents that a line finds; a name that no document has is a mistake in the line."""
    known = fields(stack)
    query = kql.convert(line, known)
    assert [] == [name for name in query.fields if name not in known], line
    within = {"range": {"@timestamp": {"gte": time["from"], "lte": time["to"]}}} if time else {"match_all": {}}
    body = {"size": 1000, "query": {"bool": {"filter": [query.dsl, within]}}}
    answer = ask(f"{stack.servers['elasticsearch']['url']}/logs-*/_search", body)
    return [hit["_source"] for hit in answer["hits"]["hits"]]


def messages(documents: list[dict[str, Any]]) -> set[str]:
    return {one["body"]["text"] for one in documents}


def test_every_object_is_whole_and_refers_to_one_that_is_there() -> None:
    """Each line of the file is a saved object that an import takes."""
    there = {(one["type"], one["id"]) for one in OBJECTS}
    assert len(OBJECTS) == len(there)
    assert {"index-pattern", "search"} == {one["type"] for one in OBJECTS}
    for one in OBJECTS:
        assert {(reference["type"], reference["id"]) for reference in one["references"]} <= there
    for one in SEARCHES:
        source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        assert [source["indexRefName"]] == [reference["name"] for reference in one["references"]]
        assert source["query"]["language"] == "kuery"


@pytest.mark.parametrize("saved", SEARCHES, ids=lambda saved: saved["id"].removeprefix("otel-trading-"))
def test_each_saved_search_finds_what_a_service_wrote(stack: Stack, written: Work, saved: dict[str, Any]) -> None:
    """Its columns and its order are fields that are there."""
    attributes = saved["attributes"]
    line = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
    assert found(stack, line), line
    known = fields(stack)
    assert [] == [
        name for name in [*attributes["columns"], *[name for name, _ in attributes["sort"]]] if name not in known
    ]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_searches_speak_of_what_the_demo_says(sentence: str) -> None:
    """A sentence that is changed there must be changed in the saved searches."""
    assert sentence in "".join([path.read_text() for path in (ROOT / "otel_trading/demo").glob("*.py")])


def test_the_queries_of_the_documentation_find_what_they_promise(stack: Stack, written: Work) -> None:
    """By trace, by service and level, by order, by words."""
    order = written.orders[0]
    told = found(stack, f'trace.id : "{order["trace_id"]}"')
    assert {"order submitted", "order acknowledged", "order rejected"} == messages(told)
    assert {"unreadable order"} == messages(found(stack, 'service.name : "risk" and log.level : "error"'))
    assert {"order acknowledged", "order rejected"} == messages(found(stack, 'trading.order_id : "V-0"'))
    by_client = found(stack, f'trading.client_order_id : "{order["client_order_id"]}"')
    assert {"order submitted", "order acknowledged"} == messages(by_client)
    assert {"order denied"} == messages(found(stack, 'message : "denied"'))


def test_a_name_that_nobody_wrote_is_a_mistake(stack: Stack, written: Work) -> None:
    """The check above can fail."""
    with pytest.raises(AssertionError, match="trading.order"):
        found(stack, 'trading.order_identifier : "V-0"')
    with pytest.raises(BackendError, match="Expected"):
        found(stack, 'trading.order_id : ("V-0"')


def test_the_links_of_jaeger_open_the_logs(stack: Stack, written: Work) -> None:
    """Each link that Jaeger shows at a trace and at its spans, taken apart as Kibana takes it apart."""
    url = stack.servers["jaeger"]["url"]
    [trace] = ask(f"{url}/api/traces/{written.orders[0]['trace_id']}")["data"]
    patterns = json.loads((CONFIG / "jaeger/ui.json").read_text())["linkPatterns"]
    assert {"order submitted", "order acknowledged", "order rejected"} == opened(
        stack, *links_of_a_trace(patterns, trace)
    )

    ways = {one["operationName"]: links_of_a_span(patterns, trace, one) for one in trace["spans"]}
    submit, ack = ways["order.submit binance"], ways["order.ack binance"]
    assert [
        "Logs of this trace in Kibana",
        "Logs of this order in Kibana",
        "What this process logged within the trace",
    ] == [text for text, _ in submit]
    assert {"order submitted", "order acknowledged"} == opened(stack, submit[1])
    assert {"order submitted"} == opened(stack, submit[2])
    assert {"order acknowledged", "order rejected"} == opened(stack, ack[1]) == opened(stack, ack[2])


def opened(stack: Stack, link: tuple[str, str]) -> set[str]:
    """What Discover would show: the messages of the query within the time range."""
    page, _, parameters = link[1].partition("#/?")
    assert page.endswith("/app/discover")
    given = {
        name: kql.rison(unquote(value)) for name, _, value in [one.partition("=") for one in parameters.split("&")]
    }
    assert OBJECTS[0]["id"] == given["_a"]["dataSource"]["dataViewId"]
    assert set(given["_a"]["columns"]) <= set(fields(stack))
    documents = found(stack, given["_a"]["query"]["query"], given["_g"]["time"])
    return messages(documents)
