"""The other ways in and out: log lines by files, metrics by OTLP, by remote write and into InfluxDB. One way at a time."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from backend_senders import send_gauge, text_attribute
from backend_stores import Stack, ask, wait_until
from conftest import running, tell
from support.children import environment, without_engine

from otel_trading.ground.order_ids import TABLE

pytestmark = [pytest.mark.backends, pytest.mark.timeout(180)]

LAST_CHANCE_S = 40
LINES = 50

SERVICE = """
    import json, sys
    import otel_trading as ot

    name, endpoint, logs, metrics, lines = sys.argv[1:4] + [sys.argv[4]] + [int(sys.argv[5])]
    tracer, log, meter = ot.tracer("desk"), ot.get_logger("desk", venue="binance"), ot.meter("desk")
    with ot.init(name, otlp_endpoint=endpoint, logs_exporter=[logs], metrics_exporter=[metrics],
                 stdout="json" if logs == "none" else "off") as telemetry:
        duration = meter.create_histogram("risk.check.duration", unit="s")
        orders = meter.create_counter("trading.orders", unit="{order}")
        position = meter.create_up_down_counter("trading.position", unit="{lot}")
        for number in range(lines):
            with tracer.start_as_current_span("order.submit binance"):
                ids = {"order_id": "V-%d", "client_order_id": "c-%d", "root_client_order_id": "r-%d",
                       "exec_id": "x-%d", "symbol": "S%d", "strategy": "t%d", "account": "a%d"}
                log.info("order submitted", sequence=number, quantity=10, price=1.5, live=True,
                         **{key: value % number for key, value in ids.items()})
                duration.record(0.002, {"risk.check.type": "position_limit"})
                orders.add(1, {"trading.venue": "binance"})
                position.add(-2)
            log.warning("no span here", note="line\\nwith a break, \\u2028 and \\u00e9")
        try:
            raise ValueError("price out of band")
        except ValueError:
            log.exception("order rejected", client_order_id="c-last")
        log.critical("kill switch")
        assert telemetry.flush(20)
        print("everything is sent", file=sys.stderr, flush=True)
        # exemplars live from one export to the next
        sys.stdin.read()
"""


@contextmanager
def working(name: str, endpoint: str, *, logs: str, metrics: str, stdout: Path | None = None) -> Iterator[None]:
    """A service that has done its work and waits; its standard output goes to a file."""
    command = [sys.executable, "-c", textwrap.dedent(SERVICE), name, endpoint, logs, metrics, str(LINES)]
    streams = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
    with (
        (stdout or Path(os.devnull)).open("wb") as output,
        subprocess.Popen(command, stdout=output, text=True, env=environment(measured=False), **streams) as process,
    ):
        assert process.stderr is not None
        assert without_engine(process.stderr.readline()) == ""
        assert process.stderr.readline() == "everything is sent\n"
        try:
            yield
        finally:
            _, complaints = process.communicate(timeout=60)
    assert (process.returncode, without_engine(complaints)) == (0, "")


@pytest.fixture(scope="module")
def other() -> Iterator[Stack]:
    """Lines from files, metrics by OTLP, into Prometheus and InfluxDB."""
    with running("--overlay", "logs-from-files", "--overlay", "metrics-by-otlp", "--overlay", "influxdb") as made:
        yield made


@pytest.fixture(scope="module")
def written(other: Stack) -> Iterator[str]:
    """A service that wrote its lines to the file that the collector reads, and sent metrics by OTLP."""
    path = Path(other.servers["collector"]["lines"]) / "a.jsonl"
    with working("by-file", other.otlp, logs="none", metrics="otlp", stdout=path):
        # seen once before a test restarts the collector, whose memory the series are in
        wait_until(lambda: other.series('trading_orders_total{job="by-file"}'), LAST_CHANCE_S)
        yield "by-file"


def by_order(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What does not differ between two runs of the same program."""
    same = []
    for line in lines:
        attributes = {key: value for key, value in line["attributes"].items() if key not in ("time_unix_nano",)}
        attributes.pop("exception.stacktrace", None)
        same.append(
            {
                "body": line["body"],
                "severity": (line["severity_text"].lower(), line["severity_number"]),
                "scope": line["scope"].get("name"),
                "attributes": attributes,
                "ids": (len(line.get("trace_id", "")), len(line.get("span_id", ""))),
            }
        )
    return same


