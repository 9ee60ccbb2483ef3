"""Long work in Python that lets other threads run often.

A thread that waits for the GIL gets it after 5 ms, which a trading thread would feel. Giving it away for a moment after
every fraction of a millisecond costs the page little, and nobody waits longer than that.
"""

from __future__ import annotations

import time

EVERY_NS = 200_000
AWAY_S = 50e-6


class Turns:
    """Of one piece of work; `step` it often."""

    def __init__(self) -> None:
        """Begins now."""
        self._began_ns = time.perf_counter_ns()

    def step(self) -> None:
        """Gives the GIL away for a moment if this went on for long enough."""
        if time.perf_counter_ns() - self._began_ns > EVERY_NS:
            time.sleep(AWAY_S)
            self._began_ns = time.perf_counter_ns()
