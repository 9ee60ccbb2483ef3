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

from otel_trading.catalogue.searches.reading import SETS, read

pytestmark = pytest.mark.backends

FILES = {name: CONFIG / f"kibana/{name}.ndjson" for name in ("otel-trading", "otel-trading-py_rt", "otel-trading-bog")}
IMPORTS = {name: [json.loads(line) for line in path.read_text().splitlines()] for name, path in FILES.items()}
OBJECTS = IMPORTS["otel-trading"]
SEARCHES = [one for objects in IMPORTS.values() for one in objects if one["type"] == "search"]
SOURCES = {search.id: search.source for name in SETS for search in read(name).searches if search.source}

# the demo's own sentences, with the demo's own names
DESK = """
    import sys
    import otel_trading as ot

    order = {"client_order_id": "desk9-1", "root_client_order_id": "desk9-0", "symbol": "BTCUSDT"}
    with ot.init("risk", otlp_endpoint=sys.argv[1], metrics_exporter=["none"], stdout="off") as telemetry:
        log = ot.get_logger()
        with ot.tracer().start_as_current_span("order denied"):
            log.warning("order denied", **{"risk.reason": "price_outside_collar"}, **order)
        log.warning("feed gap", sequence=17, symbol="BTCUSDT", venue="binance")
        log.warning("feed stale", **{"md.silent_ns": 1_250_000_000})
        log.warning("local clock is behind the exchange", **{"md.feed_latency_ns": -5})
        log.warning("order rejected by venue", venue="binance", order_id="V-9", **{"trading.order.reject_reason": "price_band"}, **order)
        log.info("order filled", venue="binance", order_id="V-9", exec_id="E-9", **{"trading.execution.quantity": 1.0, "trading.execution.price": 10.5}, **order)
        log.error("unreadable order", error="no such side")
        log.critical("kill switch engaged", **{"trading.kill_switch.reason": "operator"})
        assert telemetry.flush(20)
"""

# a Python service in the place of each of system 002's, with the sentences of its document
PY_RT = """
    import sys
    import otel_trading as ot

    with ot.init("risk-manager", otlp_endpoint=sys.argv[1], metrics_exporter=["none"], stdout="off") as telemetry:
        risk, router, feed = map(ot.get_logger, ("risk_manager.limits", "execution_engine.router", "market_data.socket"))
        risk.error("Circuit breaker triggered", reason="daily_loss", latency_us=1500)
        router.warning("Order rejection", rejection_reason="insufficient_margin", order_id="V-77")
        router.error("Request refused", status_code=429, error_message="rate limit exceeded")
        router.error("Request refused", status_code=500, error_message="bad gateway")
        router.info("Order successfully submitted", latency_us=342)
        feed.warning("WebSocket disconnected")
        feed.warning("High latency detected (>500us)", latency_us=2000)
        assert telemetry.flush(20)
"""

BOG = """
    import sys
    import otel_trading as ot

    with ot.init("bog-trading", otlp_endpoint=sys.argv[1], metrics_exporter=["none"]) as telemetry:
        log = ot.get_logger("bog")
        log.critical("Circuit breaker OPEN", reason="max_drawdown")
        log.error("3 fills dropped", error="queue full")
        log.warning("Position correction applied", symbol="BTC-USD")
        log.warning("Sequence gap", sequence=4711)
        log.warning("Stale data", symbol="BTC-USD")
        log.info("Signal::QuoteBoth", strategy="simple-spread", symbol="BTC-USD")
        assert telemetry.flush(20)
"""
BOG_SAYS = [
    "3 fills dropped",
    "Circuit breaker OPEN",
    "Position correction applied",
    "Sequence gap",
    "Signal::QuoteBoth",
    "Stale data",
]

