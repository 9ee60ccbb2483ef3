"""Ports for a stack: free ones, or those that everybody expects."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from types import TracebackType

from .places import BackendError

HOST = "127.0.0.1"


class Ports:
    """Hands out ports of the loopback address and holds each until all have been chosen. Use it in a `with`."""

    def __init__(self, usual: bool) -> None:
        """Takes whether each server gets its usual port instead of a free one."""
        self._usual = usual
        self._held = ExitStack()
        self._taken: set[int] = set()

    def __enter__(self) -> Ports:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets go of the ports: now the servers may have them."""
        self._held.close()

    def take(self, usual: int) -> int:
        """Returns a port.

        Raises:
            BackendError: the usual port was asked for, and somebody has it.
        """
        one = self._held.enter_context(socket.socket())
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # a second server of one kind gets the usual port of its kind plus 1000, plus 2000 and so on
        while self._usual and usual in self._taken:
            usual += 1000
        self._taken.add(usual)
        try:
            one.bind((HOST, usual if self._usual else 0))
        except OSError as error:
            raise BackendError(f"port {usual} is taken. End what listens there, or leave out --usual-ports.") from error
        return int(one.getsockname()[1])

    def address(self, usual: int) -> str:
        """Returns host and port."""
        return f"{HOST}:{self.take(usual)}"
