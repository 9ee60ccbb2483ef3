"""Not more than a number of traces a second: raises thresholds as the offered rate demands."""

from __future__ import annotations

import threading

from otel_trading.hotpath.sampler_engine import NEVER
from otel_trading.hotpath.twin.clock import Clocks
from otel_trading.hotpath.twin.forks import Forks

_WINDOW_NS = 100_000_000
_SMOOTHING = 0.2


class Cap:
    """Thread-safe; a forked child goes on with its own copy of the rate."""

    def __init__(self, per_second: float) -> None:
        self._per_second = float(per_second)
        self._window_began_ns = Clocks.now()
        self._in_window = 0
        self._rate = 0.0
        self.begin_anew()
        Forks.inherited.add(self)

    def begin_anew(self) -> None:
        """With a lock that nobody holds."""
        self._lock = threading.RLock()

    def threshold(self, threshold: int) -> int:
        """Counts one that would be kept with this one; the one that keeps to the cap."""
        if self._per_second <= 0 or not 0 <= threshold < NEVER:
            return threshold
        ratio = (NEVER - threshold) / NEVER
        now_ns = Clocks.now()
        with self._lock:
            past_ns = now_ns - self._window_began_ns
            if past_ns >= _WINDOW_NS:
                measured = self._in_window * 1e9 / past_ns
                weight = min(1.0, _SMOOTHING * past_ns / _WINDOW_NS)
                self._rate += weight * (measured - self._rate)
                self._window_began_ns, self._in_window = now_ns, 0
            self._in_window += 1
            # within a window a burst counts as if it went on at this pace
            rate = max(self._rate, self._in_window * 1e9 / _WINDOW_NS * _SMOOTHING)
        allowed = min(ratio, self._per_second / rate) if rate > 0 else ratio
        return max(threshold, NEVER - round(allowed * NEVER))
