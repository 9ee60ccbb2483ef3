"""Stock exporters as transport: gRPC against a real server, the console, entry points."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2 as logs
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as trace
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as trace_grpc
from support import children
from support.certificates import localhost

import otel_trading as ot


class Collector(trace_grpc.TraceServiceServicer, metrics_grpc.MetricsServiceServicer, logs_grpc.LogsServiceServicer):
    """All three services of OTLP over gRPC."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.metadata: list[dict[str, Any]] = []

    def Export(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.requests.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        replies = {
            trace.ExportTraceServiceRequest: trace.ExportTraceServiceResponse,
            metrics.ExportMetricsServiceRequest: metrics.ExportMetricsServiceResponse,
            logs.ExportLogsServiceRequest: logs.ExportLogsServiceResponse,
        }
        return replies[type(request)]()


def serve(collector: Collector, credentials: Any = None) -> tuple[Any, int]:
    server = grpc.server(futures.ThreadPoolExecutor(2))
    trace_grpc.add_TraceServiceServicer_to_server(collector, server)
    metrics_grpc.add_MetricsServiceServicer_to_server(collector, server)
    logs_grpc.add_LogsServiceServicer_to_server(collector, server)
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    return server, port


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    made = Collector()
    server, port = serve(made)
    yield made, f"http://127.0.0.1:{port}"
    server.stop(0).wait()


def record_and_flush(**knobs: Any) -> bool:
    with ot.init("x", otlp_protocol="grpc", metrics_exporter="otlp", stdout="off", **knobs) as telemetry:
        with ot.tracer().start_as_current_span("order.submit"):
            ot.get_logger().info("submitted")
        ot.meter("grpc").create_counter("orders").add(3)
        return telemetry.flush(10)


def test_all_three_signals_arrive_by_grpc_with_headers_and_compression(collector: tuple[Collector, str]) -> None:
    """Delivered, and the books say so."""
    made, url = collector
    assert record_and_flush(otlp_endpoint=url, otlp_headers={"api-key": "k"}, otlp_compression="gzip") is True
    kinds = sorted({type(request).__name__ for request in made.requests})
    assert kinds == ["ExportLogsServiceRequest", "ExportMetricsServiceRequest", "ExportTraceServiceRequest"]
    assert {told["api-key"] for told in made.metadata} == {"k"}
    spans = [r for r in made.requests if isinstance(r, trace.ExportTraceServiceRequest)]
    assert [s.name for s in spans[0].resource_spans[0].scope_spans[0].spans] == ["order.submit"]


def test_grpc_with_tls_is_checked_against_the_given_certificates(tmp_path: Path) -> None:
    """https in the address means TLS."""
    authority, certificate, key = localhost(tmp_path)
    made = Collector()
    credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
    server, port = serve(made, credentials)
    try:
        assert record_and_flush(otlp_endpoint=f"https://localhost:{port}", otlp_certificate=str(authority)) is True
        assert len(made.requests) >= 3
    finally:
        server.stop(0).wait()


def test_the_console_exporters_print_all_three_signals() -> None:
    """`console` is a debugging aid of the specification."""
    code = """
    import otel_trading as ot
    with ot.init("x", traces_exporter="console", metrics_exporter="console", logs_exporter="console", stdout="off"):
        with ot.tracer().start_as_current_span("order.submit"):
            ot.get_logger().info("submitted")
        ot.meter().create_counter("orders").add(3)
    """
    out = children.run(code).out
    assert '"name": "order.submit"' in out
    assert '"body": "submitted"' in out
    assert '"name": "orders"' in out


@pytest.mark.parametrize("signal", ["traces", "metrics", "logs"])
def test_an_exporter_that_nobody_installed_is_a_clear_error(signal: str) -> None:
    """With the knob, the rule, the value and what to do."""
    with pytest.raises(
        ot.ConfigurationError, match=f"'{signal}_exporter' .*name of an installed exporter; was 'zipkin'"
    ):
        ot.init("x", **{f"{signal}_exporter": "zipkin"})  # type: ignore[arg-type]


def test_a_certificate_that_cannot_be_read_is_a_clear_error(tmp_path: Path) -> None:
    """At init, not at the first export."""
    with pytest.raises(ot.ConfigurationError, match="'otlp_certificate' .from argument. must be a readable PEM file"):
        ot.init("x", otlp_endpoint="https://127.0.0.1:1", otlp_certificate=str(tmp_path / "none.pem"))
