"""Gives the GIL up for long enough that whoever waits for it gets it.

A thread that lets it go for a system call of ten microseconds has it back before another one is awake. So a worker
draws breath between two pieces of work, and no piece should be longer than 200 us (benchmarks/span_gaps.py). Nor should
there be more breaths than that takes: beside a loop that never waits each costs the interpreter's switch interval,
which is 5 ms.
"""

from __future__ import annotations

import threading
import time
from time import thread_time_ns

_PAUSE_S = 0.00005
PIECE_NS, OF_SMALL_STEPS_NS, _LONG_PIECE_NS = 50_000, 75_000, 1_000_000
"""Of the thread's processor time; what follows until the next step comes on top."""

_thread = threading.local()


def breathe() -> None:
    """Lets others run. Some 100 us, and up to the interpreter's switch interval more if they want to."""
    time.sleep(_PAUSE_S)
    rested()


def rested() -> None:
    """To be told after a call in which this thread was without the GIL for long enough."""
    _thread.since_ns = thread_time_ns()


def step(piece_ns: int = PIECE_NS) -> None:
    """To be called after each step of this thread: a breath if they took a piece's time together.

    Costs less than a microsecond otherwise.

    Args:
        piece_ns: OF_SMALL_STEPS_NS for steps of some 20 us, of which more fit.
    """
    if thread_time_ns() - getattr(_thread, "since_ns", 0) > max(piece_ns, getattr(_thread, "least_ns", 0)):
        breathe()


def hurry(yes: bool) -> None:
    """Lets this thread take steps of 1 ms together from now on, because it would be late else; or not any more."""
    _thread.least_ns = _LONG_PIECE_NS if yes else 0
