"""The counts behind a book. Not thread-safe: the worker holds its lock around every call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from otel_trading.delivery.books import Books


class Ledger:
    """Counts of weight; each that is offered ends delivered or lost.

    Attributes:
        in_flight: under way to the receiver.
        entered: ever got into the queue.
        settled: left it again, delivered or lost.
    """

    def __init__(self) -> None:
        self.in_flight = self.entered = self.settled = 0
        self._offered = self._delivered = 0
        self._dropped: Counter[str] = Counter()

    @property
    def lost(self) -> int:
        """Everything that was ever lost."""
        return self._dropped.total()

    def offer(self, weight: int) -> None:
        """Something was handed over."""
        self._offered += weight

    def turn_away(self, reason: str, weight: int) -> None:
        """It did not get into the queue."""
        self._dropped[reason] += weight

    def give_up(self, reason: str, weight: int) -> None:
        """It was lost out of the queue."""
        self._dropped[reason] += weight
        self.settled += weight

    def settle(self, weight: int, dropped: Mapping[str, int]) -> None:
        """A part of what is under way has its answer: what is not dropped was delivered."""
        if weight > self.in_flight:  # `stop` gave it up meanwhile and has counted it
            return
        self.in_flight -= weight
        self.settled += weight
        if dropped:
            self._dropped.update(dropped)
        self._delivered += weight - sum(dropped.values())

    def books(self, waiting: int) -> Books:
        """A reading, with the weight that waits in the queue."""
        dropped = {reason: count for reason, count in self._dropped.items() if count}
        return Books(self._offered, self._delivered, dropped, waiting + self.in_flight)
