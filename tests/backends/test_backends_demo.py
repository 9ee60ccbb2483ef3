"""The demo into the real stack: what its services made is in the stores, all of it, once, and as it was."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from backend_stores import Stack, wait_until
from conftest import running
from prometheus_client.parser import text_string_to_metric_families
from support.children import environment

pytestmark = [pytest.mark.backends, pytest.mark.timeout(240)]

SECONDS = 30
SERVICES = ("market-data", "signal", "risk", "execution")
LAST_CHANCE_S = 60


@dataclass
class Run:
    """One run of the demo.

    Attributes:
        document: what it printed.
        traces: everything that Jaeger has of it, by trace id.
        scraped: names and label sets of series, as Prometheus had them while it ran.
    """

    document: dict[str, Any]
    traces: dict[str, list[dict[str, Any]]]
    pages: dict[str, set[str]]

    @property
    def orders(self) -> dict[str, list[dict[str, Any]]]:
        """The traces in which an order was submitted."""
        return {
            trace_id: spans
            for trace_id, spans in self.traces.items()
            if any(span["name"].startswith("order.submit") for span in spans)
        }


def variables(stack: Stack) -> dict[str, str]:
    """How the demo finds a stack."""
    servers = stack.servers
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": servers["collector"]["otlp_http"],
        "OTEL_TRADING_JAEGER_URL": servers["jaeger"]["url"],
        "OTEL_TRADING_ELASTICSEARCH_URL": servers["elasticsearch"]["url"],
        "OTEL_TRADING_PROMETHEUS_URL": servers["prometheus"]["url"],
    }


def play(stack: Stack, seconds: int, *options: str) -> tuple[int, dict[str, Any], dict[str, set[str]]]:
    """Runs the demo; returns its exit code, its document, and the series on each service's page before the end."""
    command = [sys.executable, "-m", "otel_trading.cli.main", "demo", "--stack", "--json", "--duration", str(seconds)]
    targets = Path(stack.servers["prometheus"]["targets"]) / "services.json"
    before = targets.stat().st_mtime_ns
    pages: dict[str, set[str]] = {}
    with subprocess.Popen(
        [*command, *options],
        env=environment(measured=False, **variables(stack)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        if "--prometheus-targets" in options:
            wait_until(lambda: targets.stat().st_mtime_ns > before and targets.read_text().count(":") >= 5, 30)
            urls = [f"http://{address}/metrics" for address in json.loads(targets.read_text())[0]["targets"]]
            wait_until(lambda: len(stack.series('up{job="services"} == 1')) >= 4, 30)
            wait_until(lambda: stack.series("trading_order_ended_total > 0"), 30)
            pages = {url.split("/")[2]: series_names(url) for url in urls}
        stdout, stderr = process.communicate(timeout=seconds + 90)
    assert stderr == ""
    return process.returncode, json.loads(stdout), pages


def series_names(url: str) -> set[str]:
    """Names of all series of a page."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        families = text_string_to_metric_families(answer.read().decode())
        return {sample.name for family in families for sample in family.samples}


@pytest.fixture(scope="module")
def played(stack: Stack) -> Iterator[Run]:
    """Half a minute on one machine, metrics by scrape."""
    targets = Path(stack.servers["prometheus"]["targets"]) / "services.json"
    other_targets = targets.read_text()
    code, document, pages = play(stack, SECONDS, "--prometheus-targets", str(targets))
    assert (code, document["failed_checks"]) == (0, [])
    wait_until(lambda: stored_spans(stack, document) >= made(document, "spans"), LAST_CHANCE_S)
    traces: dict[str, list[dict[str, Any]]] = {}
    for service in SERVICES:
        for trace_id, spans in stack.traces_of(service).items():
            if int(min(span["startTimeUnixNano"] for span in spans)) > int(document["began_ns"]):
                traces[trace_id] = spans
    yield Run(document, traces, pages)
    targets.write_text(other_targets)


def made(document: dict[str, Any], signal: str, service: str | None = None) -> int:
    """What the counting processors counted in front of the batch processors."""
    counts = document["made"]
    return sum([counts[name][signal] for name in ([service] if service else SERVICES)])


def stored_spans(stack: Stack, document: dict[str, Any]) -> int:
    """Spans of this run in Jaeger; each service asked for by itself, spans of others in its traces not counted."""
    began = int(document["began_ns"])
    total = 0
    for service in SERVICES:
        traces = stack.traces_of(service)
        mine = [span for spans in traces.values() for span in spans if span["service"] == service]
        total += len([span for span in mine if int(span["startTimeUnixNano"]) >= began])
    return total


def lines_of(stack: Stack, run: Run, query: str) -> list[dict[str, Any]]:
    """Log documents of this run that a search line finds."""
    return [line for line in stack.logs(query) if line["attributes"]["time_unix_nano"] >= int(run.document["began_ns"])]


def test_no_span_is_lost_and_none_comes_twice(stack: Stack, played: Run) -> None:
    """The counting processors of four processes and Jaeger agree, by service and by kind of span."""
    assert made(played.document, "spans") > 1_000
    for service in SERVICES:
        spans = [span for spans in played.traces.values() for span in spans if span["service"] == service]
        assert len({(span["traceId"], span["spanId"]) for span in spans}) == len(spans)
        assert Counter(span["name"].split(" ")[0] for span in spans) == played.document["made"][service]["span_names"]
    assert stack.counted("otelcol_receiver_refused_spans_total") == 0
    assert stack.counted("otelcol_exporter_send_failed_spans_total") == 0


def test_no_line_is_lost_and_none_comes_twice(stack: Stack, played: Run) -> None:
    """The counting processors and Elasticsearch agree, service by service."""
    for service in SERVICES:
        expected = made(played.document, "logs", service)
        wait_until(lambda service=service, n=expected: len(lines_of(stack, played, f'service.name:"{service}"')) >= n)
        lines = lines_of(stack, played, f'service.name:"{service}"')
        assert len(lines) == expected
        ids = [line["attributes"]["time_unix_nano"] for line in lines]
        texts = [
            (moment, line["body"]["text"], str(line["attributes"])) for moment, line in zip(ids, lines, strict=True)
        ]
        assert len(set(texts)) == len(texts)


def test_every_order_is_complete_in_jaeger(played: Run) -> None:
    """Its services, its parents, its kinds, its durations and the tick it was decided on."""
    assert len(played.orders) == played.document["orders"]["complete"] > 20
    for spans in played.orders.values():
        names = {span["name"].split(" ")[0] for span in spans}
        assert {"signal.generate", "risk.check", "order.submit", "order"} <= names
        assert {span["service"] for span in spans} == {"signal", "risk", "execution"}
        by_id = {span["spanId"]: span for span in spans}
        roots = [span for span in spans if not span.get("parentSpanId")]
        assert [root["name"].split(" ")[0] for root in roots] == ["signal.generate"]
        for span in spans:
            parent = by_id.get(span.get("parentSpanId", ""))
            assert parent is not None or span in roots
            assert 0 <= int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"]) < SECONDS * 10**9


def test_parents_of_an_orders_spans_cross_the_processes(played: Run) -> None:
    """Risk's check is a child of the signal, the submit is a child of what risk did; 4 is a producer."""
    for spans in played.orders.values():
        by_id = {span["spanId"]: span for span in spans}
        [submit] = [span for span in spans if span["name"].startswith("order.submit")]
        assert submit["kind"] == 4
        assert by_id[submit["parentSpanId"]]["service"] == "risk"
        checks = [span for span in spans if span["name"] == "risk.check pretrade"]
        assert {by_id[span["parentSpanId"]]["service"] for span in checks} == {"signal"}


def test_every_order_links_to_its_tick(played: Run) -> None:
    """The tick is in Jaeger too, and was received before the order was decided on."""
    for spans in played.orders.values():
        [root] = [span for span in spans if not span.get("parentSpanId")]
        [link] = root["links"]
        [tick] = [span for span in played.traces[link["traceId"]] if span["spanId"] == link["spanId"]]
        assert (tick["service"], tick["name"].split(" ")[0]) == ("market-data", "md.receive")
        assert int(tick["startTimeUnixNano"]) <= int(root["startTimeUnixNano"])


def test_every_line_with_a_trace_id_is_found_by_it(stack: Stack, played: Run) -> None:
    """As a Kibana user types it, for every order; and the line's span is in the trace."""
    for trace_id, spans in played.orders.items():
        lines = lines_of(stack, played, f'trace.id : "{trace_id}"')
        assert {line["resource"]["attributes"]["service.name"] for line in lines} == {"signal", "risk", "execution"}
        assert {line["span_id"] for line in lines} <= {span["spanId"] for span in spans}


def test_lines_are_found_by_order_and_level(stack: Stack, played: Run) -> None:
    """By the client's id of an order, and refusals of risk by service and level."""
    for trace_id, spans in list(played.orders.items())[:10]:
        [submit] = [span for span in spans if span["name"].startswith("order.submit")]
        order = submit["values"]["trading.order.client_id"]
        lines = lines_of(stack, played, f'trading.client_order_id : "{order}"')
        assert {line["trace_id"] for line in lines} == {trace_id}
    denied = lines_of(stack, played, 'service.name : "risk" AND log.level : "warning"')
    assert len(denied) == played.document["orders"]["by_status"]["denied"] > 0
    assert {line["body"]["text"] for line in denied} == {"order denied"}


def test_every_metric_of_the_demo_is_in_prometheus(stack: Stack, played: Run) -> None:
    """All series of the four pages, by the names they have there, each from one place."""
    assert len(played.pages) == 4
    for address, names in played.pages.items():
        assert {name for name in names if name.startswith("trading_")}
        found = stack.series(f'count by (__name__, job) (last_over_time({{instance="{address}"}}[10m]))')
        assert names <= {labels["__name__"] for labels, _ in found}
        assert {labels["job"] for labels, _ in found} == {"services"}
    assert not stack.series('{__name__=~"trading_.+", job!="services"}')


def test_the_counters_in_prometheus_say_what_the_stores_say(stack: Stack, played: Run) -> None:
    """Orders that ended, by the last scrape, are at most those that Jaeger has, and most of them."""
    [(_, ended)] = stack.series("sum(last_over_time(trading_order_ended_total[10m]))")
    assert 0.5 * len(played.orders) <= ended <= len(played.orders) + played.document["orders"]["by_status"]["denied"]


def test_the_links_that_are_printed_lead_to_the_newest_order(stack: Stack, played: Run) -> None:
    """Jaeger's page exists for its trace; Kibana's search and Prometheus' graph name it and its metric."""
    links = played.document["links"]
    trace_id = links["jaeger"].rsplit("/", 1)[1]
    assert links["jaeger"] == f"{stack.servers['jaeger']['url']}/trace/{trace_id}"
    assert trace_id in played.orders
    assert f"trace.id%20:%20%22{trace_id}%22" in links["kibana"]
    assert links["prometheus"].startswith(f"{stack.servers['prometheus']['url']}/graph?g0.expr=")


def test_metrics_by_otlp_have_the_same_names_and_exemplars_that_open() -> None:
    """The other variant: an agent with the services' metrics, two gateways, and orders kept at ratio 0."""
    settings = ("--set", "GATEWAY_KEEP_PERCENT=0", "--set", "GATEWAY_DECISION_WAIT=2s")
    with running("--gateways", "2", "--overlay", "metrics-by-otlp", *settings) as other:
        _, document, _ = play(other, 20, "--metrics", "otlp")
        # the ticks that orders link to are not kept at ratio 0, everything else is there
        assert document["failed_checks"] == ["complete_orders", "correlated_logs.market-data"]
        for service in SERVICES:
            names = set(document["metrics"][service]["nonzero_series"])
            query = f'count by (__name__) (last_over_time({{job="{service}"}}[10m]))'
            wait_until(lambda n=names, q=query: n <= {labels["__name__"] for labels, _ in other.series(q)})
        assert not other.series('{__name__=~"trading_.+", job="services"}')
        exemplars = other.exemplars("trading_order_ack_duration_seconds_bucket")
        orders = other.traces_of("execution")
        assert exemplars
        for exemplar in exemplars:
            assert exemplar["labels"]["span_id"] in {span["spanId"] for span in orders[exemplar["labels"]["trace_id"]]}
        submitted = document["made"]["execution"]["span_names"]["order.submit"]
        assert (
            len([1 for spans in orders.values() if any("order.submit" in span["name"] for span in spans)]) == submitted
        )
        kept = Counter(span["service"] for spans in orders.values() for span in spans)
        assert kept["execution"] == document["made"]["execution"]["spans"]
