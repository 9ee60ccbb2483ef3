"""A fixed small pool of threads that make pages; no path can occupy all of them."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable

THREADS = 3
EACH_PATH = THREADS - 1
"""Threads that one path has at most, so that a page that hangs leaves one to the others."""


class Workers:
    """Threads that sleep until there is work."""

    def __init__(self) -> None:
        """Starts no thread yet."""
        self._changed = threading.Condition(threading.Lock())
        self._waiting: deque[tuple[str, Callable[[], None]]] = deque()
        self._busy: Counter[str] = Counter()
        self._stopping = False

    def start(self) -> None:
        """Starts all of them."""
        for _ in range(THREADS):
            threading.Thread(target=self._run, name="otel_trading page", daemon=True).start()

    def stop(self) -> None:
        """Each ends after its present work; what waits is forgotten."""
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            self._changed.notify_all()

    def do(self, path: str, work: Callable[[], None]) -> None:
        """Work for a path, in turn; it must not raise."""
        with self._changed:
            self._waiting.append((path, work))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                found = self._next()
                while found is None:
                    if self._stopping:
                        return
                    self._changed.wait()
                    found = self._next()
                path, work = found
                self._busy[path] += 1
            try:
                work()
            finally:
                del work, found
                with self._changed:
                    self._busy[path] -= 1
                    self._changed.notify()

    def _next(self) -> tuple[str, Callable[[], None]] | None:
        for number, (path, work) in enumerate(self._waiting):
            if self._busy[path] < EACH_PATH:
                del self._waiting[number]
                return path, work
        return None