FINDS = {
    "otel-trading-kill-switch": ["Circuit breaker OPEN", "Circuit breaker triggered", "kill switch engaged"],
    "otel-trading-gaps": ["feed gap"],
    "otel-trading-py_rt-rejections": ["Order rejection"],
    "otel-trading-py_rt-circuit-breaker": ["Circuit breaker triggered"],
    "otel-trading-py_rt-rate-limits": ["Request refused"],
    "otel-trading-py_rt-high-latency": ["Circuit breaker triggered"],
    "otel-trading-py_rt-disconnects": ["WebSocket disconnected"],
    "otel-trading-py_rt-runbook-circuit-breaker": ["Circuit breaker triggered"],
    "otel-trading-bog-circuit-breaker": ["Circuit breaker OPEN", "Circuit breaker triggered"],
    "otel-trading-bog-fills-dropped": ["3 fills dropped"],
    "otel-trading-bog-position-correction": ["Position correction applied"],
    "otel-trading-bog-sequence-gap": ["Sequence gap"],
    "otel-trading-bog-stale-data": ["Stale data"],
    "otel-trading-bog-follow": BOG_SAYS,
    "otel-trading-bog-errors": ["3 fills dropped", "Circuit breaker OPEN"],
    "otel-trading-bog-ten-minutes": BOG_SAYS,
    "otel-trading-bog-critical": ["Circuit breaker OPEN"],
    "otel-trading-bog-signals": ["Signal::QuoteBoth"],
}
"""All that a search finds, where the services above wrote it; the others are looked at by what they find at all."""
SENTENCES = ("order denied", "feed gap", "feed stale", "local clock is behind the exchange", "order rejected", "order filled",
             "order partially filled")  # fmt: skip


@pytest.fixture(scope="module")
def written(stack: Stack, work: Work) -> Work:
    """All that is searched for is there."""
    kql.obtain()
    for program in (DESK, PY_RT, BOG):
        with service(program, stack.otlp) as process:
            output, complaints = process.communicate(timeout=60)
        assert (process.returncode, without_engine(complaints)) == (0, "")
    wait_until(lambda: len(stack.logs("service.name:risk")) >= 8, 30)
    wait_until(lambda: len(stack.logs("service.name:(risk-manager OR bog-trading)")) >= 13, 30)
    ship(stack, [line.replace("bog-trading", "bog-shipped") for line in output.splitlines()])
    return work


def ship(stack: Stack, lines: list[str]) -> None:
    """Lines of standard output as a shipper of logs sends them: as they are, with the time that its stream wants."""
    documents = [json.loads(line) for line in lines]
    for document in documents:
        document["@timestamp"] = document["timestamp"]
    stream = f"{stack.servers['elasticsearch']['url']}/logs-otel_trading.stdout-default"
    for document in documents:
        assert ask(f"{stream}/_doc?refresh=true", document)["result"] == "created"


def fields(stack: Stack) -> dict[str, Any]:
    """The names that Kibana would offer."""
    caps = ask(f"{stack.servers['elasticsearch']['url']}/logs-*/_field_caps", fields="*")
    found: dict[str, Any] = caps["fields"]
    return found


def found_by_lucene(stack: Stack, line: str) -> list[dict[str, Any]]:
    """The documents of OTLP records that a line in Lucene's language finds, asked as Kibana asks."""
    asked = {"size": 1000, "query": {"query_string": {"query": line, "analyze_wildcard": True}}}
    answer = ask(f"{stack.servers['elasticsearch']['url']}/logs-*.otel-*/_search", asked)
    return [hit["_source"] for hit in answer["hits"]["hits"]]


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
    return {one["body"]["text"] if "body" in one else one["event"] for one in documents}