def test_a_document_looks_the_same_by_either_way(other: Stack, written: str, stack: Stack) -> None:
    """Names, types, levels and correlation; the resource of a file's line has the name of the service only."""
    with working("by-otlp", stack.otlp, logs="otlp", metrics="none"):
        pass
    expected_lines = 2 * LINES + 2
    wait_until(lambda: len(stack.logs('service.name:"by-otlp"')) >= expected_lines, LAST_CHANCE_S)
    wait_until(lambda: len(other.logs('service.name:"by-file"')) >= expected_lines, LAST_CHANCE_S)
    by_otlp, by_file = stack.logs('service.name:"by-otlp"'), other.logs('service.name:"by-file"')
    assert len(by_file) == len(by_otlp) == expected_lines
    assert by_order(by_file) == by_order(by_otlp)
    assert {*by_file[0]["resource"]["attributes"]} == {"service.name"}
    digits = [line["attributes"]["time_unix_nano"] % 1000 for line in by_file]
    assert any(digits), "the time of a line has nanoseconds"
    assert {row.attribute for row in TABLE} <= {*by_file[0]["attributes"]}


def test_lines_of_files_are_correlated(other: Stack, written: str) -> None:
    """From a trace in Jaeger to its line that came by a file."""
    wait_until(lambda: other.spans_of(written) >= LINES, LAST_CHANCE_S)
    wait_until(lambda: len(other.logs("trading.order_id:V-7")) == 1, LAST_CHANCE_S)
    [line] = other.logs("trading.order_id:V-7")
    assert line["trace_id"] in other.traces_of(written)
    assert other.trace(line["trace_id"])[0]["spanId"] == line["span_id"]


def test_a_container_runtimes_wrapping_is_taken_off(other: Stack) -> None:
    """The format of containerd and CRI-O, a long line in two parts; and the name of the pod stays."""
    folder = Path(other.servers["collector"]["lines"]) / "pods/trading_risk-0_0a1b2c/risk"
    folder.mkdir(parents=True)
    line = json.dumps({"timestamp": "2026-01-02T03:04:05.678901234Z", "level": "error", "event": "limit breached",
                       "logger": "risk", "service": "in-a-pod", "client_order_id": "pod-1"})  # fmt: skip
    first, second = line[:60], line[60:]
    moment = "2026-01-02T03:04:06.1Z stdout"
    (folder / "0.log").write_text(f"{moment} P {first}\n{moment} F {second}\n")
    wait_until(lambda: other.logs('service.name:"in-a-pod"'), LAST_CHANCE_S)
    [found] = other.logs('service.name:"in-a-pod"')
    assert found["body"]["text"] == "limit breached"
    assert found["severity_text"] == "error"
    assert found["attributes"]["trading.order.client_id"] == "pod-1"
    assert found["attributes"]["time_unix_nano"] == 1_767_323_045_678_901_234


def test_a_line_that_is_no_json_is_kept_as_it_is(other: Stack) -> None:
    """A crash's last words matter most."""
    path = Path(other.servers["collector"]["lines"]) / "crash.jsonl"
    path.write_text('Fatal Python error: Segmentation fault\n{"event": "cut off in the mid\n')
    wait_until(lambda: len(other.logs('message:"Segmentation fault"')) == 1, LAST_CHANCE_S)
    wait_until(lambda: len(other.logs('message:"cut off in the mid"')) == 1, LAST_CHANCE_S)


def test_lines_are_read_once_over_a_restart(other: Stack, written: str) -> None:
    """The place in each file is on disk."""
    path = Path(other.servers["collector"]["lines"]) / "restart.jsonl"
    path.write_text('{"event": "before", "service": "restarted"}\n')
    wait_until(lambda: other.logs("service.name:restarted"), LAST_CHANCE_S)
    tell(other, "stop", "collector", "--kill")
    with path.open("a") as file:
        file.write('{"event": "meanwhile", "service": "restarted"}\n')
    tell(other, "start", "collector")
    wait_until(lambda: len(other.logs("service.name:restarted")) >= 2, LAST_CHANCE_S)
    assert sorted([line["body"]["text"] for line in other.logs("service.name:restarted")]) == ["before", "meanwhile"]
    assert len(other.logs('service.name:"by-file"')) == 2 * LINES + 2


