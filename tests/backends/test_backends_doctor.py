"""`otel-trading doctor` against the real servers: each fault is named with its hop, and no fault where there is none."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from backend_stores import Stack, ask, wait_until
from backend_tools import CONFIG, free_addresses, running_program
from conftest import running, tell
from support.certificates import localhost
from support.children import environment

pytestmark = [pytest.mark.backends, pytest.mark.timeout(240)]

TEMPLATE = "logs-otel-trading"
SPANS, RECORDS = "spans: service to collector", "log records: service to collector"
JAEGER, ELASTICSEARCH = "spans: collector to Jaeger", "log records: collector to Elasticsearch"
COLLECTED, SCRAPED = "metrics: collector to Prometheus", "metrics: Prometheus scrapes service"

TLS_RECEIVER = """
receivers:
  otlp:
    protocols:
      grpc: {endpoint: "%(grpc)s", tls: {cert_file: "%(certificate)s", key_file: "%(key)s"}}
      http: {endpoint: "%(http)s", tls: {cert_file: "%(certificate)s", key_file: "%(key)s"}}
exporters:
  otlp_grpc: {endpoint: "%(jaeger)s", tls: {insecure: true}}
extensions:
  health_check: {endpoint: "%(health)s"}
service:
  extensions: [health_check]
  telemetry: {metrics: {level: none}}
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_grpc]}
"""

ANOTHER_HOUR = """
import time

seconds, nanoseconds = time.time, time.time_ns
time.time = lambda: seconds() + 3600
time.time_ns = lambda: nanoseconds() + 3600 * 10**9
"""


@dataclass(frozen=True)
class Report:
    """What one run of the doctor said."""

    code: int
    document: dict[str, Any]

    def finding(self, name: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = [one for one in self.document["findings"] if one["name"] == name]
        assert len(found) == 1, self.document
        return found[0]

    def __getitem__(self, name: str) -> tuple[str, str]:
        """State and fault of a finding."""
        found = self.finding(name)
        return found["state"], found["fault"]

    @property
    def failed(self) -> dict[str, str]:
        """Names of what failed, with the fault."""
        return {one["name"]: one["fault"] for one in self.document["findings"] if one["state"] == "failed"}


@dataclass(frozen=True)
class Patient:
    """A stack with the port of a service that Prometheus scrapes, and what doctor said before there was a template."""

    stack: Stack
    metrics_port: str
    without_template: Report

    def address(self, server: str, name: str = "url") -> str:
        return str(self.stack.servers[server][name])


def doctor(stack: Stack, *options: str, timeout_s: int = 25, **changed: str) -> Report:
    """Runs the command in a service's environment; an empty variable is not set."""
    servers = stack.servers
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": servers["collector"]["otlp_http"],
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_TRADING_JAEGER_URL": servers["jaeger"]["url"],
        "OTEL_TRADING_ELASTICSEARCH_URL": servers["elasticsearch"]["url"],
        "OTEL_TRADING_PROMETHEUS_URL": servers["prometheus"]["url"],
        "OTEL_TRADING_COLLECTOR_HEALTH_URL": servers["collector"]["probe"],
        "OTEL_TRADING_COLLECTOR_METRICS_URL": servers["collector"]["metrics"],
        **changed,
    }
    command = [sys.executable, "-m", "otel_trading.cli.main", "doctor", "--json", "--timeout", str(timeout_s), *options]
    began = time.monotonic()
    done = subprocess.run(command, env=environment(measured=False, **variables), capture_output=True, text=True)
    assert time.monotonic() - began < timeout_s + 5
    assert done.stderr == ""
    return Report(done.returncode, json.loads(done.stdout))


