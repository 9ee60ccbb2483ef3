"""A socket with one deadline for all its waits."""

from __future__ import annotations

import io
import socket
from typing import Any

from otel_trading.ground.clock import Deadline

_PIECE_BYTES = 256 * 1024
_RECEIVED_BYTES = 64 * 1024


class LimitedSocket:
    """Sends and receives until `deadline`, which whoever owns it sets anew for each request."""

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

    def receive(self) -> bytes:
        """What came, 64 KiB at most; nothing once the other side has closed."""
        return self.ready().recv(_RECEIVED_BYTES)

    def makefile(self, mode: str, *_: Any, **__: Any) -> io.BufferedReader:
        """The receiving side as a file, for `http.client`."""
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
