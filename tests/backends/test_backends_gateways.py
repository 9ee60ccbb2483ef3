"""An agent and two gateways: who keeps which trace, and who measures all of them."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from backend_senders import send_log, send_spans, span, text_attribute
from backend_stores import Stack, wait_until
from conftest import running, tell
from support.children import environment

pytestmark = [pytest.mark.backends, pytest.mark.timeout(180)]

GATEWAYS = ("gateway-1", "gateway-2")
ORDERS, ERRORS, SLOW, REST = 40, 30, 10, 100
LAST_CHANCE_S = 40


@pytest.fixture(scope="module")
def gateways() -> Iterator[Stack]:
    """Ratio 0: what is kept is kept by a rule. Metrics leave less often than they are scraped, or exemplars are missed."""
    settings = {"GATEWAY_KEEP_PERCENT": "0", "GATEWAY_DECISION_WAIT": "2s", "GATEWAY_METRICS_INTERVAL": "6s"}
    chosen = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    with running("--gateways", "2", *chosen) as made:
        yield made


class Traffic:
    """Traces of two services, each service's spans in requests of their own, as processes send them."""

    def __init__(self) -> None:
        self.orders: list[str] = []
        self.errors: list[str] = []
        self.slow: list[str] = []
        self.rest: list[str] = []
        self.front: list[dict[str, Any]] = []
        self.back: list[dict[str, Any]] = []

    def add(self, kept: list[str], name: str, inner: str, *, error: bool = False, ms: float = 1.0, **ids: str) -> None:
        """A root span and a client span of one service, and the server span of the other one."""
        trace_id = secrets.token_hex(16)
        kept.append(trace_id)
        root = span(name, trace_id, ms=ms)
        call = span(inner, trace_id, root["spanId"], kind=3)
        self.front += [root, call]
        self.back.append(span(inner, trace_id, call["spanId"], kind=2, error=error, **ids))


def whole(stack: Stack, trace_ids: list[str]) -> list[int]:
    """How many spans of each trace are stored."""
    return [len(stack.trace(trace_id)) for trace_id in trace_ids]


