"""A thread that looks at what is recorded between two pages, at most once a second."""

from __future__ import annotations

import threading
from collections.abc import Callable

from otel_trading.ground import diagnostics

LEAST_S = 1.0


class Sampler:
    """Sleeps until the next sample is wanted; a daemon, so that it never keeps a process alive."""

    def __init__(self, sample: Callable[[], float]) -> None:
        """Does not run yet.

        Args:
            sample: looks once, and returns the seconds until it is to look again.
        """
        self._sample = sample
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def running(self) -> bool:
        """Whether the thread is there."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Starts the thread; a second call, and one after `stop`, does nothing."""
        if self._thread is None and not self._over.is_set():
            self._thread = threading.Thread(target=self._run, name="otel_trading profiles", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends it and waits for a moment."""
        self._over.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def _run(self) -> None:
        due_s = LEAST_S
        while not self._over.wait(max(LEAST_S, due_s)):
            try:
                due_s = self._sample()
            except Exception as error:
                diagnostics.trouble("profiles.sample_failed", "what profiles derive could not be sampled: %r", error)
