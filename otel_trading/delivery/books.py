"""The books of one signal: offered = delivered + dropped (by reason) + queued, at any moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Books:
    """A consistent reading of one worker's counts.

    Attributes:
        offered: everything that was handed over since `init()`; spans, log records or metric data points.
        delivered: acknowledged by the receiver.
        dropped: lost, by reason (`delivery.outcome.REASONS`).
        queued: waiting or under way.
    """

    offered: int = 0
    delivered: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    queued: int = 0

    @property
    def lost(self) -> int:
        """The sum over all reasons."""
        return sum(self.dropped.values())

    def __add__(self, other: Books) -> Books:
        return Books(
            self.offered + other.offered,
            self.delivered + other.delivered,
            dict(Counter(self.dropped) + Counter(other.dropped)),
            self.queued + other.queued,
        )

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "offered": self.offered,
            "delivered": self.delivered,
            "dropped": dict(self.dropped),
            "queued": self.queued,
        }


@dataclass(frozen=True, slots=True)
class Load:
    """A worker at one moment: its books, and where what is queued is.

    Attributes:
        kind: of the exporter, such as `otlp_http`.
        number: of the worker among those of its signal.
        books: read at the same moment as the rest.
        waiting: in the queue.
        in_flight: under way to the receiver.
        capacity: most items that may wait.
    """

    kind: str
    number: int
    books: Books
    waiting: int
    in_flight: int
    capacity: int
