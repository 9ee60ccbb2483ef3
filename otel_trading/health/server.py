"""The HTTP server of /metrics and /health: loopback by default, four threads, small limits, known paths only.

One thread waits for all sockets (`loop`), three make pages (`workers`). A client that is slow to send or to read costs
a descriptor and at most one part of a page, and no thread.
"""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import threading

from otel_trading.config.plan import EndpointPlan
from otel_trading.ground import diagnostics
from otel_trading.health.answer import Page
from otel_trading.health.loop import Loop

PORTS_TRIED = 100
_BACKLOG = 128

__all__ = ["Page", "Server", "listen"]


class Server:
    """The listener; `start` serves from daemon threads.

    Attributes:
        pages: what is served, by path; may be changed at any time.
        socket: the listener.
        server_address: host and port that were bound.
        server_port: the port.
    """

    def __init__(
        self, host: str, port: int, pages: dict[str, Page], token: str | None, tls: ssl.SSLContext | None
    ) -> None:
        """Binds, without a look-up that may wait for a name server; raises OSError."""
        self.pages = pages
        family, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind(address[:2])
            self.socket.listen(_BACKLOG)
        except BaseException:
            self.socket.close()
            raise
        self.server_address = self.socket.getsockname()
        self.server_port = int(self.server_address[1])
        self._loop = Loop(self.socket, pages, token, tls)
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to serve; the threads sleep until a client comes, without polling."""
        self._thread = threading.Thread(target=self._serve, name="otel_trading endpoint", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            self._loop.run()
        except Exception as error:
            diagnostics.trouble("endpoint.failed", "/metrics and /health are no longer served: %r", error)

    def stop(self) -> None:
        """Ends the threads and closes listener and connections."""
        if self._thread is None:
            self._loop.close()
            return
        self._loop.stop()
        self._thread.join(1.0)

    def close_in_child(self) -> None:
        """Closes the inherited descriptors after a fork; the parent goes on listening."""
        self._loop.close()


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
