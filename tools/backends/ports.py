"""Ports for a stack: free ones, or those that everybody expects.

Free ones are below those that the kernel gives to outgoing connections: a server that is stopped for a while, or starts
last, would find its port taken by some client. Each stack has a block of them to itself: it locks a file, and the
servers that `up` starts inherit the lock, so that the kernel lifts it with the last of them.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from .places import BackendError

HOST = "127.0.0.1"
FIRST, BLOCK = 20_000, 100
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOCKS = Path(tempfile.gettempdir())


class Block:
    """Ports that no other stack of this machine has. Use it in a `with` that starts the servers."""

    def __init__(self) -> None:
        """Takes one at random.

        Raises:
            BackendError: all are taken.
        """
        end = int(EPHEMERAL.read_text().split()[0]) if EPHEMERAL.exists() else 32_768
        firsts = list(range(FIRST, end - BLOCK, BLOCK))
        random.shuffle(firsts)
        for first in firsts:
            lock = _locked(LOCKS / f"otel-trading-ports-{first}")
            if lock is not None:
                self.ports = range(first, first + BLOCK)
                self.lock = lock
                """The descriptor that the servers are to inherit."""
                return
        raise BackendError(f"no {BLOCK} ports from {FIRST} to {end} are free. End a stack.")

    def __enter__(self) -> Block:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaves the block to the servers."""
        os.close(self.lock)


def _locked(path: Path) -> int | None:
    """Returns the descriptor of a file that is ours alone from now on; None if it is somebody else's."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
    except PermissionError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


class Ports:
    """Hands out ports of the loopback address and holds each until all have been chosen. Use it in a `with`."""

    def __init__(self, free: Iterable[int] | None) -> None:
        """Takes the ports to choose from; None gives each server its usual one."""
        self._free = None if free is None else iter(free)
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
            BackendError: the usual port was asked for, and somebody has it; or none of the block is free.
        """
        if self._free is not None:
            for port in self._free:
                if self._hold(port):
                    return port
            raise BackendError("too few free ports for all servers. End what listens there.")
        # a second server of one kind gets the usual port of its kind plus 1000, plus 2000 and so on
        while usual in self._taken:
            usual += 1000
        self._taken.add(usual)
        if not self._hold(usual):
            raise BackendError(f"port {usual} is taken. End what listens there, or leave out --usual-ports.")
        return usual

    def _hold(self, port: int) -> bool:
        one = self._held.enter_context(socket.socket())
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind((HOST, port))
        except OSError:
            return False
        return True

    def address(self, usual: int) -> str:
        """Returns host and port."""
        return f"{HOST}:{self.take(usual)}"
