"""The queue of one worker: bounded in items and in bytes, in order, the least urgent given up first."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping
from typing import Generic, NamedTuple

from otel_trading.delivery.outcome import BYTES_FULL, QUEUE_FULL, T
from otel_trading.delivery.urgency import Urgency

_NOTHING: Mapping[str, int] = {}


class Measure(NamedTuple):
    """What the queue needs to know of an item.

    Attributes:
        weight: how much it counts in the books.
        size: its memory in bytes, estimated.
        urgency: its class.
        items: how much it counts against the queue's and a batch's limits of items.
    """

    weight: int = 1
    size: int = 1
    urgency: Urgency = Urgency.NORMAL
    items: int = 1


class Waiting(Generic[T]):
    """Items in the order they came. Not thread-safe: the worker holds its lock around every call."""

    def __init__(self, items: int, size: int) -> None:
        """Starts empty.

        Args:
            items: most items that wait; one that counts more is taken while nothing waits.
            size: most bytes that wait; an item that is larger is taken while nothing waits.
        """
        self._item_limit, self._size_limit = items, size
        self._lines: tuple[deque[tuple[int, T, Measure]], ...] = tuple(deque() for _ in Urgency)
        self._sizes = [0 for _ in Urgency]
        self._counts = [0 for _ in Urgency]
        self._came = 0
        self.weight = 0
        """Of all items together, as the books count."""

    def __len__(self) -> int:
        return sum(map(len, self._lines))

    @property
    def size(self) -> int:
        """Bytes that wait, estimated."""
        return sum(self._sizes)

    @property
    def items(self) -> int:
        """Items that wait, as they count against the limits."""
        return sum(self._counts)

    def put(self, item: T, measure: Measure, *, beyond: bool = False) -> tuple[bool, Mapping[str, int]]:
        """Takes the item in, in the place of less urgent ones if it must.

        Args:
            item: any.
            measure: of it.
            beyond: the limits do not hold for it.

        Returns:
            True and what was given up for it, by reason; or False and the item's own loss.
        """
        reason = None if beyond else self._full(measure)
        if reason is None:
            lost = _NOTHING
        else:
            given_up = self._make_room(reason, measure)
            if given_up is None:
                return False, {reason: measure.weight}
            lost = given_up
        self._came += 1
        self._lines[measure.urgency].append((self._came, item, measure))
        self._sizes[measure.urgency] += measure.size
        self._counts[measure.urgency] += measure.items
        self.weight += measure.weight
        return True, lost

    def take(self, items: int, size: int, *, first: bool = True, at_once: int = sys.maxsize) -> list[tuple[T, int]]:
        """The oldest items with their weights: at most so many, of at most so many bytes.

        Args:
            items: as the items count themselves.
            size: as they are measured.
            first: one is taken at least, if any waits.
            at_once: no more than that, however little they count.
        """
        taken: list[tuple[T, int]] = []
        while lines := sorted((line for line in self._lines if line), key=lambda line: line[0][0]):
            oldest, until = lines[0], lines[1][0][0] if len(lines) > 1 else self._came + 1
            while oldest and oldest[0][0] < until:
                if (
                    items <= 0
                    or len(taken) >= at_once
                    or ((taken or not first) and (oldest[0][2].size > size or oldest[0][2].items > items))
                ):
                    return taken
                _, item, measure = oldest.popleft()
                size -= measure.size
                items -= measure.items
                self._forget(measure)
                taken.append((item, measure.weight))
        return taken

    def clear(self) -> None:
        """Forgets everything."""
        for line in self._lines:
            line.clear()
        self._sizes = [0 for _ in Urgency]
        self._counts = [0 for _ in Urgency]
        self.weight = 0

    def _full(self, measure: Measure) -> str | None:
        if self.size and self.size + measure.size > self._size_limit:
            return BYTES_FULL
        items = self.items
        return QUEUE_FULL if items and items + measure.items > self._item_limit else None

    def _make_room(self, reason: str, measure: Measure) -> dict[str, int] | None:
        """Gives less urgent items up until there is room; None, and nothing is given up, if there cannot be."""
        staying = sum(self._sizes[measure.urgency :])
        counted = sum(self._counts[measure.urgency :])
        too_much = staying + measure.size > self._size_limit or counted + measure.items > self._item_limit
        if too_much or not any(self._lines[: measure.urgency]):
            return None
        lost: dict[str, int] = {}
        full: str | None = reason
        while full is not None:
            line = next(line for line in self._lines if line)
            _, _, given_up = line.popleft()
            self._forget(given_up)
            lost[full] = lost.get(full, 0) + given_up.weight
            full = self._full(measure)
        return lost

    def _forget(self, measure: Measure) -> None:
        self._sizes[measure.urgency] -= measure.size
        self._counts[measure.urgency] -= measure.items
        self.weight -= measure.weight
