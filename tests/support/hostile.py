"""Receivers as they should not be, each with what may become of what is sent to it."""

from __future__ import annotations

import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from support.certificates import localhost
from support.servers import Receiver, drip, flood, free_port, hang, raw_server, receiver

LATE = frozenset({"deadline", "unreachable"})
REFUSED = frozenset({"refused_by_server"})


@dataclass
class Hostile:
    """A receiver under test.

    Attributes:
        url: its address.
        reasons: those by which items may be lost.
        knobs: what `init()` needs for it.
        delivered: how many spans of the 20 are delivered; None if nobody can say.
    """

    url: str
    reasons: frozenset[str]
    knobs: dict[str, Any] = field(default_factory=dict)
    delivered: int | None = 0


@contextmanager
def dead() -> Iterator[Hostile]:
    """Nobody listens."""
    yield Hostile(f"http://127.0.0.1:{free_port()}", LATE)


@contextmanager
def hangs_at_accept() -> Iterator[Hostile]:
    """Connections are never accepted, and the first ones fill the queue of the listener."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(2):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        yield Hostile(f"http://127.0.0.1:{listener.getsockname()[1]}", LATE)


def _raw(behaviour: Callable[[socket.socket, threading.Event], None], reasons: frozenset[str]) -> Any:
    @contextmanager
    def made() -> Iterator[Hostile]:
        with raw_server(behaviour) as url:
            yield Hostile(url, reasons)

    return made


def _hang_after_headers(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 50\r\n\r\n")
    hang(connection, over)


def _reset(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _no_http(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")


def _endless_headers(connection: socket.socket, over: threading.Event) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    while not over.is_set():
        connection.sendall(b"x-more: " + b"x" * 1000 + b"\r\n")


def _answers(
    status: int,
    headers: dict[str, str],
    body: bytes | None = b"",
    reasons: frozenset[str] = REFUSED,
    delivered: int = 0,
) -> Any:
    @contextmanager
    def made() -> Iterator[Hostile]:
        with receiver() as server:
            server.answer = lambda path: (status, headers, partial_reply(path) if body is None else body)
            yield Hostile(server.url, reasons, delivered=delivered)

    return made


def partial_reply(path: str) -> bytes:
    """Rejects one item of each request."""
    kinds: dict[str, tuple[Any, str]] = {
        "/v1/traces": (ExportTraceServiceResponse, "rejected_spans"),
        "/v1/logs": (ExportLogsServiceResponse, "rejected_log_records"),
        "/v1/metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
    }
    kind, name = kinds[path]
    reply = kind()
    setattr(reply.partial_success, name, 1)
    return bytes(reply.SerializeToString())


@contextmanager
def refuses_one_span(status: int) -> Iterator[Hostile]:
    """400 or 413 for any request with the span `order.7` in it."""
    with receiver() as server:

        def decide(path: str) -> tuple[int, dict[str, str], bytes]:
            bad = any(span.name == "order.7" for span in Receiver.spans.fget(_last(server)))  # type: ignore[attr-defined]
            return (status if bad else 200), {}, b""

        server.decide = decide
        yield Hostile(server.url, REFUSED, delivered=19)


@dataclass
class _last:
    """The newest request of a receiver, as a receiver."""

    server: Receiver

    @property
    def requests(self) -> list[Any]:
        return self.server.requests[-1:]


@contextmanager
def tls(known: bool) -> Iterator[Hostile]:
    """A server whose certificate nobody knows; or a known one that hangs in the middle of the handshake."""
    with tempfile.TemporaryDirectory() as folder:
        authority, certificate, key = localhost(Path(folder))

        def handshake(connection: socket.socket, over: threading.Event) -> None:
            if known:
                hang(connection, over)
                return
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            context.wrap_socket(connection, server_side=True).close()

        with raw_server(handshake) as url:
            knobs = {"otlp_certificate": str(authority)} if known else {}
            yield Hostile(url.replace("http://127.0.0.1", "https://localhost"), LATE, knobs)


@contextmanager
def no_tls() -> Iterator[Hostile]:
    """https is asked for, http is spoken."""
    with receiver() as server:
        yield Hostile(server.url.replace("http://127.0.0.1", "https://localhost"), LATE)


resets = _raw(_reset, LATE)
no_http_server = _raw(_no_http, LATE)

HTTP: dict[str, Any] = {
    "dead": dead,
    "hangs_at_accept": hangs_at_accept,
    "hangs": _raw(hang, LATE),
    "hangs_after_headers": _raw(_hang_after_headers, LATE),
    "drips": _raw(drip, LATE),
    "resets": resets,
    "floods": _raw(flood, REFUSED | LATE),
    "floods_headers": _raw(_endless_headers, LATE),
    "no_http": no_http_server,
    "redirects": _answers(307, {"location": "http://127.0.0.1:1/"}),
    "429_for_an_hour": _answers(429, {"retry-after": "3600"}, reasons=REFUSED | LATE),
    "503": _answers(503, {}, reasons=REFUSED | LATE),
    "400": _answers(400, {}),
    "400_for_one": lambda: refuses_one_span(400),
    "413_for_one": lambda: refuses_one_span(413),
    "web_page": _answers(200, {"content-type": "text/html"}, b"<!doctype html>"),
    "partial_success": _answers(200, {}, None, frozenset({"partial_success"}), delivered=19),
    "rubbish": _answers(200, {"content-type": "application/x-protobuf"}, b"\xff" * 100, frozenset(), delivered=20),
    "tls_unknown": lambda: tls(known=False),
    "tls_hangs": lambda: tls(known=True),
    "no_tls": no_tls,
}
"""By name; each gives a Hostile while it runs."""
