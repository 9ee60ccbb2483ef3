"""The four sockets of the demo: ticks are published, orders are pushed, each over ZeroMQ on loopback.

Ports are never assumed free: who sends binds to any port and tells which, who receives is told.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from otel_trading.demo.extra import INSTALL
from otel_trading.ground.clock import monotonic_ns

ANY_PORT = "tcp://127.0.0.1:*"
_POLL_MS = 50
_LINGER_MS = 500
_PATIENCE_MS = 1000
_DRAIN_NS = 1_000_000_000
_POLLOUT = 2  # zmq.POLLOUT; zmq itself is imported late so that --help needs no extra
_TICKS_QUEUED = 10_000


class Sender:
    """A bound socket that messages leave by. Used by one thread."""

    def __init__(self, kind: str, listen: str) -> None:
        """Binds to an endpoint such as `tcp://127.0.0.1:*`; ends the program with a sentence if that fails."""
        self._socket = _socket(kind)
        self._patience_ms = _PATIENCE_MS
        try:
            self._socket.bind(listen)
        except Exception as error:
            raise SystemExit(f"cannot listen on {listen}: {error}") from None
        self.endpoint = str(self._socket.LAST_ENDPOINT.decode().rstrip("\0"))

    def send(self, frames: list[bytes]) -> bool:
        """Sends one message; returns False if nobody took it within a second, and does not wait again until one does.

        A PUSH socket without a peer would wait for ever, deaf to Ctrl-C, and an order that waited is worth nothing.
        """
        if not self._socket.poll(self._patience_ms, _POLLOUT):
            self._patience_ms = 0
            return False
        self._socket.send_multipart(frames)
        self._patience_ms = _PATIENCE_MS
        return True


def publisher(listen: str = ANY_PORT) -> Sender:
    """Returns a PUB socket: who does not listen misses ticks, and nobody waits for the slow."""
    return Sender("PUB", listen)


def pusher(listen: str = ANY_PORT) -> Sender:
    """Returns a PUSH socket: orders wait for the next service instead of being dropped."""
    return Sender("PUSH", listen)


def subscriber(source: str) -> Any:
    """Returns a SUB socket connected to a publisher."""
    socket = _connected("SUB", source)
    socket.subscribe(b"")
    return socket


def puller(source: str) -> Any:
    """Returns a PULL socket connected to a pusher."""
    return _connected("PULL", source)


def receive(socket: Any, stop: threading.Event, wait_s: Callable[[], float] | None = None) -> Iterator[list[bytes]]:
    """Yields the frames of each message until `stop` is set and what was sent before is read, at most a second more.

    Args:
        socket: where messages come from.
        stop: ends it.
        wait_s: how many seconds the caller can wait now; after that it gets an empty list. None means any time.
    """
    ends_ns: int | None = None
    while ends_ns is None or monotonic_ns() < ends_ns:
        if ends_ns is None and stop.is_set():  # before the poll: what was sent before the stop is still taken
            ends_ns = monotonic_ns() + _DRAIN_NS
        if socket.poll(_POLL_MS if wait_s is None else math.ceil(wait_s() * 1000)):
            yield socket.recv_multipart()
        elif ends_ns is not None:
            return
        elif wait_s is not None:
            yield []


def _connected(kind: str, source: str) -> Any:
    socket = _socket(kind)
    try:
        socket.connect(source)
    except Exception as error:
        raise SystemExit(f"cannot connect to {source}: {error}") from None
    return socket


def _socket(kind: str) -> Any:
    try:
        import zmq
    except ImportError:
        sys.exit(f"this service needs pyzmq. Type: {INSTALL}")
    socket: Any = zmq.Context.instance().socket(getattr(zmq, kind))
    socket.setsockopt(zmq.LINGER, _LINGER_MS)
    socket.setsockopt(zmq.SNDHWM, _TICKS_QUEUED)
    socket.setsockopt(zmq.RCVHWM, _TICKS_QUEUED)
    return socket
