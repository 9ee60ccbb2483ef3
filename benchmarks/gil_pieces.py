"""How long each thread of a delivery computes between two calls in which it gives the GIL up.

Processor time of the thread, so that who else needs the machine is not in it. Calls that give the GIL up and are not
known here make pieces look longer, not shorter. One that is over within some microseconds ends a piece only if the
thread had to wait in it, which means that another one had the GIL meanwhile.
"""

from __future__ import annotations

import resource
import socket
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

from otel_trading.delivery import connecting, encode, limited_socket
from otel_trading.ground import breath


class Pieces:
    """Microseconds of all pieces, whatever the thread; watched from creation on, in all workers of the process."""

    def __init__(self) -> None:
        self.us: list[float] = []
        self._began = threading.local()
        self._main = threading.get_ident()
        self._patch(threading.Condition, "wait")
        self._patch(limited_socket.LimitedSocket, "sendall")
        self._patch(limited_socket.LimitedSocket, "receive")
        connecting.socket = _Module(**{**vars(socket), "socket": self._sockets()})  # type: ignore[assignment]  # likewise
        encode.zlib = _Module(compress=self.around(zlib.compress))  # type: ignore[assignment]  # likewise
        breath.time = _Module(sleep=self.around(time.sleep))  # type: ignore[assignment]  # has what is used of it

    def _patch(self, owner: Any, name: str) -> None:
        setattr(owner, name, self.around(getattr(owner, name)))

    def around(self, call: Callable[..., Any], short: bool = False) -> Callable[..., Any]:
        """The call, at which a piece ends and after which one begins.

        Args:
            call: gives the GIL up.
            short: for moments only.
        """

        def with_an_end(*given: Any, **named: Any) -> Any:
            began = getattr(self._began, "ns", None)
            reached, waits = time.thread_time_ns(), _waits() if short else -1
            try:
                return call(*given, **named)
            finally:
                if _waits() > waits:
                    if began is not None and threading.get_ident() != self._main:
                        self.us.append((reached - began) / 1000)
                    self._began.ns = time.thread_time_ns()
                elif began is not None:  # it goes on, without what it did not hold the GIL for
                    self._began.ns += time.thread_time_ns() - reached

        return with_an_end

    def _sockets(self) -> Callable[..., Any]:
        """Makes sockets whose short calls are known."""
        names = ("close", "connect", "settimeout", "shutdown")
        methods = {name: self.around(getattr(socket.socket, name), short=True) for name in names}
        return self.around(type("WatchedSocket", (socket.socket,), methods), short=True)

    def watch(self, lane: Any) -> None:
        """The native calls of a lane that give the GIL up."""
        if lane._pump is not None:
            lane._pump._arena = _Proxy(lane._pump._arena, wait=self.around(lane._pump._arena.wait))
        for worker in lane.workers:
            screening = worker._transport._redact.__self__._screening
            screening._screen = _Proxy(screening._screen, look=self.around(screening._screen.look))


def _waits() -> int:
    """How often this thread gave the processor up to wait."""
    return resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw


class _Proxy:
    """An object with some methods replaced."""

    def __init__(self, real: Any, **replaced: Any) -> None:
        self._real = real
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class _Module:
    """What is used of a module."""

    def __init__(self, **used: Any) -> None:
        self.__dict__.update(used)
