"""Waits between messages so that they come at a rate, and notices when a feed is silent for too long."""

from __future__ import annotations

import threading
from collections.abc import Callable

from otel_trading.ground.clock import monotonic_ns

_STEP_S = 0.05


class Pace:
    """Keeps a schedule of moments; a late message does not shift the ones after it, up to a second."""

    def __init__(self, stop: threading.Event, stale_after_s: float, on_silence: Callable[[float], None]) -> None:
        """Starts the schedule now.

        Args:
            stop: ends every wait.
            stale_after_s: a silence longer than this many seconds is told once, while it lasts.
            on_silence: is told the seconds since the last message.
        """
        self._stop = stop
        self._stale_after_ns = int(stale_after_s * 1e9)
        self._on_silence = on_silence
        self._due_ns = self._last_ns = monotonic_ns()

    def wait(self, delay_s: float) -> bool:
        """Waits until `delay_s` seconds after the moment before; returns False once it should stop."""
        now_ns = monotonic_ns()
        self._due_ns = max(self._due_ns + int(delay_s * 1e9), now_ns - 1_000_000_000)
        told = False
        while not self._stop.is_set() and now_ns < self._due_ns:
            silent_ns = now_ns - self._last_ns
            if silent_ns > self._stale_after_ns and not told:
                told = True
                self._on_silence(silent_ns / 1e9)
            self._stop.wait(min(_STEP_S, (self._due_ns - now_ns) / 1e9))
            now_ns = monotonic_ns()
        self._last_ns = now_ns
        return not self._stop.is_set()
