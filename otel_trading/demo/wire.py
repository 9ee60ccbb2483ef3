"""The four sockets of the demo: ticks are published, orders are pushed, each over ZeroMQ on loopback.

Ports are never assumed free: who sends binds to any port and tells which, who receives is told.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

from otel_trading.demo.extra import INSTALL

ANY_PORT = "tcp://127.0.0.1:*"
_POLL_MS = 50
_LINGER_MS = 500
_SEND_MS = 1000
_TICKS_QUEUED = 10_000


def publisher(listen: str = ANY_PORT) -> Any:
    """Returns a bound PUB socket: who does not listen misses ticks, and nobody waits for the slow."""
    return _bound("PUB", listen)


def pusher(listen: str = ANY_PORT) -> Any:
    """Returns a bound PUSH socket: orders wait for the next service instead of being dropped."""
    return _bound("PUSH", listen)


def subscriber(source: str) -> Any:
    """Returns a SUB socket connected to a publisher."""
    socket = _connected("SUB", source)
    socket.subscribe(b"")
    return socket


def puller(source: str) -> Any:
    """Returns a PULL socket connected to a pusher."""
    return _connected("PULL", source)


def endpoint(socket: Any) -> str:
    """Returns the address a bound socket got."""
    return str(socket.LAST_ENDPOINT.decode().rstrip("\0"))


def send(socket: Any, frames: list[bytes]) -> bool:
    """Sends one message; returns False if nobody took it within a second.

    A PUSH socket without a peer would wait for ever, deaf to Ctrl-C, and an order that waited is worth nothing.
    """
    import zmq

    try:
        socket.send_multipart(frames)
    except zmq.Again:
        return False
    return True


def receive(socket: Any, stop: threading.Event) -> Iterator[list[bytes]]:
    """Yields the frames of each message until `stop` is set and nothing is left to read."""
    while True:
        stopping = stop.is_set()  # read before the poll: what was sent before the stop is still taken
        if socket.poll(_POLL_MS):
            yield socket.recv_multipart()
        elif stopping:
            return


def receive_one(socket: Any, timeout_s: float) -> list[bytes] | None:
    """Returns the frames of the next message, or None if none came in time."""
    return socket.recv_multipart() if socket.poll(max(0, int(timeout_s * 1000))) else None


def _bound(kind: str, listen: str) -> Any:
    socket = _socket(kind)
    try:
        socket.bind(listen)
    except Exception as error:
        raise SystemExit(f"cannot listen on {listen}: {error}") from None
    return socket


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
    socket.setsockopt(zmq.SNDTIMEO, _SEND_MS)
    socket.setsockopt(zmq.SNDHWM, _TICKS_QUEUED)
    socket.setsockopt(zmq.RCVHWM, _TICKS_QUEUED)
    return socket
