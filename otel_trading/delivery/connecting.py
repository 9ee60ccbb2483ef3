"""A connection within one limit: looking the name up, and every address that it has."""

from __future__ import annotations

import socket
import threading
from typing import Any

from otel_trading.ground.breath import step
from otel_trading.ground.clock import Deadline

Address = tuple[Any, Any, Any, Any, Any]


class Resolver:
    """Looks one name up, on a thread of its own, since the system's look-up takes no limit; an IP address is known."""

    def __init__(self, host: str, port: int) -> None:
        """Looks nothing up yet."""
        self._host, self._port = host, port
        self._known = _spelled_out(host, port)
        self._under_way: LookUp | None = None

    def addresses(self, deadline: Deadline) -> list[Address]:
        """The addresses in the system's order.

        Raises:
            TimeoutError: there is no answer yet; the look-up goes on, and the next call gets what it finds.
            OSError: the name has none.
        """
        if self._known:
            return self._known
        look_up = self._under_way or LookUp(self._host, self._port)
        self._under_way = look_up
        if not look_up.done.wait(deadline.remaining_s()):
            raise TimeoutError(f"no answer yet for the name {self._host}")
        self._under_way = None
        if look_up.error is not None:
            raise look_up.error
        return look_up.found


def _spelled_out(host: str, port: int) -> list[Address]:
    """The address that an IPv4 or IPv6 number is; nothing for a name, or for an address with a scope."""
    for family, rest in ((socket.AF_INET, ()), (socket.AF_INET6, (0, 0))):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return [(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, *rest))]
    return []


class LookUp:
    """One look-up, which may outlast the patience of those who wait for it."""

    def __init__(self, host: str, port: int) -> None:
        """Begins."""
        self._host, self._port = host, port
        self.done = threading.Event()
        self.found: list[Address] = []
        self.error: OSError | None = None
        try:
            threading.Thread(target=self._run, name="otel_trading look-up", daemon=True).start()
        except RuntimeError:  # CPython 3.12 starts no thread while it exits
            self._run()

    def _run(self) -> None:
        try:
            self.found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except OSError as error:
            self.error = error
        except Exception as error:  # a name that cannot be encoded
            self.error = OSError(str(error))
        finally:
            self.done.set()


def connect(addresses: list[Address], deadline: Deadline) -> socket.socket:
    """Connects to the first address that answers; each gets an equal share of what is left.

    Raises:
        OSError: none does; TimeoutError if nothing is left.
    """
    failed: OSError = OSError("the name has no address")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        left_s = deadline.remaining_s() / (len(addresses) - number)
        if left_s <= 0:
            raise TimeoutError("the limit of the whole request is reached")
        connecting = socket.socket(family, kind, protocol)
        try:
            connecting.settimeout(max(0.001, left_s))
            connecting.connect(address)
            return connecting
        except OSError as error:
            connecting.close()
            failed = error
            step()  # one that is refused at once took no time for others
    raise failed
