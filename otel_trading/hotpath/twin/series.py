"""What a cell holds, by kind: the numbers of one series from one `configure` to the next."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from typing import Any

from otel_trading.hotpath.twin.bounds import Bounds
from otel_trading.hotpath.twin.exponential import Exponential
from otel_trading.hotpath.twin.turn import Turn

MOST_WAITING = 1000
"""Values left to whoever has the turn; beyond it a record waits for its own."""


class Series:
    """A sum, and the base of the others; a closed or dropped one takes nothing.

    Attributes:
        waiting: numbers that were recorded and not yet counted.
        signed: negative numbers are taken.
        plain: nothing but counting is to be done for a number that is not negative: recording has begun, and there is
            neither a further stream nor a wish for exemplars.
        counter: the lock that is held by whoever counts; None while nobody does.
    """

    __slots__ = (
        "any_real",
        "armed",
        "counted",
        "counter",
        "kind",
        "next",
        "owner",
        "per_ns",
        "plain",
        "real",
        "signed",
        "started_ns",
        "told",
        "tries",
        "waiting",
        "whole",
    )

    def __init__(self, kind: str, signed: bool, per_ns: float, owner: Any, next: Any) -> None:
        self.kind = kind
        self.signed = signed
        self.per_ns = per_ns
        self.owner = owner
        self.next = next
        self.armed: list[int] | None = None
        self.tries = 0
        self.plain = False
        self.started_ns = 0
        self.told: set[str] = set()
        self.waiting: deque[int | float] = deque()
        self.counter: object = None
        self.counted = 0
        self.whole = 0
        self.real = 0.0
        self.any_real = False

    def buckets(self) -> int:
        """How many buckets exemplars are counted by."""
        return 1

    def bucket_of(self, value: int | float) -> int:
        """The bucket of a value that was counted."""
        return 0

    def count(self, value: int | float) -> None:
        """Counts one value; only in turn."""
        self.counted += 1
        if type(value) is int:
            self.whole += value
        else:
            self.real += value
            self.any_real = True

    def count_waiting(self, wait: bool) -> None:
        """Counts what waits, unless somebody else is at it; `wait`: until they are done."""
        lock = Turn.lock
        if not lock.acquire(wait):
            return
        try:
            # ourselves, further up the stack: a finaliser or a signal handler recorded in the middle of counting.
            # Compared with the lock, since a child may have inherited the mark of a thread that it has not.
            if self.counter is lock:
                return
            self.counter = lock
            try:
                waiting, count = self.waiting, self.count
                while waiting:
                    count(waiting.popleft())
            finally:
                self.counter = None
        finally:
            lock.release()

    def sum(self) -> int | float:
        """An int as long as only ints came."""
        return self.real + float(self.whole) if self.any_real else self.whole

    def snapshot(self) -> tuple[int, int | float, int | float | None, int | float | None, Any]:
        """Count, sum, min, max, detail."""
        return self.counted, self.sum(), None, None, None


class LastValue(Series):
    """A gauge."""

    __slots__ = ("last",)

    def __init__(self, kind: str, signed: bool, per_ns: float, owner: Any, next: Any) -> None:
        super().__init__(kind, signed, per_ns, owner, next)
        self.last: int | float = 0

    def count(self, value: int | float) -> None:
        """Keeps the value."""
        self.counted += 1
        self.last = value

    def sum(self) -> int | float:
        """The last value."""
        return self.last


class _Histogram(Series):
    """Extremes, each in the type it came in; an int if an int and a float are equal."""

    __slots__ = ("real_max", "real_min", "whole_max", "whole_min")

    def __init__(self, kind: str, signed: bool, per_ns: float, owner: Any, next: Any) -> None:
        super().__init__(kind, signed, per_ns, owner, next)
        self.whole_min: int | None = None
        self.whole_max: int | None = None
        self.real_min, self.real_max = math.inf, -math.inf

    def note(self, value: int | float) -> None:
        """Sum, count and extremes."""
        self.counted += 1
        if type(value) is int:
            self.whole += value
            if self.whole_min is None or value < self.whole_min:
                self.whole_min = value
            if self.whole_max is None or value > self.whole_max:
                self.whole_max = value
            return
        self.real += value
        self.any_real = True
        if value < self.real_min:
            self.real_min = value
        if value > self.real_max:
            self.real_max = value

    def extremes(self) -> tuple[int | float | None, int | float | None]:
        """The least and the largest; None before the first."""
        if not self.any_real:
            return self.whole_min, self.whole_max
        if self.whole_min is None or self.whole_max is None:
            return self.real_min, self.real_max
        return (
            self.whole_min if self.whole_min <= self.real_min else self.real_min,
            self.whole_max if self.whole_max >= self.real_max else self.real_max,
        )


class ExplicitHistogram(_Histogram):
    """Buckets with given bounds."""

    __slots__ = ("_bounds", "_counts")

    def __init__(self, kind: str, signed: bool, per_ns: float, owner: Any, next: Any, bounds: Bounds) -> None:
        super().__init__(kind, signed, per_ns, owner, next)
        self._bounds = bounds.bounds
        self._counts = [0] * (len(self._bounds) + 1)

    def buckets(self) -> int:
        """One more than the bounds."""
        return len(self._counts)

    def bucket_of(self, value: int | float) -> int:
        """The first bucket whose bound is not below the value."""
        return bisect_left(self._bounds, value)

    def bounds(self) -> tuple[float, ...]:
        """Of its buckets."""
        return self._bounds

    def count(self, value: int | float) -> None:
        """Counts one value; only in turn. The common case is written out: a call costs more than an addition."""
        self._counts[bisect_left(self._bounds, value)] += 1
        if type(value) is float and self.any_real and self.real_min <= value <= self.real_max:
            self.counted += 1
            self.real += value
        else:
            self.note(value)

    def snapshot(self) -> tuple[int, int | float, int | float | None, int | float | None, Any]:
        """Count, sum, min, max, counts."""
        return self.counted, self.sum(), *self.extremes(), tuple(self._counts)


class ExponentialHistogram(_Histogram):
    """Base-2 exponential buckets."""

    __slots__ = ("_exponential",)

    def __init__(self, kind: str, signed: bool, per_ns: float, owner: Any, next: Any, exponential: Exponential) -> None:
        super().__init__(kind, signed, per_ns, owner, next)
        self._exponential = exponential

    def buckets(self) -> int:
        """At most so many."""
        return self._exponential.size

    def bucket_of(self, value: int | float) -> int:
        """Where in the row of buckets the value lies now; the first for zeros."""
        return self._exponential.find(float(value))

    def zero_threshold(self) -> float:
        """Magnitudes up to this are zeros."""
        return self._exponential.zero_threshold

    def count(self, value: int | float) -> None:
        """Counts one value; only in turn."""
        self._exponential.count(float(value))
        self.note(value)

    def snapshot(self) -> tuple[int, int | float, int | float | None, int | float | None, Any]:
        """Count, sum, min, max, (scale, zeros, offset, counts)."""
        return self.counted, self.sum(), *self.extremes(), self._exponential.snapshot()
