"""What adaptive sampling looks at: how full the way out is, how busy the process, how late an event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from otel_trading.delivery.books import Load
from otel_trading.delivery.outcome import BYTES_FULL, QUEUE_FULL
from otel_trading.ground import clock


@dataclass(frozen=True, slots=True)
class Pressure:
    """Three numbers at one moment, or limits of them; a limit of 0 is not looked at.

    Attributes:
        queue: share of the fullest queue of spans that is in use, 0 to 1; 1 as well if one gave spans up.
        processors: that the process used since the last look, with all threads; 1.0 is one whole processor.
        loop_lag_s: seconds that the latest of the watched event loops is behind.
    """

    queue: float = 0.0
    processors: float = 0.0
    loop_lag_s: float = 0.0


class Pressures:
    """Reads them. Not thread-safe but for `watch`: one thread looks."""

    def __init__(self, loads: Callable[[], Sequence[Load]]) -> None:
        """Begins to count.

        Args:
            loads: of the workers that send spans.
        """
        self._loads = loads
        self._given_up = self._losses(loads())
        self._began_ns, self._used_s = clock.monotonic_ns(), time.process_time()
        self._loops: list[LoopLag] = []
        self._lock = threading.RLock()

    def watch(self, loop: asyncio.AbstractEventLoop) -> None:
        """Looks at this event loop too, until it is closed."""
        with self._lock:
            if all(lag.loop is not loop for lag in self._loops):
                self._loops.append(LoopLag(loop))

    def read(self) -> Pressure:
        """Now."""
        return Pressure(self._queue(), self._processors(), self._loop_lag_s())

    def _queue(self) -> float:
        loads = self._loads()
        given_up, before = self._losses(loads), self._given_up
        self._given_up = given_up
        if given_up > before:
            return 1.0
        return max((min(1.0, load.waiting / max(1, load.capacity)) for load in loads), default=0.0)

    @staticmethod
    def _losses(loads: Sequence[Load]) -> int:
        return sum(load.books.dropped.get(reason, 0) for load in loads for reason in (QUEUE_FULL, BYTES_FULL))

    def _processors(self) -> float:
        now_ns, used_s = clock.monotonic_ns(), time.process_time()
        past_ns, used_before_s = now_ns - self._began_ns, self._used_s
        self._began_ns, self._used_s = now_ns, used_s
        return (used_s - used_before_s) * 1e9 / past_ns if past_ns > 0 else 0.0

    def _loop_lag_s(self) -> float:
        with self._lock:
            self._loops = [lag for lag in self._loops if not lag.loop.is_closed()]
            return max((lag.read_s() for lag in self._loops), default=0.0)


class LoopLag:
    """How late an event loop gets to what was asked of it: one call a look."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._asked_ns = 0
        self._lag_ns = 0

    def read_s(self) -> float:
        """Seconds that it took since the last look, or takes by now; asks anew."""
        asked_ns = self._asked_ns
        if asked_ns:  # it has not come to it yet
            return (clock.monotonic_ns() - asked_ns) / 1e9
        lag_ns = self._lag_ns
        try:
            self._asked_ns = clock.monotonic_ns()
            self.loop.call_soon_threadsafe(self._arrive)
        except RuntimeError:  # closed meanwhile
            self._asked_ns = 0
        return lag_ns / 1e9

    def _arrive(self) -> None:
        self._lag_ns = clock.monotonic_ns() - self._asked_ns
        self._asked_ns = 0