@pytest.mark.parametrize("name", IMPORTS)
def test_every_object_is_whole_and_refers_to_one_that_is_there(name: str) -> None:
    """Each line of a file is a saved object that an import takes, and a file needs no other."""
    there = {(one["type"], one["id"]) for one in IMPORTS[name]}
    assert len(IMPORTS[name]) == len(there)
    assert {"index-pattern", "search"} <= {kind for kind, _ in there}
    for one in IMPORTS[name]:
        assert {(reference["type"], reference["id"]) for reference in one["references"]} <= there
    for one in [one for one in IMPORTS[name] if one["type"] == "search"]:
        source = json.loads(one["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        assert [source["indexRefName"]] == [reference["name"] for reference in one["references"]]
        assert source["query"]["language"] in ("kuery", "lucene")


@pytest.mark.parametrize("saved", SEARCHES, ids=lambda saved: saved["id"].removeprefix("otel-trading-"))
def test_each_saved_search_finds_what_a_service_wrote(stack: Stack, written: Work, saved: dict[str, Any]) -> None:
    """Its columns and its order are fields that are there."""
    attributes = saved["attributes"]
    query = json.loads(attributes["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]
    kuery = query["language"] == "kuery"
    documents = found(stack, query["query"]) if kuery else found_by_lucene(stack, query["query"])
    assert documents, query
    if saved["id"] in FINDS:
        assert FINDS[saved["id"]] == sorted(messages(documents))
    known = fields(stack)
    assert [] == [
        name for name in [*attributes["columns"], *[name for name, _ in attributes["sort"]]] if name not in known
    ]


AS_WRITTEN = {
    # one word, and targets are paths: nothing is found
    "otel-trading-py_rt-circuit-breaker": set(),
    "otel-trading-py_rt-high-latency": set(),
    "otel-trading-py_rt-disconnects": set(),
    # a star beside quotes is a query of its own: everything
    "otel-trading-py_rt-rate-limits": {"bad gateway", "rate limit exceeded"},
}


def test_each_lucene_query_that_was_repaired_is_looked_at_as_it_was_written() -> None:
    """None is left out below; what greps a file or asks journald is no query of Elasticsearch."""
    repaired = {
        name for name, source in SOURCES.items() if source.repair and not source.query.startswith(("grep", "journal"))
    }
    assert repaired == AS_WRITTEN.keys()


@pytest.mark.parametrize("name", AS_WRITTEN)
def test_a_query_that_was_repaired_went_wrong_as_it_was_written(stack: Stack, written: Work, name: str) -> None:
    """It misses what it is for, or finds what it is not for."""
    documents = found_by_lucene(stack, SOURCES[name].query)
    assert AS_WRITTEN[name] == {one["attributes"].get("error_message") for one in documents} - {None}
    assert bool(AS_WRITTEN[name]) == bool(documents)


@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if not source.repair])
def test_a_query_that_was_not_repaired_stands_as_in_the_document(name: str) -> None:
    """Letter for letter, or what it greps for."""
    [saved] = [one for one in SEARCHES if one["id"] == name]
    query = json.loads(saved["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"]["query"]
    theirs = SOURCES[name].query
    if theirs.startswith("grep"):
        assert query == f'message : "{theirs.split(chr(34))[1]}"'
    elif not theirs.startswith("journalctl"):
        assert query == theirs


def test_what_a_shipper_sends_is_found_by_the_same_names(stack: Stack, written: Work) -> None:
    """Service, level, words, ids; the searches of the log queries find lines as they find records."""
    documents = found(stack, 'service.name : "bog-shipped"')
    assert BOG_SAYS == sorted(messages(documents))
    assert ["Circuit breaker OPEN"] == sorted(
        messages(found(stack, 'service.name : "bog-shipped" and log.level : "critical"'))
    )
    gaps = found(stack, 'service.name : "bog-shipped" and trading.sequence >= 4711 and message : "gap"')
    assert ["Sequence gap"] == [one["event"] for one in gaps]
    assert {"bog-trading", "bog-shipped"} == {
        one["service"] if "service" in one else one["resource"]["attributes"]["service.name"]
        for one in found(stack, 'message : "fills dropped"')
    }


def test_the_dashboard_counts_the_records_that_are_there(stack: Stack, written: Work) -> None:
    """The aggregations of its charts, asked of Elasticsearch; its panels lie beside each other and none twice."""
    charts = [json.loads(one["attributes"]["visState"]) for one in OBJECTS if one["type"] == "visualization"]
    assert {"log.level", "service.name"} == {chart["aggs"][2]["params"]["field"] for chart in charts}
    for chart in charts:
        _, time, value = [one["params"] for one in chart["aggs"]]
        by_value = {"terms": {"field": value["field"], "size": value["size"]}}
        bars = {"field": time["field"], "fixed_interval": "1m", "min_doc_count": time["min_doc_count"]}
        by_time = {"date_histogram": bars, "aggs": {"value": by_value}}
        answer = ask(f"{stack.servers['elasticsearch']['url']}/logs-*/_search", {"size": 0, "aggs": {"time": by_time}})
        values = {one["key"] for bar in answer["aggregations"]["time"]["buckets"] for one in bar["value"]["buckets"]}
        assert {"error", "warning", "info"} <= values or {"risk", "bog-trading", "bog-shipped"} <= values
    [dashboard] = [one for one in OBJECTS if one["type"] == "dashboard"]
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(dashboard["attributes"]["panelsJSON"]):
        grid = panel["gridData"]
        cells = {
            (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert not cells & taken
        assert grid["x"] + grid["w"] <= 48
        taken |= cells


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
