"""Telemetry in a forked child begins anew by itself: at the first span or log record, or a moment after the fork.

It begins on a thread of its own: a lock of the application or of a library that another thread of the parent held at
the fork is held for ever in the child, and must cost telemetry there, not the child.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from otel_trading.ground import diagnostics

DELAY_S = 0.05
"""A child that does nothing is left alone so long: it may be about to become another program."""

WAIT_S = 2.0
"""Longest time that the first span or log record waits for telemetry."""


class Awakening:
    """The beginning in this child. Created right after the fork, and started once it is known; thread-safe."""

    def __init__(self, begin: Callable[..., object], begun_with: tuple[Any, ...]) -> None:
        """Does nothing yet.

        Args:
            begin: starts telemetry; it is not called after `cancel()`.
            begun_with: the arguments with which the parent's began.
        """
        self._begin = begin
        self.begun_with = begun_with
        self._hurry = threading.Event()
        self._over = threading.Event()
        self._unstarted: RuntimeError | None = None
        self.cancelled = False
        """Whether the application took it into its own hands."""
        self._thread = threading.Thread(target=self._run, name="otel_trading child", daemon=True)

    def start(self) -> None:
        """Starts the thread, which begins after a moment, or at once if somebody waits for it."""
        try:
            self._thread.start()
        except RuntimeError as error:  # no more threads, or the process exits
            self._unstarted = error  # told later: right after a fork the locks of logging may be held for ever
            self._over.set()

    def _run(self) -> None:
        self._hurry.wait(DELAY_S)
        try:
            if not self.cancelled:
                self._begin(*self.begun_with)
        except BaseException as error:
            diagnostics.trouble("forked.failed", "telemetry could not begin in a forked child: %r", error)
        finally:
            self._over.set()

    @property
    def awaited(self) -> bool:
        """Whether it is still to come; a child that forks again hands it on."""
        return not self.cancelled and not self._over.is_set()

    def hurry(self) -> None:
        """Begins now, and waits until it has begun; at once if that is over, or this is the thread that begins it."""
        if threading.current_thread() is self._thread:
            return
        self._hurry.set()
        if not self._over.wait(WAIT_S):
            diagnostics.trouble("forked.late", "telemetry has not begun in a forked child within %g s", WAIT_S)
        if self._unstarted is not None:
            diagnostics.trouble("forked.failed", "telemetry could not begin in a forked child: %r", self._unstarted)

    def cancel(self) -> None:
        """Leaves it to the application."""
        self.cancelled = True
        self._hurry.set()
