"""Whose turn it is to change counts: one lock for all cells, which no child inherits in a held state.

Waiting values are appended to a deque, one step of the interpreter, and counted by whoever has the turn. A thread that
does not get it leaves its value to the one that has, or to the next record or snapshot; so does a signal handler or a
finaliser that records in the middle of counting. No record waits for another, and each is counted exactly once.
"""

from __future__ import annotations

import os
import threading


class Turn:
    """The lock; replaced in a child, where the thread that held it may not exist."""

    lock = threading.RLock()


def _after_fork_in_child() -> None:
    Turn.lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork_in_child)
