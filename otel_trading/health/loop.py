"""The thread that all connections live on: it waits for sockets, and never for a page or a single client."""

from __future__ import annotations

import hmac
import socket
import ssl
from collections import deque
from collections.abc import Callable, Mapping

from otel_trading.ground import diagnostics
from otel_trading.health import http, limits
from otel_trading.health.answer import Answer, Page, told
from otel_trading.health.connection import READ, Connection, Gone, State
from otel_trading.health.crowd import Crowd
from otel_trading.health.workers import Workers


class Loop(Crowd):
    """Runs on one thread; `stop` may be called from any."""

    def __init__(
        self, listener: socket.socket, pages: Mapping[str, Page], token: str | None, tls: ssl.SSLContext | None
    ) -> None:
        """Waits for nothing yet."""
        super().__init__(listener, tls)
        self._pages = pages
        self._token = token
        self._workers = Workers()
        self._finished: deque[tuple[Connection, int, bytes]] = deque()
        self._further: deque[Connection] = deque()  # whose next request has come already
        self._stopping = False

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
                one.waits(State.READING, limits.REQUEST_TIMEOUT_S, limits.REQUEST_TIMEOUT_S)
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
            one.waits(State.MAKING, limits.ANSWER_TIMEOUT_S, limits.ANSWER_TIMEOUT_S)
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
            one.waits(State.SENDING, limits.REQUEST_TIMEOUT_S)
            self._guarded(one)
            self._bound_pending()

    def _bound_pending(self) -> None:
        sending = [one for one in self._connections if one.state is State.SENDING]
        if sum(len(one.pending) for one in sending) > limits.PENDING_BYTES:
            self._close(min(sending, key=lambda one: one.since_ns))

    def _tell(self, one: Connection, answer: bytes, keeps: bool) -> None:
        one.answer = None
        one.keeps = keeps
        one.pending = memoryview(answer)
        one.waits(State.SENDING, limits.REQUEST_TIMEOUT_S, limits.ANSWER_TIMEOUT_S)
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
                one.waits(State.SENDING, limits.REQUEST_TIMEOUT_S)
            self._wait(one, waits)
        elif one.answer is not None and not one.answer.done:
            one.waits(State.MAKING, limits.ANSWER_TIMEOUT_S)
            self._make(one, one.path)
        elif one.answer.keeps if one.answer is not None else one.keeps:
            one.answer = None
            one.waits(State.READING, limits.IDLE_TIMEOUT_S, limits.IDLE_TIMEOUT_S)
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
        one.waits(State.ENDING, limits.ENDING_TIMEOUT_S, limits.ENDING_TIMEOUT_S)
        self._wait(one, READ)
