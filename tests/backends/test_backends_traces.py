"""Traces in Jaeger, found by its query API."""

from __future__ import annotations

import pytest
from backend_stores import Stack, wait_until
from conftest import ORDERS, Work

pytestmark = pytest.mark.backends


def test_every_order_is_one_whole_trace(stack: Stack, work: Work) -> None:
    """Three spans of two services, none lost and none twice."""
    for order in work.orders:
        wait_until(lambda order=order: len(stack.trace(order["trace_id"])) >= 3, 20)
        found = sorted([(span["name"], span["service"]) for span in stack.trace(order["trace_id"])])
        assert found == [
            ("order.ack binance", "order-gateway"),
            ("order.submit binance", "strategy"),
            ("risk.check position_limit", "strategy"),
        ]


def test_parents_kinds_links_and_attributes_arrive(stack: Stack, work: Work) -> None:
    """The acknowledgement in one process is the child of the order in another, and the order knows its tick."""
    order = work.orders[3]
    wait_until(lambda: len(stack.trace(order["trace_id"])) >= 3, 20)
    spans = {span["name"].split()[0]: span for span in stack.trace(order["trace_id"])}
    submit, ack, check = spans["order.submit"], spans["order.ack"], spans["risk.check"]

    assert submit["spanId"] == order["order_span"]
    assert not submit.get("parentSpanId")
    assert [ack["parentSpanId"], check["parentSpanId"]] == [order["order_span"]] * 2
    # 1 internal, 4 producer, 5 consumer
    assert [submit["kind"], ack["kind"], check["kind"]] == [4, 5, 1]
    assert [(link["traceId"], link["spanId"]) for link in submit["links"]] == [
        (order["tick_trace"], order["tick_span"])
    ]
    assert submit["values"]["trading.order.client_id"] == "desk7-3"
    assert ack["values"]["trading.order.id"] == "V-3"
    assert 0 < int(check["endTimeUnixNano"]) - int(check["startTimeUnixNano"]) < 1_000_000_000


def test_the_tick_an_order_is_linked_to_can_be_opened(stack: Stack, work: Work) -> None:
    """A link that leads nowhere is worth nothing."""
    order = work.orders[0]
    wait_until(lambda: stack.trace(order["tick_trace"]), 20)
    [tick] = stack.trace(order["tick_trace"])
    assert (tick["name"], tick["spanId"]) == ("md.receive binance", order["tick_span"])


def test_an_order_is_found_by_its_id(stack: Stack, work: Work) -> None:
    """Jaeger's search form, field Tags."""
    order = work.orders[7]
    wait_until(lambda: stack.traces_with("order-gateway", "trading.order.id", "V-7"), 20)
    assert stack.traces_with("order-gateway", "trading.order.id", "V-7") == [order["trace_id"]]
    assert stack.traces_with("strategy", "trading.order.client_id", "desk7-7") == [order["trace_id"]]


def test_the_collector_took_exactly_what_was_made(stack: Stack, work: Work) -> None:
    """Ticks, orders, checks and acknowledgements."""
    sent = 4 * ORDERS
    wait_until(lambda: stack.counted("otelcol_exporter_sent_spans_total", exporter="otlp_grpc/jaeger") >= sent, 20)
    ids = [order[name] for order in work.orders for name in ("trace_id", "tick_trace")]
    assert sum([len(stack.trace(trace_id)) for trace_id in ids]) == sent
    assert stack.counted("otelcol_receiver_refused_spans_total") == 0
