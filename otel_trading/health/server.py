"""The HTTP server of /metrics and /health: loopback by default, few threads, small limits, known paths only."""

from __future__ import annotations

import errno
import hmac
import logging
import selectors
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer as _ThreadingHTTPServer
from typing import Any

from otel_trading.config.plan import EndpointPlan
from otel_trading.delivery.deadline_http import LimitedSocket
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline

REQUEST_TIMEOUT_S = 5.0
CONNECTIONS = 16
PORTS_TRIED = 100

Page = Callable[[str], tuple[int, bytes, str]]
"""From the Accept header to status, body and content type."""


class _Handler(BaseHTTPRequestHandler):
    """Serves one connection."""

    timeout = REQUEST_TIMEOUT_S
    protocol_version = "HTTP/1.1"
    server_version = "otel_trading"
    sys_version = ""
    server: Server

    def setup(self) -> None:
        """Reads through a deadline for the whole request: a client that sends a byte a second keeps no place."""
        super().setup()
        self._limited = LimitedSocket(self.connection)
        self.rfile = self._limited.makefile("rb")

    def handle_one_request(self) -> None:
        """Serves one request within its limit."""
        self._limited.deadline = Deadline(REQUEST_TIMEOUT_S)
        super().handle_one_request()

    def do_GET(self) -> None:
        """Answers a known path."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Answers a known path without its body."""
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            known = " and ".join(self.server.pages)
            self._send(404, f"Here are {known}.\n".encode(), "text/plain; charset=utf-8", with_body)
        elif not self._allowed():
            self._send(401, b"A bearer token is needed.\n", "text/plain; charset=utf-8", with_body)
        else:
            try:
                status, body, content_type = page(self.headers.get("Accept", ""))
            except Exception as error:
                diagnostics.trouble("endpoint.page_failed", "%s could not be served: %r", self.path, error)
                status, body, content_type = 500, b"See the service's log.\n", "text/plain; charset=utf-8"
            self._send(status, body, content_type, with_body)

    def _allowed(self) -> bool:
        token = self.server.token
        given = self.headers.get("Authorization", "")
        return token is None or hmac.compare_digest(given.encode(), f"Bearer {token}".encode())

    def _send(self, status: int, body: bytes, content_type: str, with_body: bool) -> None:
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: scrapes are no news."""


class Server(_ThreadingHTTPServer):
    """The listener; `start` serves from a daemon thread."""

    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 32

    def __init__(self, host: str, port: int, pages: dict[str, Page], token: str | None, tls: Any) -> None:
        self.pages = pages
        self.token = token
        self._tls: ssl.SSLContext | None = tls
        self._places = threading.BoundedSemaphore(CONNECTIONS)
        self._thread: threading.Thread | None = None
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        self.address_family = family
        super().__init__(address[:2], _Handler)  # type: ignore[arg-type]  # an IPv6 address has four parts

    def server_bind(self) -> None:
        """Binds without the reverse look-up of the stdlib, which may wait for a name server."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def start(self) -> None:
        """Begins to serve; the thread sleeps until a client or `stop` comes, without polling."""
        self._waker, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="otel_trading endpoint", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            while True:
                if any(key.fileobj is self._wake for key, _ in selector.select()):
                    return
                try:
                    request, client = self.get_request()
                except OSError:  # the client has left already
                    continue
                self.process_request(request, client)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Takes one of the few places, or turns the client away at once."""
        if not self._places.acquire(blocking=False):
            diagnostics.trouble("endpoint.crowded", "more than %d connections to /metrics; one closed", CONNECTIONS)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serves one connection; the TLS handshake is done here, where it holds nobody up."""
        try:
            request.settimeout(REQUEST_TIMEOUT_S)
            if self._tls is not None:
                request = self._tls.wrap_socket(request, server_side=True)
            super().process_request_thread(request, client_address)
        except OSError:  # the handshake failed or the client left
            self.shutdown_request(request)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: a client that leaves early is no trouble."""

    def stop(self) -> None:
        """Ends the thread and closes the listener."""
        if self._thread is not None:
            self._waker.close()
            self._thread.join(1.0)
            self._wake.close()
        self.server_close()

    def close_in_child(self) -> None:
        """Closes the inherited descriptors after a fork; the parent goes on listening."""
        self.socket.close()
        self._waker.close()
        self._wake.close()


def listen(plan: EndpointPlan, pages: dict[str, Page]) -> Server:
    """Opens the endpoint.

    Args:
        plan: address, port, TLS and token. A taken port that nobody asked for explicitly is replaced by the next free
            one, and that is said.
        pages: what is served, by path.

    Returns:
        The server, serving.

    Raises:
        OSError: no port could be had, or the certificate cannot be used; the message explains.
    """
    tls = _tls(plan)
    last = plan.port if plan.port_explicit or plan.port == 0 else min(plan.port + PORTS_TRIED, 65535)
    for port in range(plan.port, last + 1):
        try:
            server = Server(plan.host, port, pages, plan.token, tls)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            taken = error
            continue
        if port != plan.port:
            diagnostics.say(
                logging.INFO,
                "port %d is taken by another process, so /metrics and /health are on port %d; set "
                "OTEL_EXPORTER_PROMETHEUS_PORT to choose",
                plan.port,
                port,
            )
        server.start()
        return server
    advice = "choose another prometheus_port, or 0 for any free one"
    raise OSError(errno.EADDRINUSE, f"port {plan.port} on {plan.host} is taken; {advice}") from taken


def _tls(plan: EndpointPlan) -> ssl.SSLContext | None:
    if plan.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(plan.certificate, plan.key)
    return context
