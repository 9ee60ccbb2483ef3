"""A collector that is killed and comes back during 60 s of load: the books equal what arrived and what they call lost."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from backend_stores import wait_until
from conftest import service
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from support.children import without_engine
from support.hostile_grpc import serving
from support.servers import free_port

pytestmark = [pytest.mark.backends, pytest.mark.timeout(240)]

LOAD_S, SPANS_A_SECOND = 60, 1000
KILLS = ((12.0, 3.0), (28.0, 1.0), (40.0, 4.0))
"""Seconds after which it is killed, and for how long it is gone."""

# it accepts what the receiver behind it has accepted, and nothing else: what it says is what arrived
CONFIGURATION = """
receivers:
  otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}
exporters:
  otlp_grpc:
    endpoint: "127.0.0.1:{behind}"
    compression: none
    tls: {{insecure: true}}
    sending_queue: {{enabled: false}}
    retry_on_failure: {{enabled: false}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [otlp_grpc]}}
    logs: {{receivers: [otlp], exporters: [otlp_grpc]}}
"""

SERVICE = """
    import json, sys, time
    import otel_trading as ot

    endpoint, seconds, rate = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    with ot.init("orders", otlp_endpoint=endpoint, metrics_exporter="none", stdout="off") as telemetry:
        log, tracer = ot.get_logger(), ot.tracer()
        began = time.monotonic()
        for number in range(int(seconds * rate)):
            with tracer.start_as_current_span("order.submit", attributes={"n": number}):
                if number % 10 == 0: log.info("submitted", n=number)
            ahead = number / rate - (time.monotonic() - began)
            if ahead > 0.002: time.sleep(ahead)
        flushed = telemetry.flush(30)
        books = {signal: book.as_dict() for signal, book in telemetry.books().items()}
        print(json.dumps({"flushed": flushed, "books": books}))
"""


def listening(port: int) -> bool:
    """Whether somebody takes connections."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def collector(program: str, configuration: Path, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Running and listening; killed at the end."""
    with (
        log.open("ab") as out,
        subprocess.Popen([program, "--config", str(configuration)], stdout=out, stderr=out) as made,
    ):
        try:
            wait_until(lambda: listening(port), 20)
            yield made
        finally:
            made.kill()


def test_the_books_equal_what_arrived(programs: dict[str, str], tmp_path: Path) -> None:
    """Spans and log records, each counted once though some came twice: a batch whose answer the killed one kept."""
    port, log, configuration = free_port(), tmp_path / "log", tmp_path / "collector.yaml"
    arrived: dict[str, Counter[Any]] = {"traces": Counter(), "logs": Counter()}

    def answer(body: bytes, context: Any, path: str) -> bytes:
        if path == "/v1/traces":
            arrived["traces"].update(spans_of(body))
        else:
            arrived["logs"].update(records_of(body))
        return b""

    over = threading.Event()

    def trouble() -> None:
        began = time.monotonic()
        for at, gone in KILLS:
            with collector(programs["otelcol-trading"], configuration, port, log):
                over.wait(began + at - time.monotonic())
            over.wait(gone)
        with collector(programs["otelcol-trading"], configuration, port, log):
            over.wait()

    with serving(answer) as behind:
        configuration.write_text(CONFIGURATION.format(port=port, behind=behind))
        troubling = threading.Thread(target=trouble)
        troubling.start()
        try:
            wait_until(lambda: listening(port), 20)
            with service(SERVICE, f"http://127.0.0.1:{port}", str(LOAD_S), str(SPANS_A_SECOND)) as sender:
                said, complaints = sender.communicate(timeout=LOAD_S + 90)
        finally:
            over.set()
            troubling.join()
    assert sender.returncode == 0, complaints
    told = json.loads(said)
    assert told["books"]["traces"]["offered"] == LOAD_S * SPANS_A_SECOND
    assert told["books"]["logs"]["offered"] == LOAD_S * SPANS_A_SECOND // 10
    for signal, books in told["books"].items():
        if signal == "metrics":
            continue
        lost = sum(books["dropped"].values())
        assert (books["queued"], books["offered"]) == (0, books["delivered"] + lost), signal
        assert len(arrived[signal]) + lost == books["offered"], (signal, books, without_engine(complaints))
    assert told["flushed"] is True
    assert "no OpenTelemetry receiver takes data" in complaints


def spans_of(body: bytes) -> list[bytes]:
    """Their ids."""
    request = ExportTraceServiceRequest.FromString(body)
    return [span.span_id for part in request.resource_spans for scope in part.scope_spans for span in scope.spans]


def records_of(body: bytes) -> list[int]:
    """Their numbers."""
    request = ExportLogsServiceRequest.FromString(body)
    records = [each for part in request.resource_logs for scope in part.scope_logs for each in scope.log_records]
    return [pair.value.int_value for record in records for pair in record.attributes if pair.key == "n"]