@pytest.fixture(scope="module")
def patient() -> Iterator[Patient]:
    """A stack of these tests alone: its servers are stopped, and its template is missing at first."""
    with running() as stack:
        url = f"{stack.servers['elasticsearch']['url']}/_index_template/{TEMPLATE}"
        ask(url, method="DELETE")
        (metrics,) = free_addresses(1)
        targets = Path(stack.servers["prometheus"]["targets"]) / "services.json"
        targets.write_text(json.dumps([{"targets": [metrics]}]))
        without_template = doctor(stack)
        ask(url, json.loads((CONFIG / "elasticsearch" / f"{TEMPLATE}.json").read_text()), method="PUT")
        wait_until(lambda: metrics in json.dumps(ask(f"{stack.servers['prometheus']['url']}/api/v1/targets")))
        yield Patient(stack, metrics.rpartition(":")[2], without_template)


@contextmanager
def without(stack: Stack, server: str) -> Iterator[None]:
    """Stops a server for a while."""
    tell(stack, "stop", server)
    try:
        yield
    finally:
        tell(stack, "start", server)


def test_everything_is_found_where_everything_works(patient: Patient) -> None:
    """Each hop with its time; and the pages of what was found."""
    report = doctor(
        patient.stack,
        "--kibana-url=http://localhost:5601",
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_PORT=patient.metrics_port,
    )
    assert (0, True, {}) == (report.code, report.document["ok"], report.failed)
    for name in (SPANS, RECORDS, JAEGER, ELASTICSEARCH, SCRAPED):
        assert ("ok", "") == report[name]
        assert 0 <= report.finding(name)["seconds"] < 25
    for name in ("configuration", "versions", "environment", "port of /metrics", "clocks", "collector"):
        assert ("ok", "") == report[name]
    assert ("ok", "") == report["second shipping path"]
    trace_id = report.document["trace_id"]
    assert [trace_id] == list({span["traceId"] for span in patient.stack.trace(trace_id)})
    (document,) = patient.stack.logs(f'trace.id:"{trace_id}"')
    assert report.document["canary"] == document["attributes"]["otel_trading.doctor.canary"]
    assert {"jaeger", "kibana", "prometheus"} == set(report.document["pages"])
    assert trace_id in report.document["pages"]["jaeger"]


def test_everything_is_found_by_grpc(patient: Patient) -> None:
    """The other protocol, and addresses by options."""
    report = doctor(
        patient.stack,
        "--jaeger-url",
        patient.address("jaeger"),
        OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{patient.address('collector', 'otlp_grpc')}",
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
        OTEL_TRADING_JAEGER_URL="http://nobody.invalid",
    )
    assert (0, {}) == (report.code, report.failed)
    assert ("ok", "") == report[JAEGER]
    assert "by grpc" in report.finding(SPANS)["detail"]


def test_a_collector_that_is_down_is_named(patient: Patient) -> None:
    """By both signals and by its own check."""
    with without(patient.stack, "collector"):
        report = doctor(patient.stack)
    assert 1 == report.code
    assert {"collector": "collector_down", SPANS: "collector_down", RECORDS: "collector_down"} == report.failed
    assert "health check does not answer either" in report.finding(SPANS)["cause"]
    assert ("skipped", "") == report[JAEGER]


