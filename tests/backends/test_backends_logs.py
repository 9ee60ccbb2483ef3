"""Log lines in Elasticsearch, found by what a Kibana user types into its search bar (Lucene syntax)."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from backend_senders import send_log, text_attribute
from backend_stores import Stack, wait_until
from conftest import ORDERS, REJECTED, ROOT, Work

from otel_trading.ground.order_ids import TABLE

pytestmark = pytest.mark.backends


def test_log_lines_are_found_by_trace_id(stack: Stack, work: Work) -> None:
    """From a trace in Jaeger to what was said meanwhile, in both processes."""
    for order in work.orders[REJECTED:]:
        found = stack.logs(f'trace.id:"{order["trace_id"]}"')
        assert [line["body"]["text"] for line in found] == ["order submitted", "order acknowledged"]


def test_log_lines_are_found_by_order_id(stack: Stack, work: Work) -> None:
    """By the venue's id and by ours, under the names of the catalogue."""
    by_venue = stack.logs('trading.order_id:"V-2" AND service.name:"order-gateway"')
    assert [line["body"]["text"] for line in by_venue] == ["order acknowledged", "order rejected"]
    by_client = stack.logs('trading.client_order_id:"desk7-2" AND service.name:(strategy OR "order-gateway")')
    assert [line["body"]["text"] for line in by_client] == ["order submitted", "order acknowledged"]


def test_errors_of_one_service_are_found(stack: Stack, work: Work) -> None:
    """Fields joined by AND, the usual first search."""
    found = stack.logs('service.name:"order-gateway" AND log.level:error')
    assert len(found) == REJECTED
    assert {line["body"]["text"] for line in found} == {"order rejected"}
    assert len(stack.logs('message:"price rejected"')) == 0
    assert len(stack.logs('service.name:"order-gateway" AND message:rejected')) == REJECTED


def test_no_line_is_lost_and_none_comes_twice(stack: Stack, work: Work) -> None:
    """Every line is one document."""
    assert len(stack.logs("service.name:strategy")) == ORDERS
    assert len(stack.logs('service.name:"order-gateway"')) == ORDERS + REJECTED
    assert stack.counted("otelcol_exporter_send_failed_log_records_total") == 0


def test_a_document_carries_span_logger_and_values(stack: Stack, work: Work) -> None:
    """What a line of JSON on standard output would have said."""
    order = work.orders[5]
    [document] = stack.logs('trading.client_order_id:"desk7-5" AND service.name:strategy')
    assert document["span_id"] == order["order_span"]
    assert document["scope"]["name"] == "strategy"
    assert document["attributes"]["quantity"] == 10
    assert document["attributes"]["trading.symbol"] == "BTCUSDT"
    assert document["resource"]["attributes"]["deployment.environment.name"] == "test"
    assert len(stack.logs("trading.symbol:BTCUSDT AND quantity:[5 TO 10]")) == ORDERS


def test_lines_of_one_millisecond_can_be_sorted(stack: Stack) -> None:
    """By time_unix_nano; @timestamp misreads what lies within its millisecond."""
    base = time.time_ns() // 1_000_000 * 1_000_000
    for nanoseconds in (200_000, 45_403):
        send_log(stack.otlp, "sprinter", str(nanoseconds), at_ns=base + nanoseconds)
    wait_until(lambda: len(stack.logs("service.name:sprinter")) == 2)
    assert [line["body"]["text"] for line in stack.logs("service.name:sprinter")] == ["45403", "200000"]
    assert [line["attributes"]["time_unix_nano"] for line in stack.logs("service.name:sprinter")] == [
        base + 45_403,
        base + 200_000,
    ]


def test_a_record_that_is_sent_twice_is_stored_once(stack: Stack) -> None:
    """A resend carries the same id, and Elasticsearch refuses the second copy."""
    name = "elasticsearch.document_id"
    for number in range(2):
        send_log(stack.otlp, "resender", "sent twice", text_attribute(name, "one-id"))
        wait_until(lambda number=number: refusals(stack, "409") >= number)
    wait_until(lambda: stack.logs("service.name:resender"))
    assert [line["body"]["text"] for line in stack.logs("service.name:resender")] == ["sent twice"]


def test_a_conflict_of_types_is_counted_where_the_alert_looks(stack: Stack) -> None:
    """A number first, a text later: the second document is lost, and says so in one counter only."""
    send_log(stack.otlp, "changeling", "first", {"key": "leverage", "value": {"intValue": "10"}})
    wait_until(lambda: stack.logs("service.name:changeling"))
    send_log(stack.otlp, "changeling", "second", text_attribute("leverage", "tenfold"))
    wait_until(lambda: refusals(stack, "400") == 1)
    assert [line["body"]["text"] for line in stack.logs("service.name:changeling")] == ["first"]


def refusals(stack: Stack, status: str) -> float:
    name = "otelcol_elasticsearch_docs_processed_total"
    return stack.counted(name, outcome="failed_client", http_response_status_code=status)


def test_the_template_knows_every_name_of_the_catalogue() -> None:
    """A name that is added there has to be searchable here."""
    path = Path(ROOT) / "collector-config/elasticsearch/otel-trading-orders.json"
    properties = json.loads(path.read_text())["template"]["mappings"]["properties"]
    aliases = {f"trading.{name}": found["path"] for name, found in properties["trading"]["properties"].items()}
    same = {f"{name}": f"attributes.{name}" for name in properties["attributes"]["properties"]}
    assert {row.alias: f"attributes.{row.attribute}" for row in TABLE}.items() <= {**same, **aliases}.items()
