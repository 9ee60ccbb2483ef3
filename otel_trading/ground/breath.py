"""Gives the GIL up for long enough that whoever waits for it gets it.

A thread that lets it go for a system call of ten microseconds has it back before another one is awake. So a worker
draws breath between two pieces of work, and no piece should be longer than 200 us (benchmarks/span_gaps.py).
"""

from __future__ import annotations

import time
from time import perf_counter_ns

_PAUSE_S = 0.00005
_PIECE_NS = 100_000


def breathe() -> None:
    """Lets others run. Some 100 us, and up to the interpreter's switch interval more if they want to."""
    time.sleep(_PAUSE_S)


class Breath:
    """For a row of small steps: a breath as soon as they took a piece's time together."""

    __slots__ = ("_began_ns",)

    def __init__(self) -> None:
        self._began_ns = perf_counter_ns()

    def step(self) -> None:
        """After each step."""
        if perf_counter_ns() - self._began_ns > _PIECE_NS:
            breathe()
            self._began_ns = perf_counter_ns()
