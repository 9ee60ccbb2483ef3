"""Code that runs between any two steps of the main thread, as a signal handler does."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Alarms:
    """Those that went off."""

    def __init__(self) -> None:
        self.count = 0
        self._until = time.monotonic() + 60

    def fewer_than(self, wanted: int) -> bool:
        """False after a minute too, so that a test fails instead of hanging."""
        return self.count < wanted and time.monotonic() < self._until


@contextmanager
def alarms(handle: Callable[[], object], every_s: float = 0.0002) -> Iterator[Alarms]:
    """Calls it again and again in the main thread, wherever that is."""
    made = Alarms()

    def handler(number: int, frame: Any) -> None:
        made.count += 1
        handle()

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, every_s, every_s)
    try:
        yield made
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
