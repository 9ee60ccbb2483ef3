"""One connection: what was received, what is to be sent, and until when."""

from __future__ import annotations

import selectors
import socket
import ssl
from enum import Enum, auto

from otel_trading.ground import clock
from otel_trading.ground.clock import Deadline
from otel_trading.health.answer import Answer
from otel_trading.health.http import HEAD_BYTES

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class State(Enum):
    """What is waited for."""

    GREETING = auto()
    """The TLS handshake."""
    READING = auto()
    """The rest of a request, or a request on a kept connection."""
    MAKING = auto()
    """A worker."""
    SENDING = auto()
    """The client, to take what is pending."""
    ENDING = auto()
    """The client's end, after an answer that it may not have read yet."""


class Gone(Exception):
    """The client left, or broke the protocol of TLS."""


class Connection:
    """Touched by the loop's thread only; a worker has its answer meanwhile.

    Attributes:
        received: what is not yet taken of it.
        pending: what the client has not yet taken.
        answer: None for one of a line.
        begun: a part of the answer is on its way.
        ticket: of the present answer; work for an earlier one is for nobody.
        since_ns: beginning of the present wait.
        progress: limit of the present wait.
        whole: limit of request or answer.
    """

    __slots__ = (
        "answer",
        "begun",
        "keeps",
        "path",
        "pending",
        "progress",
        "received",
        "registered",
        "since_ns",
        "socket",
        "state",
        "ticket",
        "whole",
    )

    def __init__(self, accepted: socket.socket, tls: bool, limit_s: float) -> None:
        """Waits for the first request, the handshake included."""
        self.socket = accepted
        self.state = State.GREETING if tls else State.READING
        self.received = bytearray()
        self.pending = memoryview(b"")
        self.answer: Answer | None = None
        self.registered = 0
        self.ticket = 0
        self.begun = False
        self.keeps = False
        self.path = ""
        self.progress = Deadline(limit_s)
        self.whole = Deadline(limit_s)
        self.since_ns = clock.monotonic_ns()

    @property
    def fresh(self) -> bool:
        """Nothing of a request has come."""
        return self.state is State.READING and not self.received

    @property
    def over(self) -> bool:
        """Out of time."""
        return self.progress.over or self.whole.over

    def remaining_s(self) -> float:
        """Until then."""
        return min(self.progress.remaining_s(), self.whole.remaining_s())

    def waits(self, state: State, progress_s: float, whole_s: float | None = None) -> None:
        """Begins to wait for something, and until when."""
        self.state = state
        self.since_ns = clock.monotonic_ns()
        self.progress = Deadline(progress_s)
        if whole_s is not None:
            self.whole = Deadline(whole_s)

    def greet(self) -> int:
        """Goes on with the handshake; the event that it waits for, 0 once it is done."""
        assert isinstance(self.socket, ssl.SSLSocket)
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            return READ
        except ssl.SSLWantWriteError:
            return WRITE
        except OSError as error:
            raise Gone from error
        return 0

    def receive(self) -> int:
        """Takes what there is; the event that more is waited for with."""
        while len(self.received) <= HEAD_BYTES:
            try:
                part = self.socket.recv(HEAD_BYTES)
            except (ssl.SSLWantReadError, BlockingIOError, InterruptedError):
                return READ
            except ssl.SSLWantWriteError:
                return WRITE
            except OSError as error:
                raise Gone from error
            if not part:
                raise Gone
            self.received += part
        return READ

    def send(self) -> int:
        """Sends what the client takes; the event that the rest waits for, 0 if nothing is left."""
        while self.pending:
            try:
                sent = self.socket.send(self.pending)
            except (ssl.SSLWantWriteError, BlockingIOError, InterruptedError):
                return WRITE
            except ssl.SSLWantReadError:
                return READ
            except OSError as error:
                raise Gone from error
            self.pending = self.pending[sent:]
        return 0

    def discard(self) -> None:
        """Throws away what the client still sends; Gone at its end."""
        try:
            while self.socket.recv(65536):
                pass
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError, InterruptedError):
            return
        except OSError as error:
            raise Gone from error
        raise Gone

    def close(self) -> None:
        """Closes, and lets go of the answer."""
        if self.answer is not None:
            self.answer.close()
            self.answer = None
        self.pending = memoryview(b"")
        self.ticket += 1
        self.socket.close()
