"""An OTLP/HTTP receiver on loopback that writes what it gets into the store.

It speaks the protobuf form of OTLP/HTTP 1.x: `POST /v1/traces`, `/v1/logs`, `/v1/metrics`, plain, gzip or deflate.
`GET /identity` tells whose receiver this is, because a port that answers is no identity.
"""

from __future__ import annotations

import os
import socket
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_trading.ground import diagnostics
from otel_trading.viewer.body import BodyTooLarge, BrokenBody, decompress
from otel_trading.viewer.decode import BadPayload, decode_logs, decode_metrics, decode_traces
from otel_trading.viewer.schema import StoreError
from otel_trading.viewer.store import Store

_PROTOBUF = "application/x-protobuf"
_PATHS = ("/v1/traces", "/v1/logs", "/v1/metrics")
_MAX_CONNECTIONS = 64
_IDLE_S = 30.0


class Receiver:
    """A listening receiver; its threads are daemons, and `stop` ends them all.

    Attributes:
        url: base URL for `otlp_endpoint`, such as `http://127.0.0.1:43180`.
        counts: what came in so far: requests, spans, logs, points, rejected, failed.
    """

    def __init__(
        self,
        store: Store,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        run_id: str = "",
        max_body_bytes: int = 16 * 1024 * 1024,
    ) -> None:
        """Binds and starts to answer.

        Args:
            store: where the rows go.
            host: address to bind; anything but loopback is your decision, there is no authentication.
            port: 0 takes any free one.
            run_id: told by `/identity`.
            max_body_bytes: cap of one request body, as sent and decompressed.

        Raises:
            OSError: the port is taken.
        """
        self.store = store
        self.run_id = run_id
        self.max_body_bytes = max_body_bytes
        self.counts: Counter[str] = Counter()
        self._counts_lock = threading.Lock()
        self._server = _Server((host, port), self)
        bound_host, bound_port = self._server.server_address[:2]
        self.url = f"http://{bound_host!s}:{bound_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="otlp-receiver", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Closes the listener and every connection, and waits for requests under way. The store stays open."""
        self._server.shutdown()
        self._thread.join(5)
        self._server.end_connections(timeout_s=2)
        self._server.server_close()

    def accept(self, path: str, body: bytes) -> Message:
        """Stores one decompressed request body and returns the response message.

        Raises:
            BadPayload: the body is not what the path takes.
            StoreError: it cannot be stored now.
        """
        self._count("requests", 1)
        if path == "/v1/traces":
            spans = decode_traces(body)
            self.store.write(spans=spans.rows)
            self._count("spans", len(spans.rows))
            answer = ExportTraceServiceResponse()
            if spans.rejected:
                self._count("rejected", spans.rejected)
                answer.partial_success.rejected_spans = spans.rejected
                answer.partial_success.error_message = spans.reason
            return answer
        if path == "/v1/logs":
            logs = decode_logs(body)
            self.store.write(logs=logs.rows)
            self._count("logs", len(logs.rows))
            return ExportLogsServiceResponse()
        points = decode_metrics(body)
        self.store.write(points=points.rows)
        self._count("points", len(points.rows))
        return ExportMetricsServiceResponse()

    def failed(self) -> None:
        """Counts a request that was refused."""
        self._count("failed", 1)

    def identity(self) -> dict[str, object]:
        """What `/identity` says."""
        return {
            "app": "otel-trading",
            "run_id": self.run_id,
            "pid": os.getpid(),
            "store": str(Path(self.store.path).absolute()),
            "url": self.url,
        }

    def _count(self, name: str, amount: int) -> None:
        with self._counts_lock:
            self.counts[name] += amount


class _Server(ThreadingHTTPServer):
    """The listening socket; remembers its connections so that stopping does not wait for idle ones."""

    daemon_threads = True
    request_queue_size = 64
    # Several listeners on one port would share out the requests; on Windows the option means just that.
    allow_reuse_address = os.name == "posix"

    def __init__(self, address: tuple[str, int], receiver: Receiver) -> None:
        self.receiver = receiver
        self._connections: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address, _Handler)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Refuses connections beyond the cap, so that a leak elsewhere does not become ours."""
        with self._changed:
            if len(self._connections) >= _MAX_CONNECTIONS:
                return False
            self._connections.add(request)
            return True

    def shutdown_request(self, request: Any) -> None:
        """Forgets a connection that ended."""
        super().shutdown_request(request)
        with self._changed:
            self._connections.discard(request)
            self._changed.notify_all()

    def end_connections(self, timeout_s: float) -> None:
        """Lets requests under way finish within the time limit; idle connections end at once."""
        with self._changed:
            self._shut(socket.SHUT_RD)
            if not self._changed.wait_for(lambda: not self._connections, timeout_s):
                self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        for connection in self._connections:
            try:
                connection.shutdown(how)
            except OSError:
                pass  # the other side was faster

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says a failure once instead of printing a traceback a connection."""
        diagnostics.trouble("receiver.connection", "a connection to the built-in OTLP receiver failed")


class _Handler(BaseHTTPRequestHandler):
    """One connection: reads requests, answers, keeps alive."""

    protocol_version = "HTTP/1.1"
    server_version = "otel-trading"
    sys_version = ""
    timeout = _IDLE_S
    server: _Server

    def do_GET(self) -> None:
        """Answers `/identity`; the OTLP paths take POST only."""
        if self.path == "/identity":
            self._answer(200, orjson.dumps(self.server.receiver.identity()), "application/json")
        elif self.path in _PATHS:
            self._refuse(405, f"{self.path} takes POST")
        else:
            self._refuse(404, "paths: /identity, " + ", ".join(_PATHS))

    def do_POST(self) -> None:
        """Takes one OTLP request and always answers with a protobuf message."""
        try:
            body = self._body()
            if body is None:
                return
            message = self.server.receiver.accept(self.path, body)
        except BodyTooLarge as error:
            self._refuse(413, str(error))
        except (BadPayload, BrokenBody) as error:
            self._refuse(400, str(error))
        except StoreError as error:
            self._refuse(503, str(error), ("Retry-After", "1"))
        else:
            self._answer(200, message.SerializeToString(), _PROTOBUF)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the application's terminal is not ours."""

    def _body(self) -> bytes | None:
        """Returns the decompressed body, or None after having refused the request."""
        if self.path not in _PATHS:
            self._refuse(404, "paths: " + ", ".join(_PATHS))
            return None
        content_type = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if content_type != _PROTOBUF:
            self._refuse(415, f"Content-Type must be {_PROTOBUF}; was '{content_type}'")
            return None
        encoding = self.headers.get("Content-Encoding", "identity").strip().lower() or "identity"
        if encoding not in ("identity", "gzip", "deflate"):
            self._refuse(415, f"Content-Encoding must be gzip, deflate or identity; was '{encoding}'")
            return None
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._refuse(411, "Content-Length is needed; chunked bodies are not read")
            return None
        limit = self.server.receiver.max_body_bytes
        if int(length) > limit:
            raise BodyTooLarge(limit)
        raw = self.rfile.read(int(length))
        if len(raw) < int(length):
            raise BrokenBody("the connection ended within the body")
        return decompress(raw, encoding, limit)

    def _refuse(self, status: int, reason: str, *headers: tuple[str, str]) -> None:
        """Answers with the message the OTLP specification wants, and closes: the body may be unread."""
        self.server.receiver.failed()
        self.close_connection = True
        self._answer(status, Status(message=reason).SerializeToString(), _PROTOBUF, ("Connection", "close"), *headers)

    def _answer(self, status: int, body: bytes, content_type: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
