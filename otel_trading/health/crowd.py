"""All connections: accepted, waited for, closed; no more of them than there is room for."""

from __future__ import annotations

import errno
import selectors
import socket
import ssl

from otel_trading.ground import diagnostics
from otel_trading.health import limits
from otel_trading.health.connection import READ, Connection, State


class Crowd:
    """Touched by one thread; only `wake` may be called from any."""

    def __init__(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        """Waits for nothing yet."""
        self._listener = listener
        self._tls = tls
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        self._woken, self._waker = socket.socketpair()
        for one in (listener, self._woken, self._waker):
            one.setblocking(False)

    def wake(self) -> None:
        """Makes the thread look up."""
        try:
            self._waker.send(b"x")
        except OSError:  # it is awake already, or gone
            return

    def close(self) -> None:
        """Closes all descriptors without a word to any client, as a forked child must."""
        for one in list(self._connections):
            one.close()
        self._connections.clear()
        for each in (self._listener, self._woken, self._waker):
            each.close()
        self._selector.close()

    def _drain(self) -> None:
        try:
            while self._woken.recv(4096):
                pass
        except OSError:
            return

    def _accept(self) -> None:
        for _ in range(limits.ACCEPTED_AT_ONCE):
            try:
                accepted, _ = self._listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._make_room()
                return
            while len(self._connections) >= limits.CONNECTIONS and self._make_room():
                pass
            if len(self._connections) >= limits.CONNECTIONS:
                accepted.close()
                continue
            self._begin(accepted)

    def _begin(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        try:
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                accepted = self._tls.wrap_socket(accepted, server_side=True, do_handshake_on_connect=False)
        except OSError:
            accepted.close()
            return
        one = Connection(accepted, self._tls is not None, limits.REQUEST_TIMEOUT_S)
        self._connections.add(one)
        self._wait(one, READ)

    def _make_room(self) -> bool:
        """Closes the connection that waits for its client for longest; False if there is none."""
        idle = [one for one in self._connections if one.state is not State.MAKING]
        if not idle:
            return False
        line = "more than %d connections to /metrics; the one that was idle for longest is closed"
        diagnostics.trouble("endpoint.crowded", line, limits.CONNECTIONS)
        self._close(min(idle, key=lambda one: (one.state is State.SENDING, one.since_ns)))
        return True

    def _close(self, one: Connection) -> None:
        self._wait(one, 0)
        self._connections.discard(one)
        one.close()

    def _wait(self, one: Connection, events: int) -> None:
        if one.registered == events:
            return
        if not one.registered:
            self._selector.register(one.socket, events, one)
        elif events:
            self._selector.modify(one.socket, events, one)
        else:
            self._selector.unregister(one.socket)
        one.registered = events
