"""The two clocks: wall time for events, monotonic time for durations and deadlines.

Both are module attributes read at call time, so that `otel_trading.testing` can put fixed ones in their place.
"""

from __future__ import annotations

import time

wall_ns = time.time_ns
"""UTC nanoseconds since 1970-01-01, for the time of an event. It may step; never subtract two readings."""

monotonic_ns = time.monotonic_ns
"""Nanoseconds from an arbitrary start that never step back, for deadlines."""

now = time.perf_counter_ns
"""Monotonic nanoseconds for durations: `t = now(); ...; handle.record_since(t)`. Never wall time.

Costs about 60 ns on CPython 3.11 and allocates one int. Thread-safe. A reading taken before a fork stays valid in
the child; a reading from another host means nothing here.
"""


YEAR_S = 365 * 86_400.0


class Deadline:
    """One moment on the monotonic clock that several waits share."""

    __slots__ = ("_at_ns",)

    def __init__(self, timeout_s: float) -> None:
        """Sets the moment `timeout_s` seconds from now; negative means already over, more than a year a year."""
        limited_s = min(max(timeout_s, 0.0), YEAR_S) if timeout_s == timeout_s else 0.0
        self._at_ns = monotonic_ns() + int(limited_s * 1e9)

    def remaining_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, (self._at_ns - monotonic_ns()) / 1e9)

    @property
    def over(self) -> bool:
        """True once nothing is left."""
        return monotonic_ns() >= self._at_ns
