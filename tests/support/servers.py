"""Receivers for tests: one that decodes OTLP over real HTTP, and hostile ones over raw sockets."""

from __future__ import annotations

import gzip
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS: dict[str, Any] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}


def wait_until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
    """Waits for a condition; fails the test if it does not come."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.01)


class Receiver:
    """A real HTTP server that decodes what it gets and answers as told."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], Any]] = []
        self.answer: Callable[[str], tuple[int, dict[str, str], bytes]] = lambda path: (200, {}, b"")
        self.decide: Callable[[str], tuple[int, dict[str, str], bytes]] | None = None
        """Answers after the request was noted, if it is to depend on what is in it."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                encoding = self.headers.get("content-encoding")
                body = gzip.decompress(body) if encoding == "gzip" else body
                body = zlib.decompress(body) if encoding == "deflate" else body
                status, headers, reply = receiver.answer(self.path)
                if self.path in KINDS:
                    headers_in = {k.lower(): v for k, v in self.headers.items()}
                    receiver.requests.append((self.path, headers_in, KINDS[self.path].FromString(body)))
                    if receiver.decide is not None:
                        status, headers, reply = receiver.decide(self.path)
                self.send_response(status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("content-length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def spans(self) -> list[Any]:
        return [
            span
            for path, _, message in list(self.requests)
            if path == "/v1/traces"
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def resources(self) -> list[Any]:
        """Of all requests."""
        found = []
        for path, _, message in list(self.requests):
            parts = getattr(message, f"resource_{path.removeprefix('/v1/').replace('traces', 'spans')}")
            found += [part.resource for part in parts]
        return found

    @property
    def logs(self) -> list[Any]:
        return [
            record
            for path, _, message in list(self.requests)
            if path == "/v1/logs"
            for resource in message.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    @property
    def metrics(self) -> list[Any]:
        return [
            metric
            for path, _, message in list(self.requests)
            if path == "/v1/metrics"
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    try:
        yield made
    finally:
        made.close()


@contextmanager
def raw_server(behaviour: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A TCP server whose connections are left to `behaviour`; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def serve(connection: socket.socket) -> None:
        try:
            behaviour(connection, over)
        except OSError:
            pass
        finally:
            connection.close()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def hang(connection: socket.socket, over: threading.Event) -> None:
    """Takes the request and never answers."""
    connection.settimeout(0.1)
    while not over.is_set():
        try:
            if not connection.recv(65536):
                return
        except TimeoutError:
            continue


def drip(connection: socket.socket, over: threading.Event) -> None:
    """Answers one byte a second."""
    connection.recv(65536)
    for byte in (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 5000\r\n\r\n" + b"x" * 5000
    ):
        connection.sendall(bytes((byte,)))
        if over.wait(1.0):
            return


def flood(connection: socket.socket, over: threading.Event) -> None:
    """Answers with as many bytes as the client takes."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n")
    block = b"\0" * 65536
    while not over.is_set():
        connection.sendall(block)


def free_port() -> int:
    """A port on which nobody listens at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
