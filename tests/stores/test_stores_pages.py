"""Addresses of pages: what a browser makes of them is what was meant."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from otel_trading.stores import pages

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
START_NS = 1_795_268_519_410_999_999


@pytest.mark.parametrize("base", ["http://localhost:16686", "http://localhost:16686/"])
def test_a_trace_has_its_page_in_jaeger(base: str) -> None:
    """With and without a slash at the end of the base."""
    assert f"http://localhost:16686/trace/{TRACE}" == pages.jaeger_trace(base, TRACE)


def test_a_prefix_of_a_proxy_is_kept() -> None:
    """Jaeger behind a path."""
    assert f"https://obs.example/jaeger/trace/{TRACE}" == pages.jaeger_trace("https://obs.example/jaeger/", TRACE)


def test_credentials_do_not_stand_in_a_page() -> None:
    """These addresses are printed."""
    assert "https://h:1/p/trace/1" == pages.jaeger_trace("https://user:s3cret@h:1/p", "1")
    assert "s3cret" not in pages.kibana_search("http://u:s3cret@k", "a", 0, 1)
    assert "s3cret" not in pages.prometheus_graph("http://u:s3cret@k", "a")


def kibana_parts(url: str) -> dict[str, str]:
    """The states within the fragment as Kibana reads them: split first, decoded afterwards."""
    path, _, query = urlsplit(url).fragment.partition("?")
    assert "/" == path
    return {key: unquote(value) for key, _, value in (pair.partition("=") for pair in query.split("&"))}


def test_a_search_in_kibana_has_period_columns_and_the_line_as_typed() -> None:
    """The period is rounded outwards to milliseconds."""
    url = pages.kibana_search("http://localhost:5601", f'trace.id : "{TRACE}"', START_NS, START_NS + 1)
    assert url.startswith("http://localhost:5601/app/discover#/?_g=(")
    parts = kibana_parts(url)
    assert "time:(from:'2026-11-21T13:41:59.410Z',to:'2026-11-21T13:41:59.411Z')" in parts["_g"]
    assert f"query:(language:kuery,query:'trace.id : \"{TRACE}\"')" in parts["_a"]
    assert "index:'otel-trading-logs'" in parts["_a"]
    assert "columns:!('service.name','log.level','message')" in parts["_a"]
    assert "sort:!(!(time_unix_nano,asc))" in parts["_a"]


def test_what_rison_and_addresses_give_a_meaning_to_is_escaped() -> None:
    """Quotes, exclamation marks, ampersands, percent and plus signs, blanks, other alphabets."""
    kql = 'message : "it\'s 5% & 3+4 # not!" and venue : börse'
    url = pages.kibana_search("http://k", kql, 0, 0)
    assert " " not in url
    assert '"' not in url
    assert url.isascii()
    assert 2 == url.partition("#")[2].count("&") + 1
    assert "query:'" + kql.replace("!", "!!").replace("'", "!'") + "'" in kibana_parts(url)["_a"]


def test_the_data_view_is_the_one_that_is_deployed() -> None:
    """A link to another one opens an error."""
    path = Path(__file__).resolve().parents[2] / "collector-config" / "kibana" / "otel-trading.ndjson"
    objects = [json.loads(line) for line in path.read_text().splitlines()]
    assert pages.DATA_VIEW in [one["id"] for one in objects if one.get("type") == "index-pattern"]


def test_another_data_view_can_be_named() -> None:
    """For those who have their own."""
    assert "index:'mine'" in kibana_parts(pages.kibana_search("http://k", "a : b", 0, 1, data_view="mine"))["_a"]


def test_a_graph_of_prometheus_has_expression_and_range() -> None:
    """The graph's tab is chosen."""
    promql = 'rate(trading_orders_total{job="services"}[1m])'
    url = pages.prometheus_graph("http://localhost:9090/", promql, "30m")
    assert "/graph" == urlsplit(url).path
    assert {"g0.expr": [promql], "g0.tab": ["0"], "g0.range_input": ["30m"]} == parse_qs(urlsplit(url).query)
