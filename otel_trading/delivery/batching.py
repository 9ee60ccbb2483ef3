"""When the items that wait are due, and how many of them make a batch."""

from __future__ import annotations

from typing import Generic

from otel_trading.delivery.outcome import T
from otel_trading.delivery.waiting import Waiting
from otel_trading.ground import clock
from otel_trading.ground.clock import Deadline

MEBIBYTE = 1024 * 1024
BATCH_BYTES = 4 * MEBIBYTE
"""Most memory of one batch, estimated, unless it is one item; collectors refuse requests that are too large."""

AT_ONCE = 32
"""Items that are taken, or freed, at a time: some 50 us."""


class Batching(Generic[T]):
    """Of one worker, which holds its lock around every call."""

    def __init__(self, queue: Waiting[T], delay_s: float, batch_items: int) -> None:
        """Remembers its parts.

        Args:
            queue: what waits.
            delay_s: longest wait of an item before its batch is due.
            batch_items: most items of a batch.
        """
        self._queue = queue
        self._delay_s = delay_s
        self._batch_items = batch_items
        self._oldest_ns = 0
        self._overdue = False  # what waits has waited elsewhere
        self._items_left, self._bytes_left = 0, 0
        self.quiet = Deadline(0)
        """The receiver asked for peace until then."""

    @property
    def hungry(self) -> bool:
        """Less than a batch waits."""
        return self._queue.items < self._batch_items

    def entered(self, before: int, overdue: bool) -> bool:
        """An item has come in.

        Args:
            before: how many waited.
            overdue: it has waited elsewhere.

        Returns:
            True if the worker should look up.
        """
        if not before:
            self._oldest_ns = clock.monotonic_ns()
        self._overdue |= overdue
        return overdue or not before or before < self._batch_items <= self._queue.items

    def wait_s(self) -> float | None:
        """Seconds until a batch is due; None if nothing waits."""
        if not self._queue:
            return None
        delay_s = 0.0
        if self.hungry and not self._overdue:
            delay_s = self._delay_s - (clock.monotonic_ns() - self._oldest_ns) / 1e9
        return max(0.0, delay_s, self.quiet.remaining_s())

    def begin(self) -> None:
        """A new batch; `more` gives it, part by part, so that who offers an item never waits for all of it."""
        self._items_left, self._bytes_left = self._batch_items, BATCH_BYTES

    def more(self, first: bool) -> list[tuple[T, int]]:
        """The next items of the batch with their weights; none if it is complete.

        Args:
            first: the batch has none yet.
        """
        items, size = self._queue.items, self._queue.size
        part = self._queue.take(self._items_left, self._bytes_left, first=first, at_once=AT_ONCE)
        self._items_left -= items - self._queue.items
        self._bytes_left -= size - self._queue.size
        if not part:
            self._oldest_ns = clock.monotonic_ns()
            self._overdue &= bool(self._queue)
        return part
