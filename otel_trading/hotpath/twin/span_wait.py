"""How one thread waits for spans: for a bell that is rung only when somebody waits and enough are there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

MOST_PATIENCE = 64
"""Spans that are filed together: to take the lock costs as much as to file two."""
_MOST_WAIT_S = 1e6
_NOBODY_WAITS = float("inf")


class Bell:
    """A lock that is held while nobody rings: to let it go is one step, also in a signal handler."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._quiet = threading.Lock()
        self._quiet.acquire()
        self._waited = self._woken = False
        self._wanted = _NOBODY_WAITS
        self.patience = MOST_PATIENCE
        """How many spans may wait to be filed; fewer when somebody waits for fewer."""

    @contextmanager
    def one_waits(self) -> Iterator[None]:
        """Around `begin` and `listen`."""
        with self._lock:
            if self._waited:
                raise RuntimeError("another thread waits for this arena")
            self._waited = True
        try:
            yield
        finally:
            with self._lock:
                self._wanted, self.patience = _NOBODY_WAITS, MOST_PATIENCE
                self._waited = False

    def begin(self, wanted: int, items: int) -> None:
        """From now on it is rung at so many spans; `items` are there."""
        with self._lock:
            self._quiet.acquire(blocking=False)
            self._wanted = wanted
            if self._woken:
                self._ring()
        self.look(items)

    def look(self, items: int) -> None:
        """Rings if as many are there as somebody waits for."""
        wanted = self._wanted
        if items >= wanted:
            self._ring()
        elif wanted is not _NOBODY_WAITS:
            self.patience = max(1, min(MOST_PATIENCE, int(wanted) - items))

    def listen(self, timeout_s: float) -> bool:
        """Until it is rung; False if it is not."""
        rung = self._quiet.acquire(timeout=min(timeout_s, _MOST_WAIT_S))
        with self._lock:
            rung = rung or self._quiet.acquire(blocking=False)
            if rung:
                self._woken = False
        return rung

    def wake(self) -> None:
        """Rings, or at once when somebody begins to wait."""
        with self._lock:
            self._woken = True
            self._ring()

    def _ring(self) -> None:
        try:
            self._quiet.release()
        except RuntimeError:  # it rings
            return
