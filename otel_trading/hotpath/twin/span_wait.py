"""How one thread waits for spans: for a bell that is rung when enough are there, or many to encode."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_MOST_WAIT_S = 1e6
_NOBODY_WAITS = float("inf")


class Bell:
    """A lock that is held while nobody rings: to let it go is one step, also in a signal handler."""

    __slots__ = ("_quiet", "_waits", "_woken", "wanted")

    def __init__(self) -> None:
        self._waits = threading.Lock()
        self._quiet = threading.Lock()
        self._quiet.acquire()
        self._woken = False
        self.wanted = _NOBODY_WAITS
        """How many spans somebody waits for."""

    @property
    def somebody_waits(self) -> bool:
        """Or is about to."""
        return self.wanted is not _NOBODY_WAITS

    @contextmanager
    def one_waits(self, wanted: int) -> Iterator[None]:
        """Around `listen`; raises RuntimeError for a second one."""
        if not self._waits.acquire(blocking=False):
            raise RuntimeError("another thread waits for this arena")
        try:
            self.wanted = float(wanted)
            yield
        finally:
            self.wanted = _NOBODY_WAITS
            self._waits.release()

    def listen(self, timeout_s: float) -> bool:
        """Until it is rung, now and then for nothing; False if it is not."""
        return self._quiet.acquire(timeout=min(timeout_s, _MOST_WAIT_S))

    def ring(self) -> None:
        """At once when somebody begins to listen."""
        try:
            self._quiet.release()
        except RuntimeError:  # it rings
            return

    def wake(self) -> None:
        """Rings for whoever waits, whatever is there, or the next one."""
        self._woken = True
        self.ring()

    def was_woken(self) -> bool:
        """Whether `wake` was called since the last answer."""
        if self._woken:  # only then it is written, so that no call in between is lost
            self._woken = False
            return True
        return False
