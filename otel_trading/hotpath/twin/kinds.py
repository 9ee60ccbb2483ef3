"""Gauges and histograms: what they hold beyond a sum."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Any

from otel_trading.hotpath.twin.bounds import Bounds
from otel_trading.hotpath.twin.exponential import Exponential
from otel_trading.hotpath.twin.series import Series


class LastValue(Series):
    """A gauge."""

    __slots__ = ("last",)

    def __init__(self, kind: str, signed: bool, per_ns: float, owner: Any, next: Any) -> None:
        self.last: int | float = 0
        super().__init__(kind, signed, per_ns, owner, next)

    def empty(self) -> None:
        """Forgets the value."""
        super().empty()
        self.last = 0

    def like(self) -> Series:
        """Another gauge."""
        return LastValue(self.kind, self.signed, self.per_ns, self.owner, self.next)

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
        self.whole_min: int | None = None
        self.whole_max: int | None = None
        super().__init__(kind, signed, per_ns, owner, next)

    def empty(self) -> None:
        """Forgets sum, count and extremes."""
        super().empty()
        self.whole_min = self.whole_max = None
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

    __slots__ = ("_bounds", "_counts", "_given")

    def __init__(self, kind: str, signed: bool, per_ns: float, owner: Any, next: Any, bounds: Bounds) -> None:
        self._given, self._bounds = bounds, bounds.bounds
        super().__init__(kind, signed, per_ns, owner, next)

    def empty(self) -> None:
        """Forgets the counts too."""
        super().empty()
        self._counts = [0] * (len(self._bounds) + 1)

    def like(self) -> Series:
        """Another with these bounds."""
        return ExplicitHistogram(self.kind, self.signed, self.per_ns, self.owner, self.next, self._given)

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
        self._exponential = exponential
        super().__init__(kind, signed, per_ns, owner, next)

    def empty(self) -> None:
        """Forgets the counts too, and has the finest scale again."""
        super().empty()
        self._exponential.empty()

    def like(self) -> Series:
        """Another with the same limits."""
        common = (self.kind, self.signed, self.per_ns, self.owner, self.next)
        return ExponentialHistogram(*common, self._exponential.like())

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
