"""Clients of the stores: what they make of answers that are well-formed JSON and something else than expected."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from store_answers import http, saying
from support.servers import raw_server

from otel_trading.config.resolve import resolve
from otel_trading.stores.addresses import Addresses
from otel_trading.stores.errors import Cause, StoreError
from otel_trading.stores.jaeger import spans
from otel_trading.stores.opened import Stores, open_stores

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def asked(answer: Any, question: Callable[[Stores], Any], status: str = "200 OK", *, plain: bool = False) -> Any:
    """What a question returns if every store answers so."""
    body = answer.encode() if plain else json.dumps(answer).encode()
    with raw_server(saying(http(body, status))) as url:
        return question(open_stores(Addresses(url, url, url, url, url, url)))


def jaeger(stores: Stores) -> Any:
    assert stores.jaeger
    return stores.jaeger


def elastic(stores: Stores) -> Any:
    assert stores.elasticsearch
    return stores.elasticsearch


def prometheus(stores: Stores) -> Any:
    assert stores.prometheus
    return stores.prometheus


WRONG: tuple[Any, ...] = ([], {}, "text", None, 3, {"result": 3}, {"hits": []}, {"hits": {"hits": {}}}, {"data": []},
                          {"data": {"resultType": "scalar", "result": [0, "1"]}}, {"nodes": {}})  # fmt: skip


NESTED: tuple[Any, ...] = ({"result": {"resourceSpans": [1]}}, {"result": {"resourceSpans": {"a": 1}}},
                           {"result": {"resourceSpans": [{"scopeSpans": [{"spans": [1]}]}]}}, {"hits": {"hits": [1]}},
                           {"data": {"resultType": "vector", "result": [1]}}, {"data": {"resultType": "vector", "result": 1}},
                           {"nodes": [1]}, {"status": 1, "data": {"resultType": "vector", "result": [{"value": 3}]}})  # fmt: skip


@pytest.mark.parametrize("answer", NESTED)
def test_json_of_another_shape_further_down_is_told_as_such(answer: Any) -> None:
    """Each of these is the answer of one store with something broken within."""
    key = next(iter(set(answer) & {"result", "hits", "data", "nodes"}))
    questions: dict[str, Callable[[Stores], Any]] = {
        "result": lambda stores: jaeger(stores).trace(TRACE),
        "hits": lambda stores: elastic(stores).search("a:b"),
        "data": lambda stores: prometheus(stores).query("up"),
        "nodes": lambda stores: elastic(stores).time_s(),
    }
    with pytest.raises(StoreError) as raised:
        asked(answer, questions[key])
    assert Cause.NOT_JSON == raised.value.cause


@pytest.mark.parametrize("targets", [1, [1], [{"labels": 1}]])
def test_targets_of_another_shape_are_told_as_such(targets: Any) -> None:
    """The same for whom Prometheus scrapes."""
    with pytest.raises(StoreError):
        asked({"data": {"activeTargets": targets}}, lambda stores: prometheus(stores).targets())


@pytest.mark.parametrize("answer", WRONG)
@pytest.mark.parametrize(
    "question",
    [
        lambda stores: jaeger(stores).trace(TRACE),
        lambda stores: jaeger(stores).search("doctor", 0, 1),
        lambda stores: elastic(stores).search("a:b"),
        lambda stores: elastic(stores).health(),
        lambda stores: elastic(stores).time_s(),
        lambda stores: prometheus(stores).query("up"),
    ],
)
def test_json_of_another_shape_is_told_as_such(answer: Any, question: Callable[[Stores], Any]) -> None:
    """The address is of another server: no KeyError leaves."""
    with pytest.raises(StoreError) as raised:
        asked(answer, question)
    assert Cause.NOT_JSON == raised.value.cause


def test_what_a_store_does_not_know_is_nothing() -> None:
    """404 from each of them."""
    assert asked({}, lambda stores: jaeger(stores).trace(TRACE), "404 Not Found") is None
    assert [] == asked({}, lambda stores: elastic(stores).search("a:b"), "404 Not Found")
    assert asked({}, lambda stores: elastic(stores).has_template(), "404 Not Found") is False
    assert asked({}, lambda stores: elastic(stores).has_template()) is True


def test_spans_know_their_service() -> None:
    """OTLP JSON has it at the resource."""
    attributes = [{"key": "service.name", "value": {"stringValue": "risk"}}]
    scopes = [{"spans": [{"name": "risk.check"}]}, {}]
    trace = {"resourceSpans": [{"resource": {"attributes": attributes}, "scopeSpans": scopes}, {}]}
    assert [{"name": "risk.check", "service": "risk"}] == spans(
        asked({"result": trace}, lambda stores: jaeger(stores).trace(TRACE))
    )


def test_values_of_prometheus_become_numbers() -> None:
    """NaN and infinities too."""
    result = [{"metric": {"job": "a"}, "value": [1.5, "+Inf"]}, {"metric": {}, "value": [1.5, "NaN"]}]
    found = asked({"data": {"resultType": "vector", "result": result}}, lambda stores: prometheus(stores).query("up"))
    assert ({"job": "a"}, math.inf, 1.5) == (found[0].labels, found[0].value, found[0].at_s)
    assert math.isnan(found[1].value)


def test_targets_tell_why_they_are_down() -> None:
    """The last error of the scrape."""
    one = {"labels": {"job": "services"}, "scrapeUrl": "http://h/metrics", "health": "down", "lastError": "refused"}
    (found,) = asked({"data": {"activeTargets": [one]}}, lambda stores: prometheus(stores).targets())
    assert ("services", "http://h/metrics", False, "refused") == (found.job, found.url, found.up, found.error)


def test_counters_of_the_collector_are_summed_by_labels() -> None:
    """With and without the suffix that newer versions write."""
    text = (
        "# TYPE otelcol_receiver_accepted_spans counter\n"
        'otelcol_receiver_accepted_spans_total{receiver="otlp",transport="http"} 3\n'
        'otelcol_receiver_accepted_spans_total{receiver="otlp",transport="grpc"} 4\n'
        "# TYPE otelcol_exporter_queue_size gauge\n"
        'otelcol_exporter_queue_size{exporter="otlp_grpc/jaeger"} 2\n'
    )
    counters = asked(text, lambda stores: stores.collector.counters(), plain=True)
    assert 7 == counters.total("otelcol_receiver_accepted_spans")
    assert 4 == counters.total("otelcol_receiver_accepted_spans", transport="grpc")
    assert 2 == counters.total("otelcol_exporter_queue_size")
    assert 0 == counters.total("otelcol_nothing")


def test_a_page_that_is_no_text_of_metrics_is_told() -> None:
    """Somebody else's web page."""
    with pytest.raises(StoreError, match="no Prometheus text"):
        asked("<html>}{</html>", lambda stores: stores.collector.counters(), plain=True)


def test_stores_that_nobody_named_are_none() -> None:
    """By the knobs' defaults."""
    stores = open_stores(Addresses.from_config(resolve({}, None, {})[0]))
    assert (None, None, None) == (stores.jaeger, stores.elasticsearch, stores.prometheus)
    assert (None, None) == (stores.collector.health(), stores.collector.counters())


def test_addresses_come_from_environment_and_secrets_do_not_show() -> None:
    """OTEL_TRADING_ and the knob's name."""
    environment = {
        "OTEL_TRADING_JAEGER_URL": "http://j:16686",
        "OTEL_TRADING_ELASTICSEARCH_HEADERS": "authorization=ApiKey s3cret",
    }
    config, _ = resolve({"prometheus_url": "http://p:9090"}, None, environment)
    addresses = Addresses.from_config(config)
    assert ("http://j:16686", "http://p:9090", None) == (addresses.jaeger, addresses.prometheus, addresses.kibana)
    assert {"authorization": "ApiKey s3cret"} == addresses.elasticsearch_headers
    assert "s3cret" not in repr(addresses)
    assert "s3cret" not in str(config.rows())
