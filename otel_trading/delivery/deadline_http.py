"""HTTP POST with one limit for all of it: connect, send, and each byte of the reply.

The usual clients limit each wait, so a server that drips a byte a second holds them for ever, and they read a reply
of any size. Here the socket's timeout is what is left of the one limit, before every wait.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from otel_trading.delivery.connecting import Resolver, connect
from otel_trading.ground.breath import breathe
from otel_trading.ground.clock import Deadline

REPLY_LIMIT_BYTES = 4 * 1024 * 1024
"""The most of a reply that is read; the OTLP specification's own limit."""


_PIECE_BYTES = 256 * 1024


class ReplyTooLarge(Exception):
    """The reply is larger than `REPLY_LIMIT_BYTES`."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, headers and body of a reply."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Incoming(io.RawIOBase):
    """The receiving side of a socket; each wait is cut to what is left."""

    def __init__(self, connection: LimitedSocket) -> None:
        self._connection = connection

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Receives into the buffer; raises TimeoutError once the limit is reached."""
        return self._connection.ready().recv_into(buffer)


class LimitedSocket:
    """As much of a socket as `http.client` and `http.server` use, with one deadline for all its waits."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self.deadline = Deadline(0)

    def ready(self) -> socket.socket:
        """The socket, its timeout set to what is left; raises TimeoutError if nothing is."""
        left_s = self.deadline.remaining_s()
        if left_s <= 0:
            raise TimeoutError("the limit of the whole request is reached")
        self._socket.settimeout(left_s)
        return self._socket

    def sendall(self, data: Any) -> None:
        """Sends all within the deadline; over TLS `sendall` would take the limit anew for each record."""
        left = memoryview(data)
        while left:
            left = left[self.ready().send(left[:_PIECE_BYTES]) :]

    def makefile(self, mode: str, *_: Any, **__: Any) -> io.BufferedReader:
        """The receiving side as a file."""
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        """Does nothing: `http.client` closes as soon as it has read the headers, before the body was read."""

    def cut(self) -> None:
        """Closes, and wakes a thread that waits on the socket, which closing alone does not."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:  # the other side was faster
            pass
        self._socket.close()


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
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = dict(headers)
        self._tls = tls
        self._resolver = Resolver(self._host, self._port)
        self._greeting: LimitedSocket | None = None
        self._kept: tuple[http.client.HTTPConnection, LimitedSocket] | None = None

    def post(self, body: bytes, timeout_s: float) -> Reply:
        """Sends one request and reads its reply.

        Args:
            body: the request's body.
            timeout_s: whole limit in seconds.

        Raises:
            OSError: not connected, cut, or out of time (TimeoutError).
            http.client.HTTPException: the reply is no HTTP.
            ReplyTooLarge: the reply is larger than 4 MiB.
        """
        deadline = Deadline(timeout_s)
        reused = self._kept is not None
        try:
            return self._exchange(body, deadline)
        except (ConnectionError, http.client.RemoteDisconnected):
            self.close()
            if not reused:
                raise
        except BaseException:
            self.close()
            raise
        # the server closed the kept connection between two requests; once more on a fresh one
        try:
            return self._exchange(body, deadline)
        except BaseException:
            self.close()
            raise

    def _exchange(self, body: bytes, deadline: Deadline) -> Reply:
        connection, limited = self._kept or self._connect(deadline)
        limited.deadline = deadline
        connection.request("POST", self._path, body, self._headers)
        response = connection.getresponse()
        breathe()  # to parse the headers was the largest piece
        data = response.read(REPLY_LIMIT_BYTES + 1)
        if len(data) > REPLY_LIMIT_BYTES:
            raise ReplyTooLarge(f"more than {REPLY_LIMIT_BYTES} bytes")
        if response.will_close:
            self.close()
        return Reply(response.status, {key.lower(): value for key, value in response.getheaders()}, data)

    def _connect(self, deadline: Deadline) -> tuple[http.client.HTTPConnection, LimitedSocket]:
        connected = connect(self._resolver.addresses(deadline), deadline)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connected.settimeout(max(0.001, deadline.remaining_s()))
                connected = self._tls.wrap_socket(connected, server_hostname=self._host, do_handshake_on_connect=False)
                self._greeting = LimitedSocket(connected)
                connected.do_handshake()
        except BaseException:
            connected.close()
            raise
        limited = LimitedSocket(connected)
        connection = http.client.HTTPConnection(self._host, self._port)
        connection.sock = cast("socket.socket", limited)
        self._greeting, self._kept = None, (connection, limited)
        return self._kept

    def close(self) -> None:
        """Closes the kept connection; a `post` in another thread fails at once."""
        greeting, self._greeting = self._greeting, None
        if greeting is not None:
            greeting.cut()
        kept, self._kept = self._kept, None
        if kept is not None:
            kept[1].cut()