def test_a_wrong_port_is_named(patient: Patient) -> None:
    """Nobody there; a server of another kind, even if it answers 200 to everything; the collector's other pages."""
    report = doctor(patient.stack, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{free_addresses(1)[0]}")
    assert {SPANS: "wrong_port", RECORDS: "wrong_port"} == report.failed
    assert "the collector runs" in report.finding(SPANS)["cause"]
    for server, key, name in (
        ("jaeger", "url", "Jaeger"),
        ("elasticsearch", "url", "Elasticsearch"),
        ("prometheus", "url", "Prometheus"),
        ("collector", "probe", "The collector's health check"),
    ):
        report = doctor(patient.stack, OTEL_EXPORTER_OTLP_ENDPOINT=patient.address(server, key))
        assert {SPANS: "wrong_port", RECORDS: "wrong_port"} == report.failed
        assert f"{name} listens there" in report.finding(SPANS)["cause"]


def test_a_wrong_protocol_is_named(patient: Patient) -> None:
    """Both ways round."""
    report = doctor(patient.stack, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://{patient.address('collector', 'otlp_grpc')}")
    assert {SPANS: "wrong_protocol", RECORDS: "wrong_protocol"} == report.failed
    assert "The port speaks gRPC, the service http/protobuf." == report.finding(SPANS)["cause"]
    report = doctor(patient.stack, timeout_s=12, OTEL_EXPORTER_OTLP_PROTOCOL="grpc")
    assert {SPANS: "wrong_protocol", RECORDS: "wrong_protocol"} == report.failed
    assert "The port speaks http/protobuf, the service gRPC." == report.finding(SPANS)["cause"]


def test_elasticsearch_that_is_down_is_named(patient: Patient) -> None:
    """And what doctor promises is true: the record comes out of the queue when it is back."""
    with without(patient.stack, "elasticsearch"):
        report = doctor(patient.stack)
    assert (1, {ELASTICSEARCH: "elasticsearch_down"}) == (report.code, report.failed)
    assert ("ok", "") == report[JAEGER]
    wait_until(lambda: len(patient.stack.logs(f'trace.id:"{report.document["trace_id"]}"')) == 1, 30)


def test_a_missing_template_is_named(patient: Patient) -> None:
    """The collector drops the record; spans are not concerned."""
    report = patient.without_template
    assert (1, {ELASTICSEARCH: "template_missing"}) == (report.code, report.failed)
    assert "answers 404" in report.finding(ELASTICSEARCH)["cause"]
    assert ("ok", "") == report[JAEGER]


def test_jaeger_that_is_down_is_named(patient: Patient) -> None:
    """And what doctor promises is true: the span comes out of the queue when it is back."""
    with without(patient.stack, "jaeger"):
        report = doctor(patient.stack)
    assert (1, {JAEGER: "jaeger_down"}) == (report.code, report.failed)
    assert ("ok", "") == report[ELASTICSEARCH]
    wait_until(lambda: len(patient.stack.trace(report.document["trace_id"])) == 1)


def test_a_clock_that_is_off_by_an_hour_is_named(patient: Patient, tmp_path: Path) -> None:
    """This machine's, because all others agree."""
    (tmp_path / "sitecustomize.py").write_text(ANOTHER_HOUR)
    report = doctor(patient.stack, PYTHONPATH=str(tmp_path))
    assert (1, {"clocks": "clock_off"}) == (report.code, report.failed)
    cause = report.finding("clocks")["cause"]
    assert "This machine's clock is 1.0 h ahead" in cause
    assert all([name in cause for name in ("Elasticsearch", "Jaeger", "Prometheus", "collector")])


def test_tls_to_a_plain_port_is_named(patient: Patient) -> None:
    """https:// where http:// was meant."""
    secure = patient.address("collector", "otlp_http").replace("http://", "https://")
    report = doctor(patient.stack, OTEL_EXPORTER_OTLP_ENDPOINT=secure)
    assert {SPANS: "tls_mismatch", RECORDS: "tls_mismatch"} == report.failed
    assert "The service speaks TLS, the receiver does not." == report.finding(SPANS)["cause"]


def test_a_tls_port_is_told_from_its_mistakes(patient: Patient, programs: dict[str, str], tmp_path: Path) -> None:
    """Asked without TLS, by either protocol; an unknown authority; a wrong name; and nothing wrong."""
    authority, certificate, key = localhost(tmp_path)
    grpc, http, health = free_addresses(3)
    config = tmp_path / "collector.yaml"
    jaeger = patient.address("jaeger", "otlp_grpc")
    config.write_text(
        TLS_RECEIVER
        % {"grpc": grpc, "http": http, "health": health, "certificate": certificate, "key": key, "jaeger": jaeger}
    )

    def examined(endpoint: str, **changed: str) -> Report:
        return doctor(
            patient.stack,
            timeout_s=12,
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_LOGS_EXPORTER="none",
            OTEL_TRADING_COLLECTOR_METRICS_URL="",
            OTEL_TRADING_COLLECTOR_HEALTH_URL=f"http://{health}",
            **changed,
        )

    known = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(authority)}
    with running_program([programs["otelcol-trading"], "--config", str(config)], tmp_path, f"http://{health}"):
        good = examined(f"https://{http}", **known)
        assert (0, {}, ("ok", "")) == (good.code, good.failed, good[JAEGER])
        for report, cause in (
            (examined(f"http://{http}"), "The receiver speaks TLS, the service does not."),
            (examined(f"http://{grpc}", OTEL_EXPORTER_OTLP_PROTOCOL="grpc"), "The receiver speaks TLS"),
            (examined(f"https://{http}"), "The authority that signed"),
            (examined(f"https://127.1:{http.rpartition(':')[2]}", **known), "certificate is not for '127.1'"),
        ):
            assert {SPANS: "tls_mismatch"} == report.failed
            assert report.finding(SPANS)["cause"].startswith(cause) or cause in report.finding(SPANS)["cause"]


def test_metrics_that_the_collector_does_not_take_are_named(patient: Patient) -> None:
    """The default sends them by OTLP too, and this collector has no pipeline for them."""
    report = doctor(patient.stack, OTEL_METRICS_EXPORTER="otlp")
    assert {"metrics: service to collector": "no_pipeline"} == report.failed
    assert ("skipped", "") == report[COLLECTED]


def test_metrics_by_two_ways_are_named(patient: Patient, tmp_path: Path) -> None:
    """Another collector takes metrics by OTLP, and Prometheus reads them there; the service is scraped as well."""
    kept = patient.stack.servers["collector"]
    names = ("OTLP_GRPC", "OTLP_HTTP", "SECOND_HOP", "HEALTH", "EXPORT")
    addresses = dict(zip(names, free_addresses(len(names)), strict=True))
    variables = {
        **kept["environment"],
        **{f"COLLECTOR_{name}_ADDRESS": address for name, address in addresses.items()},
        "COLLECTOR_QUEUE_DIRECTORY": str(tmp_path / "queue"),
        "COLLECTOR_METRICS_PORT": free_addresses(1)[0].rpartition(":")[2],
    }
    targets = Path(patient.stack.servers["prometheus"]["targets"]) / "collected.json"
    former = targets.read_text()
    command = [*kept["command"], "--config", str(CONFIG / "collector" / "metrics-by-otlp.yaml")]
    endpoint = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{addresses['OTLP_HTTP']}"}
    try:
        with running_program(command, tmp_path, f"http://{addresses['HEALTH']}", **variables):
            targets.write_text(json.dumps([{"targets": [addresses["EXPORT"]]}]))
            both = doctor(
                patient.stack,
                timeout_s=30,
                OTEL_METRICS_EXPORTER="otlp,prometheus",
                OTEL_EXPORTER_PROMETHEUS_PORT=patient.metrics_port,
                **endpoint,
            )
    finally:
        targets.write_text(former)
        shutil.rmtree(tmp_path / "queue", ignore_errors=True)
    assert (0, {}) == (both.code, both.failed)
    assert (("ok", ""), ("ok", "")) == (both[COLLECTED], both[SCRAPED])
    assert ("warning", "duplicate") == both["second shipping path"]
    assert "Metrics come by OTLP and by scrape" in both.finding("second shipping path")["cause"]


def test_log_records_by_two_ways_are_named(patient: Patient) -> None:
    """Documents of one service that came by OTLP, and some that were read from files: those name no SDK."""
    now_ms = int(time.time() * 1000)
    for resource in ({"service.name": "risk", "telemetry.sdk.name": "opentelemetry"}, {"service.name": "risk"}):
        document = {"@timestamp": now_ms, "resource": {"attributes": resource}, "body": {"text": "order submitted"}}
        ask(f"{patient.address('elasticsearch')}/logs-generic.otel-default/_doc", document)
    wait_until(lambda: len(patient.stack.logs('service.name:"risk"')) == 2)
    report = doctor(patient.stack, OTEL_SERVICE_NAME="risk")
    assert 0 == report.code
    assert ("warning", "duplicate") == report["second shipping path"]
    assert (
        "Log records of risk came by OTLP (1) and from its JSON lines (1)"
        in (report.finding("second shipping path")["cause"])
    )
