"""gRPC receivers as they should not be."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from support.certificates import localhost
from support.hostile import LATE, REFUSED, Hostile, dead, hangs_at_accept, no_http_server, partial_reply, resets
from support.servers import receiver

Answer = Callable[[bytes, grpc.ServicerContext, str], bytes]


class _Any(grpc.GenericRpcHandler):
    """Answers every method in the same way."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def service(self, details: Any) -> Any:
        signal = details.method.rsplit(".", 1)[0].rsplit(".", 2)[-2]
        path = {"trace": "/v1/traces", "logs": "/v1/logs"}.get(signal, "/v1/metrics")
        return grpc.unary_unary_rpc_method_handler(lambda body, context: self._answer(body, context, path))


@contextmanager
def serving(answer: Answer, credentials: Any = None) -> Iterator[int]:
    """A server; gives its port."""
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((_Any(answer),))
    address = "127.0.0.1:0"
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    try:
        yield port
    finally:
        server.stop(0).wait()


def _answers(answer: Answer, reasons: frozenset[str], delivered: int | None = 0) -> Any:
    @contextmanager
    def made() -> Iterator[Hostile]:
        with serving(answer) as port:
            yield Hostile(f"http://127.0.0.1:{port}", reasons, delivered=delivered)

    return made


def _fails(code: grpc.StatusCode, wait_s: int | None = None) -> Answer:
    def answer(body: bytes, context: grpc.ServicerContext, path: str) -> bytes:
        if wait_s is not None:
            detail = AnyMessage()
            info = RetryInfo()
            info.retry_delay.seconds = wait_s
            detail.Pack(info)
            status = Status(code=code.value[0], message="no", details=[detail])
            context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        context.abort(code, "no")
        return b""

    return answer


def _fails_for_one(code: grpc.StatusCode) -> Answer:
    def answer(body: bytes, context: grpc.ServicerContext, path: str) -> bytes:
        if path == "/v1/traces":
            request = ExportTraceServiceRequest.FromString(body)
            names = [s.name for part in request.resource_spans for scope in part.scope_spans for s in scope.spans]
            if "order.7" in names:
                context.abort(code, "no")
        return b""

    return answer


@contextmanager
def hangs() -> Iterator[Hostile]:
    """The call is taken and never answered."""
    over = threading.Event()

    def answer(body: bytes, context: grpc.ServicerContext, path: str) -> bytes:
        over.wait(60)
        return b""

    with serving(answer) as port:
        try:
            yield Hostile(f"http://127.0.0.1:{port}", LATE)
        finally:
            over.set()


@contextmanager
def speaks_http_1() -> Iterator[Hostile]:
    """The port is that of OTLP over HTTP."""
    with receiver() as server:
        yield Hostile(server.url, LATE)


@contextmanager
def tls_unknown() -> Iterator[Hostile]:
    """A certificate that nobody knows."""
    with tempfile.TemporaryDirectory() as folder:
        _, certificate, key = localhost(Path(folder))
        credentials = grpc.ssl_server_credentials([(key.read_bytes(), certificate.read_bytes())])
        with serving(lambda body, context, path: b"", credentials) as port:
            yield Hostile(f"https://localhost:{port}", LATE)


@contextmanager
def no_tls() -> Iterator[Hostile]:
    """https is asked for, and nobody speaks it."""
    with serving(lambda body, context, path: b"") as port:
        yield Hostile(f"https://localhost:{port}", LATE)


GRPC: dict[str, Any] = {
    "grpc_dead": dead,
    "grpc_hangs_at_accept": hangs_at_accept,
    "grpc_hangs": hangs,
    "grpc_resets": resets,
    "grpc_no_http": no_http_server,
    "grpc_http_1": speaks_http_1,
    "grpc_exhausted_for_an_hour": _answers(_fails(grpc.StatusCode.RESOURCE_EXHAUSTED, 3600), REFUSED | LATE),
    "grpc_unavailable": _answers(_fails(grpc.StatusCode.UNAVAILABLE), LATE),
    "grpc_unauthenticated": _answers(_fails(grpc.StatusCode.UNAUTHENTICATED), REFUSED),
    "grpc_invalid": _answers(_fails(grpc.StatusCode.INVALID_ARGUMENT), REFUSED),
    "grpc_invalid_for_one": _answers(_fails_for_one(grpc.StatusCode.INVALID_ARGUMENT), REFUSED, 19),
    "grpc_too_large_for_one": _answers(_fails_for_one(grpc.StatusCode.RESOURCE_EXHAUSTED), REFUSED, 19),
    "grpc_partial_success": _answers(
        lambda body, context, path: partial_reply(path), frozenset({"partial_success"}), 19
    ),
    "grpc_rubbish": _answers(lambda body, context, path: b"\xff" * 100, frozenset(), 20),
    "grpc_floods": _answers(lambda body, context, path: b"\0" * (8 << 20), REFUSED | LATE),
    "grpc_tls_unknown": tls_unknown,
    "grpc_no_tls": no_tls,
}
"""By name; each gives a Hostile while it runs."""
