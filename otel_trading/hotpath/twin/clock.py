"""Time: the clock of `time.perf_counter_ns()` and the wall clock, both replaceable for tests."""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]


class Clocks:
    """The two clocks in use."""

    now: Clock = staticmethod(time.perf_counter_ns)
    wall: Clock = staticmethod(time.time_ns)


def now() -> int:
    """Monotonic nanoseconds, as `time.perf_counter_ns()`."""
    return Clocks.now()


def set_clock(now: Clock | None, wall: Clock | None, /) -> None:
    """Other clocks, for tests; None for the real ones."""
    for clock in (now, wall):
        if clock is not None and not callable(clock):
            raise TypeError("a clock must be callable, or None for the real one")
    Clocks.now = staticmethod(_safe(now) if now is not None else time.perf_counter_ns)
    Clocks.wall = staticmethod(_safe(wall) if wall is not None else time.time_ns)


def _safe(clock: Clock) -> Clock:
    def read() -> int:
        try:
            reading = clock()
            return reading if isinstance(reading, int) else 0
        except Exception:
            return 0

    return read
