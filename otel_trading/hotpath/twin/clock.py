"""Time: the clock of `time.perf_counter_ns()` and the wall clock, both replaceable for tests.

Spans count on the monotonic clock; `offset` says where that lies on the wall clock, which is read once a millisecond:
a reading costs as much as five steps of the interpreter.
"""

from __future__ import annotations

import time
from collections.abc import Callable

Clock = Callable[[], int]

_AGREE_NS = 1_000_000
_LONG_AGO = -(1 << 63)

monotonic: Clock = time.perf_counter_ns
"""As `Clocks.now`; of the module, where the interpreter finds it at once."""
offset = 0
"""What is added to a monotonic reading for UTC nanoseconds."""
until = _LONG_AGO
"""The monotonic reading from which on `offset` is to be found anew."""


class Clocks:
    """The two clocks in use."""

    now: Clock = staticmethod(time.perf_counter_ns)
    wall: Clock = staticmethod(time.time_ns)


def now() -> int:
    """Monotonic nanoseconds, as `time.perf_counter_ns()`."""
    return Clocks.now()


def agree() -> int:
    """Finds `offset` anew; the monotonic reading that it belongs to."""
    global offset, until
    wall = Clocks.wall()
    read = monotonic()
    offset = wall - read
    until = read + _AGREE_NS  # last: who sees it sees the offset
    return read


def set_clock(now: Clock | None, wall: Clock | None, /) -> None:
    """Other clocks, for tests; None for the real ones."""
    global monotonic, until
    for clock in (now, wall):
        if clock is not None and not callable(clock):
            raise TypeError("a clock must be callable, or None for the real one")
    Clocks.now = staticmethod(_safe(now) if now is not None else time.perf_counter_ns)
    Clocks.wall = staticmethod(_safe(wall) if wall is not None else time.time_ns)
    monotonic, until = Clocks.now, _LONG_AGO


def _safe(clock: Clock) -> Clock:
    def read() -> int:
        try:
            reading = clock()
            return reading if isinstance(reading, int) else 0
        except Exception:
            return 0

    return read