@pytest.fixture(scope="module")
def traffic(gateways: Stack) -> Traffic:
    """Everything is sent, the inner halves last; returned once the gateways have measured it."""
    made = Traffic()
    for number in range(ORDERS // 2):
        made.add(made.orders, "signal.evaluate", "order.submit binance")
        made.add(made.orders, "signal.evaluate", "send", trading_order_client_id=f"desk7-{number}")
    for _ in range(ERRORS):
        made.add(made.errors, "md.receive binance", "md.parse", error=True)
    for _ in range(SLOW):
        made.add(made.slow, "md.receive binance", "md.parse", ms=700)
    for _ in range(REST):
        made.add(made.rest, "md.receive binance", "md.parse")
    # attribute names keep their underscore behind the dots
    for one in made.back:
        for attribute in one["attributes"]:
            attribute["key"] = attribute["key"].replace("client.id", "client_id")
    for first in range(0, len(made.front), 60):
        send_spans(gateways.otlp, "front", made.front[first : first + 60])
    for first in range(0, len(made.back), 30):
        send_spans(gateways.otlp, "back", made.back[first : first + 30])
    measured = f"sum(traces_span_metrics_calls_total) == {len(made.front) + len(made.back)}"
    wait_until(lambda: gateways.series(measured), LAST_CHANCE_S)
    return made


def test_orders_errors_and_slow_traces_are_kept_whole(gateways: Stack, traffic: Traffic) -> None:
    """At ratio 0, whichever service's span tells that the trace matters."""
    kept = traffic.orders + traffic.errors + traffic.slow
    wait_until(lambda: sum(whole(gateways, kept)) >= 3 * len(kept), LAST_CHANCE_S)
    assert whole(gateways, kept) == [3] * len(kept)


def test_the_rest_is_not_kept_at_ratio_0(gateways: Stack, traffic: Traffic) -> None:
    """Seen after what was sent with it has arrived."""
    wait_until(lambda: sum(whole(gateways, traffic.slow)) >= 3 * SLOW, LAST_CHANCE_S)
    assert whole(gateways, traffic.rest) == [0] * REST


def test_both_gateways_work(gateways: Stack, traffic: Traffic) -> None:
    """Each got a part, together everything, and no trace was split: split ones could not be kept whole."""
    name = "otelcol_receiver_accepted_spans_total"
    shares = [gateways.counted(name, server=gateway) for gateway in GATEWAYS]
    assert min(shares) > 0
    assert sum(shares) == len(traffic.front) + len(traffic.back)


def test_an_order_that_follows_late_is_kept(gateways: Stack) -> None:
    """Its tick was decided on before and dropped; nothing remembers that against the order."""
    trace_id = secrets.token_hex(16)
    before = decided(gateways)
    send_spans(gateways.otlp, "late", [span("md.receive binance", trace_id)])
    wait_until(lambda: decided(gateways) > before, LAST_CHANCE_S)
    assert whole(gateways, [trace_id]) == [0]
    send_spans(gateways.otlp, "late", [span("order.submit binance", trace_id)])
    wait_until(lambda: gateways.trace(trace_id), LAST_CHANCE_S)
    assert [one["name"] for one in gateways.trace(trace_id)] == ["order.submit binance"]


def decided(stack: Stack) -> float:
    """How many traces the rules dropped so far."""
    name = "otelcol_processor_tail_sampling_global_count_traces_sampled_total"
    return sum([stack.counted(name, server=gateway, sampled="false") for gateway in GATEWAYS])


def test_spans_that_are_not_kept_are_measured(gateways: Stack, traffic: Traffic) -> None:
    """Rates and durations are those of everything, by service, span and status."""
    calls = {
        (labels["service_name"], labels["span_name"], labels["status_code"]): value
        for labels, value in gateways.series(
            "sum by (service_name, span_name, status_code) (traces_span_metrics_calls_total{service_name!='late'})"
        )
    }
    assert calls == {
        ("front", "signal.evaluate", "STATUS_CODE_UNSET"): ORDERS,
        ("front", "order.submit binance", "STATUS_CODE_UNSET"): ORDERS / 2,
        ("front", "send", "STATUS_CODE_UNSET"): ORDERS / 2,
        ("front", "md.receive binance", "STATUS_CODE_UNSET"): ERRORS + SLOW + REST,
        ("front", "md.parse", "STATUS_CODE_UNSET"): ERRORS + SLOW + REST,
        ("back", "order.submit binance", "STATUS_CODE_UNSET"): ORDERS / 2,
        ("back", "send", "STATUS_CODE_UNSET"): ORDERS / 2,
        ("back", "md.parse", "STATUS_CODE_UNSET"): SLOW + REST,
        ("back", "md.parse", "STATUS_CODE_ERROR"): ERRORS,
    }
    slow = 'sum(traces_span_metrics_duration_seconds_bucket{service_name="front", span_name="md.receive binance", le="%s"})'
    below, above = [gateways.series(slow % bound)[0][1] for bound in ("0.5", "1.0")]
    assert (below, above) == (ERRORS + REST, ERRORS + REST + SLOW)


def test_the_service_graph_counts_each_call_once(gateways: Stack, traffic: Traffic) -> None:
    """A client span in one service and its server span in another one are one call."""
    query = 'sum(traces_service_graph_request_total{client="front", server="back"})'
    calls = ORDERS + ERRORS + SLOW + REST
    wait_until(lambda: gateways.series(f"{query} == {calls}"), LAST_CHANCE_S)
    [(_, failed)] = gateways.series('sum(traces_service_graph_request_failed_total{client="front", server="back"})')
    assert failed == ERRORS


def test_exemplars_lead_from_a_duration_to_its_trace(gateways: Stack, traffic: Traffic) -> None:
    """Those of spans that the rules keep can be opened in Jaeger."""
    query = 'traces_span_metrics_duration_seconds_bucket{span_name="signal.evaluate"}'
    wait_until(lambda: gateways.exemplars(query), LAST_CHANCE_S)
    found = {one["labels"]["trace_id"] for one in gateways.exemplars(query)}
    assert found <= set(traffic.orders)
    wait_until(lambda: min(whole(gateways, sorted(found))) == 3, LAST_CHANCE_S)


def test_host_metrics_come_from_the_agent(gateways: Stack) -> None:
    """Once, because the gateways have none."""
    wait_until(lambda: gateways.series("system_memory_usage_bytes"), LAST_CHANCE_S)
    assert {labels["instance"] for labels, _ in gateways.series("system_memory_usage_bytes")} == {
        gateways.servers["collector"]["export"]
    }


def test_the_second_line_of_defence_is_at_the_gateways(gateways: Stack) -> None:
    """Whatever agents send, no store has it."""
    secret, trace_id = f"third{secrets.token_hex(8)}", secrets.token_hex(16)
    send_spans(gateways.otlp, "leaky", [span(f"order.submit signature={secret}", trace_id, api_key=secret)])
    send_log(gateways.otlp, "leaky", f"token={secret}", text_attribute("authorization", secret))
    wait_until(lambda: gateways.trace(trace_id), LAST_CHANCE_S)
    wait_until(lambda: gateways.logs("service.name:leaky"), LAST_CHANCE_S)
    assert secret not in gateways.everything()


def test_doctor_finds_its_canary_behind_the_sampling(gateways: Stack) -> None:
    """Whatever the ratio, what it sends is kept."""
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": gateways.otlp,
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_TRADING_JAEGER_URL": gateways.servers["jaeger"]["url"],
        "OTEL_TRADING_ELASTICSEARCH_URL": gateways.servers["elasticsearch"]["url"],
    }
    command = [sys.executable, "-m", "otel_trading.cli.main", "doctor", "--json"]
    told = subprocess.run(
        command, env=environment(measured=False, **variables), capture_output=True, text=True, timeout=60
    )
    found = {one["name"]: one["state"] for one in json.loads(told.stdout)["findings"]}
    assert (told.returncode, told.stderr) == (0, "")
    assert found["spans: collector to Jaeger"] == found["log records: collector to Elasticsearch"] == "ok"


