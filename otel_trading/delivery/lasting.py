"""A daemon thread that is replaced when it dies."""

from __future__ import annotations

import threading
from collections.abc import Callable

from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline

_PAUSE_S = 0.1
"""How long a successor waits before it begins, so that a fault that comes back at once costs no processor."""


class LastingThread:
    """Runs a function until it returns; if it is thrown out of it, another thread goes on."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        """Starts the thread.

        Args:
            name: of the thread and in messages.
            run: what it does; it begins anew in a successor, so it keeps its state elsewhere.
        """
        self._name = name
        self._run = run
        self._lock = threading.RLock()
        self._over = threading.Event()
        self.replaced = 0
        """How often a dead thread was replaced."""
        with self._lock:  # a thread that dies at once waits until it is known here
            self._thread = self._start(0.0)

    def _start(self, pause_s: float) -> threading.Thread:
        thread = threading.Thread(target=self._live, args=(pause_s,), name=f"otel_trading {self._name}", daemon=True)
        thread.start()
        return thread

    def _live(self, pause_s: float) -> None:
        try:
            self._over.wait(pause_s)
            self._run()
            self._over.set()
        except BaseException as error:
            self._replace(threading.current_thread(), repr(error))

    def ensure(self) -> None:
        """Replaces the thread if it died without a successor. Costs a look when it lives."""
        thread = self._thread
        if not thread.is_alive() and not self._over.is_set():
            self._replace(thread, "it ended")

    def _replace(self, dead: threading.Thread, why: str) -> None:
        with self._lock:
            if dead is not self._thread or self._over.is_set():
                return
            try:
                self._thread = self._start(_PAUSE_S)
            except RuntimeError:  # no more threads for now, or the process exits; `ensure` tries again
                return
            self.replaced += 1
        diagnostics.trouble("delivery.worker_replaced", "the thread of %s died and was replaced: %s", self._name, why)

    def is_alive(self) -> bool:
        """True until the function has returned, successors included."""
        return not self._over.is_set() and self._thread.is_alive()

    def join(self, deadline: Deadline) -> None:
        """Waits for the function to return, in whichever thread, until the deadline."""
        thread = None
        while thread is not self._thread:
            thread = self._thread
            thread.join(deadline.remaining_s())

    def after_fork_in_child(self) -> None:
        """In a forked child, where the thread does not exist: it is over."""
        self._lock = threading.RLock()
        self._over = threading.Event()
        self._over.set()
