"""How much an item matters when a queue is full: what is of least use goes first."""

from __future__ import annotations

from enum import IntEnum


class Urgency(IntEnum):
    """Classes of items; a full queue gives up the lowest one first, its oldest items before its younger ones."""

    LOW = 0
    """Ticks, books, debug records: there are many, and the next one says the same."""
    NORMAL = 1
    """Everything else."""
    HIGH = 2
    """Errors and orders."""
