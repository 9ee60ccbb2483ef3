"""HTTP POST with one limit for all of it: connect, send, and each byte of the reply.

The usual clients limit each wait, so a server that drips a byte a second holds them for ever, and they read a reply
of any size. Here the socket's timeout is what is left of the one limit, before every wait. Between the steps the
thread draws breath, so that none of them holds the GIL for longer than 200 us.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from otel_trading.delivery.connecting import Resolver, connect
from otel_trading.delivery.http_reply import Reply, read_reply
from otel_trading.delivery.limited_socket import LimitedSocket
from otel_trading.ground.breath import breathe, rested, step
from otel_trading.ground.clock import Deadline

_JOINED_BYTES = 16 * 1024
"""A body up to that is copied behind the head, for one system call less."""

_NAME, _VALUE = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"), re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_OURS = frozenset({"content-length", "transfer-encoding", "connection"})


class Poster:
    """Posts to one address over one kept connection. One thread at a time; `close` may come from another."""

    def __init__(self, url: str, headers: Mapping[str, str], tls: ssl.SSLContext | None) -> None:
        """Connects nothing yet.

        Args:
            url: full address; credentials in it are not supported.
            headers: sent with each request.
            tls: for https; None for http.
        """
        parts = urlsplit(url)
        self._host = parts.hostname or "localhost"
        standard = 443 if parts.scheme == "https" else 80
        self._port = parts.port or standard
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        host = f"[{self._host}]" if ":" in self._host else self._host
        self._headers = {
            "host": host if self._port == standard else f"{host}:{self._port}",
            "accept-encoding": "identity",
            **{name.lower(): value for name, value in headers.items() if name.lower() not in _OURS},
        }
        self._tls = tls
        self._resolver = Resolver(self._host, self._port)
        self._greeting: LimitedSocket | None = None
        self._kept: LimitedSocket | None = None
        self._head = b""

    def post(self, body: bytes, timeout_s: float) -> Reply:
        """Sends one request and reads its reply.

        Args:
            body: the request's body.
            timeout_s: whole limit in seconds.

        Raises:
            OSError: not connected, cut, or out of time (TimeoutError).
            NotHttp: the reply is no HTTP.
            ReplyTooLarge: the reply is larger than 4 MiB.
            ValueError: the path or a header cannot be sent.
        """
        deadline = Deadline(timeout_s)
        reused = self._kept is not None
        try:
            return self._exchange(body, deadline)
        except ConnectionError:
            self._fail()
            if not reused:
                raise
        except BaseException:
            self._fail()
            raise
        # the server closed the kept connection between two requests; once more on a fresh one
        try:
            return self._exchange(body, deadline)
        except BaseException:
            self._fail()
            raise

    def _exchange(self, body: bytes, deadline: Deadline) -> Reply:
        connection = self._kept or self._connect(deadline)
        connection.deadline = deadline
        self._head = self._head or self._request_head()
        head = b"%scontent-length: %d\r\n\r\n" % (self._head, len(body))
        if len(body) <= _JOINED_BYTES:
            connection.sendall(head + body)
        else:
            connection.sendall(head)
            connection.sendall(body)
        reply = read_reply(connection.receive)
        step()
        if not reply.keeps:
            self.close()
        return reply

    def _request_head(self) -> bytes:
        for name, value in self._headers.items():
            if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
                raise ValueError(f"the header {name!r} cannot be sent")
        if not self._path.isascii() or not self._path.isprintable() or " " in self._path:
            raise ValueError("the path of the address cannot be sent")
        lines = [f"POST {self._path} HTTP/1.1", *(f"{name}: {value}" for name, value in self._headers.items()), ""]
        return "\r\n".join(lines).encode("latin-1")

    def _connect(self, deadline: Deadline) -> LimitedSocket:
        addresses = self._resolver.addresses(deadline)
        breathe()  # to connect takes a while even if nobody is there
        connected = connect(addresses, deadline)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            step()
            if self._tls is not None:
                connected.settimeout(max(0.001, deadline.remaining_s()))
                connected = self._tls.wrap_socket(connected, server_hostname=self._host, do_handshake_on_connect=False)
                self._greeting = LimitedSocket(connected)
                step()
                connected.do_handshake()
                rested()
        except BaseException:
            connected.close()
            raise
        self._greeting, self._kept = None, LimitedSocket(connected)
        return self._kept

    def _fail(self) -> None:
        step()
        self.close()

    def close(self) -> None:
        """Closes the kept connection; a `post` in another thread fails at once."""
        greeting, self._greeting = self._greeting, None
        if greeting is not None:
            greeting.cut()
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.cut()