def test_otlp_logs_are_refused_where_files_are_read(other: Stack) -> None:
    """So no line comes by both ways; the service that tries is told."""
    assert ask(f"{other.otlp}/v1/logs", {"resourceLogs": []}) is None


def test_metrics_by_otlp_arrive_under_the_names_of_a_scrape(other: Stack, written: str) -> None:
    """Each as one series, with the service as its job."""
    [(labels, orders)] = newest(other, "trading_orders_total")
    assert (orders, labels["trading_venue"]) == (LINES, "binance")
    [(labels, count)] = newest(other, "risk_check_duration_seconds_count")
    assert (count, labels["risk_check_type"]) == (LINES, "position_limit")
    assert [value for _, value in newest(other, "trading_position")] == [-2 * LINES]
    [(target, _)] = newest(other, 'target_info{job="by-file"}')
    assert target["instance"] == labels["instance"]


def newest(stack: Stack, series: str) -> list[tuple[dict[str, str], float]]:
    """What a series was last, also if the collector forgot it meanwhile."""
    return stack.series(f"last_over_time({series}[10m])")


def test_exemplars_of_metrics_by_otlp_open_in_jaeger(other: Stack, written: str) -> None:
    """From a bucket to the very span in which its measurement was made."""
    query = "risk_check_duration_seconds_bucket"
    wait_until(lambda: other.exemplars(query), LAST_CHANCE_S)
    for exemplar in other.exemplars(query):
        assert float(exemplar["value"]) == 0.002
        [span] = other.trace(exemplar["labels"]["trace_id"])
        assert span["spanId"] == exemplar["labels"]["span_id"]


def test_the_same_metrics_are_in_influxdb(other: Stack, written: str) -> None:
    """Measurements have Prometheus' names, labels are tags."""

    def points(query: str) -> list[list[Any]]:
        found = ask(f"{other.servers['influxdb']['url']}/query", db="trading", q=query)
        return [row for series in found["results"][0].get("series", []) for row in series["values"]]

    orders = "SELECT last(value) FROM trading_orders_total WHERE trading_venue = 'binance' AND job = 'by-file'"
    wait_until(lambda: points(orders), LAST_CHANCE_S)
    assert [value for _, value in points(orders)] == [LINES]
    total = "SELECT last(value) FROM risk_check_duration_seconds_sum"
    assert [value for _, value in points(total)] == [pytest.approx(LINES * 0.002)]


def test_secrets_in_labels_reach_no_store(other: Stack) -> None:
    """Metrics pass the second line of defence too."""
    secret = f"fourth{secrets.token_hex(8)}"
    labels = (text_attribute("api_key", secret), text_attribute("note", f"Bearer {secret}"))
    send_gauge(other.otlp, "leaky", "trading.leak", 7.0, *labels)
    wait_until(lambda: other.series("trading_leak"), LAST_CHANCE_S)
    [(found, value)] = other.series("trading_leak")
    assert (value, found["api_key"], found["note"]) == (7.0, "****", "****")
    influxdb = f"{other.servers['influxdb']['url']}/query"
    wait_until(lambda: "leaky" in json.dumps(ask(influxdb, db="trading", q="SHOW SERIES")), LAST_CHANCE_S)
    assert secret not in other.everything() + json.dumps(ask(influxdb, db="trading", q="SHOW SERIES"))


def test_metrics_are_written_to_prometheus_where_it_does_not_read_them() -> None:
    """With exemplars, and each series once."""
    with (
        running("--overlay", "metrics-by-otlp", "--overlay", "remote-write") as pushed,
        working("pusher", pushed.otlp, logs="none", metrics="otlp"),
    ):
        wait_until(lambda: pushed.series("trading_orders_total"), LAST_CHANCE_S)
        [(labels, orders)] = pushed.series("trading_orders_total")
        assert (orders, labels["job"]) == (LINES, "pusher")
        wait_until(lambda: pushed.exemplars("risk_check_duration_seconds_bucket"), LAST_CHANCE_S)
        wait_until(lambda: pushed.series("system_memory_usage_bytes"), LAST_CHANCE_S)
        assert pushed.series('up{job="collected"}') == []