def test_nothing_is_lost_while_a_gateway_is_away(gateways: Stack) -> None:
    """Its share waits in the agent's queue on disk, also over a SIGKILL of the agent; the other one goes on."""
    tell(gateways, "stop", "gateway-1")
    trace_ids = [secrets.token_hex(16) for _ in range(60)]
    for trace_id in trace_ids:
        send_spans(gateways.otlp, "patient", [span("order.submit binance", trace_id)])
        send_log(gateways.otlp, "patient", trace_id)
    tell(gateways, "stop", "collector", "--kill")
    tell(gateways, "start", "collector")
    tell(gateways, "start", "gateway-1")
    wait_until(lambda: sum(whole(gateways, trace_ids)) >= len(trace_ids), 60)
    wait_until(lambda: len(gateways.logs("service.name:patient")) >= len(trace_ids), 60)
    assert whole(gateways, trace_ids) == [1] * len(trace_ids)
    assert sorted([line["body"]["text"] for line in gateways.logs("service.name:patient")]) == sorted(trace_ids)


def test_traces_that_wait_for_their_decision_survive_a_graceful_stop(gateways: Stack) -> None:
    """A gateway decides at once when it is told to end."""
    trace_ids = [secrets.token_hex(16) for _ in range(20)]
    before = sum([gateways.counted("otelcol_receiver_accepted_spans_total", server=one) for one in GATEWAYS])
    send_spans(gateways.otlp, "hasty", [span("order.submit binance", trace_id) for trace_id in trace_ids])
    name = "otelcol_receiver_accepted_spans_total"
    wait_until(lambda: sum([gateways.counted(name, server=one) for one in GATEWAYS]) >= before + 20)
    for gateway in GATEWAYS:
        tell(gateways, "stop", gateway)
    for gateway in GATEWAYS:
        tell(gateways, "start", gateway)
    wait_until(lambda: sum(whole(gateways, trace_ids)) >= len(trace_ids), LAST_CHANCE_S)
    assert whole(gateways, trace_ids) == [1] * len(trace_ids)


def test_spans_of_orders_survive_a_gateway_that_is_killed(gateways: Stack) -> None:
    """They do not wait for the decision on their trace; what else the trace held is lost with the memory it was in."""
    made = []
    for _ in range(30):
        trace_id = secrets.token_hex(16)
        root = span("signal.evaluate", trace_id)
        made.append((trace_id, [root, span("order.submit binance", trace_id, root["spanId"])]))
    name = "otelcol_receiver_accepted_spans_total"
    before = sum([gateways.counted(name, server=one) for one in GATEWAYS])
    tell(gateways, "stop", "jaeger")
    send_spans(gateways.otlp, "doomed", [one for _, spans in made for one in spans])
    wait_until(lambda: sum([gateways.counted(name, server=one) for one in GATEWAYS]) >= before + 60)
    for gateway in GATEWAYS:
        tell(gateways, "stop", gateway, "--kill")
    for gateway in GATEWAYS:
        tell(gateways, "start", gateway)
    tell(gateways, "start", "jaeger")
    orders = {spans[1]["spanId"] for _, spans in made}
    wait_until(lambda: len(stored(gateways, made, "order.submit binance")) >= len(orders), LAST_CHANCE_S)
    assert stored(gateways, made, "order.submit binance") == orders


def stored(stack: Stack, made: list[tuple[str, list[dict[str, Any]]]], name: str) -> set[str]:
    """Ids of the spans of this name that are in Jaeger, where one is twice if the kill swallowed its acknowledgement."""
    found = [one for trace_id, _ in made for one in stack.trace(trace_id)]
    return {one["spanId"] for one in found if one["name"] == name}
