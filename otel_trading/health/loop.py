"""The thread that all connections live on: it waits for sockets, and never for a page or a single client."""

from __future__ import annotations

import errno
import hmac
import selectors
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping

from otel_trading.ground import diagnostics
from otel_trading.health import http
from otel_trading.health.answer import Answer, Page, told
from otel_trading.health.connection import READ, Connection, Gone, State
from otel_trading.health.workers import Workers

CONNECTIONS = 256
"""More make room by closing the one that has been idle for longest."""

PENDING_BYTES = 16 * 1024 * 1024
"""Of all answers that wait for their clients; beyond it the slowest is closed."""

REQUEST_TIMEOUT_S = 5.0
"""For a whole request, the TLS handshake included, and for each progress of the answer."""

IDLE_TIMEOUT_S = 60.0
"""Between two requests of a kept connection."""

ANSWER_TIMEOUT_S = 90.0
"""For a whole answer, health checks included."""

_ENDING_S = 1.0
_ACCEPTED_AT_ONCE = 64


class Loop:
    """Runs on one thread; `finished` and `wake` may be called from any."""

    def __init__(
        self, listener: socket.socket, pages: Mapping[str, Page], token: str | None, tls: ssl.SSLContext | None
    ) -> None:
        """Waits for nothing yet."""
        self._listener = listener
        self._pages = pages
        self._token = token
        self._tls = tls
        self._selector = selectors.DefaultSelector()
        self._connections: set[Connection] = set()
        self._workers = Workers()
        self._finished: deque[tuple[Connection, int, bytes]] = deque()
        self._further: deque[Connection] = deque()  # whose next request has come already
        self._woken, self._waker = socket.socketpair()
        self._stopping = False
        for one in (listener, self._woken, self._waker):
            one.setblocking(False)

    def run(self) -> None:
        """Serves until `stop`; then everything is closed."""
        self._workers.start()
        self._selector.register(self._listener, READ)
        self._selector.register(self._woken, READ)
        try:
            while not self._stopping:
                waits = min((one.remaining_s() for one in self._connections), default=None)
                waits = 0.0 if self._further else waits
                for key, _ in self._selector.select(waits):
                    if isinstance(key.data, Connection):
                        self._guarded(key.data)
                    elif key.fileobj is self._listener:
                        self._accept()
                    else:
                        self._drain()
                self._take_finished()
                for _ in range(len(self._further)):
                    self._guarded(self._further.popleft(), self._read)
                self._end_late()
        finally:
            self._workers.stop()
            self.close()

    def stop(self) -> None:
        """Ends `run`."""
        self._stopping = True
        self.wake()

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

    # ---- connections ----

    def _accept(self) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                accepted, _ = self._listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    self._make_room()
                return
            while len(self._connections) >= CONNECTIONS and self._make_room():
                pass
            if len(self._connections) >= CONNECTIONS:
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
        one = Connection(accepted, self._tls is not None, REQUEST_TIMEOUT_S)
        self._connections.add(one)
        self._wait(one, READ)

    def _make_room(self) -> bool:
        """Closes the connection that waits for its client for longest; False if there is none."""
        idle = [one for one in self._connections if one.state is not State.MAKING]
        if not idle:
            return False
        line = "more than %d connections to /metrics; the one that was idle for longest is closed"
        diagnostics.trouble("endpoint.crowded", line, CONNECTIONS)
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

    def _end_late(self) -> None:
        for one in [one for one in self._connections if one.over]:
            if one.state is State.MAKING and not one.begun:
                self._guarded(one, self._refuse_late)
            else:
                self._close(one)

    # ---- requests and answers ----

    def _guarded(self, one: Connection, step: Callable[[Connection], None] | None = None) -> None:
        """A step of a connection, `_go_on` unless told; nothing that happens there reaches the others."""
        try:
            (step or self._go_on)(one)
        except Gone:
            self._close(one)
        except http.Refused as refused:
            try:
                self._refuse(one, refused)
            except Gone:
                self._close(one)
        except Exception as error:
            diagnostics.trouble("endpoint.connection_failed", "a connection to /metrics is closed: %r", error)
            self._close(one)

    def _go_on(self, one: Connection) -> None:
        if one.state is State.GREETING:
            waits = one.greet()
            if waits:
                self._wait(one, waits)
                return
            one.state = State.READING
        if one.state is State.READING:
            fresh = one.fresh
            waits = one.receive()
            if fresh and one.received:
                one.waits(State.READING, REQUEST_TIMEOUT_S, REQUEST_TIMEOUT_S)
            self._wait(one, waits)
            self._read(one)
        elif one.state is State.SENDING:
            self._send(one)
        elif one.state is State.ENDING:
            one.discard()

    def _read(self, one: Connection) -> None:
        request = http.take(one.received)
        if request is None:
            return
        page = self._pages.get(request.path)
        with_body = request.method == "GET"
        if page is None:
            line = f"Here are {' and '.join(self._pages)}."
            self._tell(one, told(404, line, {}, keeps=request.keeps, with_body=with_body), request.keeps)
        elif not self._allowed(request.headers.get("authorization", "")):
            demand = {"WWW-Authenticate": "Bearer"}
            line = "A bearer token is needed."
            self._tell(one, told(401, line, demand, keeps=request.keeps, with_body=with_body), request.keeps)
        else:
            one.answer = Answer(page, request)
            one.begun = False
            one.waits(State.MAKING, ANSWER_TIMEOUT_S, ANSWER_TIMEOUT_S)
            self._make(one, request.path)

    def _allowed(self, given: str) -> bool:
        token = self._token
        return token is None or hmac.compare_digest(given.encode(), f"Bearer {token}".encode())

    def _make(self, one: Connection, path: str) -> None:
        """Leaves the next part to a worker; the socket is not looked at meanwhile."""
        self._wait(one, 0)
        answer, ticket = one.answer, one.ticket
        one.path = path

        def work() -> None:
            if answer is not None and one.ticket == ticket:
                self._finished.append((one, ticket, answer.next()))
                self.wake()

        self._workers.do(path, work)

    def _take_finished(self) -> None:
        while self._finished:
            one, ticket, part = self._finished.popleft()
            if one.ticket != ticket or one not in self._connections:
                continue
            one.pending = memoryview(part)
            one.begun = True
            one.waits(State.SENDING, REQUEST_TIMEOUT_S)
            self._guarded(one)
            self._bound_pending()

    def _bound_pending(self) -> None:
        sending = [one for one in self._connections if one.state is State.SENDING]
        if sum(len(one.pending) for one in sending) > PENDING_BYTES:
            self._close(min(sending, key=lambda one: one.since_ns))

    def _tell(self, one: Connection, answer: bytes, keeps: bool) -> None:
        one.answer = None
        one.keeps = keeps
        one.pending = memoryview(answer)
        one.waits(State.SENDING, REQUEST_TIMEOUT_S, ANSWER_TIMEOUT_S)
        self._send(one)

    def _refuse_late(self, one: Connection) -> None:
        self._refuse(one, http.Refused(503, "The page takes too long."))

    def _refuse(self, one: Connection, refused: http.Refused) -> None:
        one.ticket += 1
        one.received.clear()
        self._tell(one, told(refused.status, refused.told, refused.headers, keeps=False), False)

    def _send(self, one: Connection) -> None:
        before = len(one.pending)
        waits = one.send()
        if waits:
            if len(one.pending) < before:
                one.waits(State.SENDING, REQUEST_TIMEOUT_S)
            self._wait(one, waits)
        elif one.answer is not None and not one.answer.done:
            one.waits(State.MAKING, ANSWER_TIMEOUT_S)
            self._make(one, one.path)
        elif one.answer.keeps if one.answer is not None else one.keeps:
            one.answer = None
            one.waits(State.READING, IDLE_TIMEOUT_S, IDLE_TIMEOUT_S)
            self._wait(one, READ)
            if one.received:
                self._further.append(one)
        else:
            self._end(one)

    def _end(self, one: Connection) -> None:
        """Says that this was all, and waits a moment: closing at once could take the answer from the client."""
        one.answer = None
        try:
            one.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Gone from error
        one.waits(State.ENDING, _ENDING_S, _ENDING_S)
        self._wait(one, READ)
