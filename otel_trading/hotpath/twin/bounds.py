"""Explicit bucket boundaries, shared by the series of a stream."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable

from otel_trading.hotpath.twin.number import number_of

MOST_BOUNDS = 100_000


class Bounds:
    """Upper bounds of buckets; a value belongs to the first that is not below it."""

    __slots__ = ("_bounds",)

    def __init__(self, bounds: Iterable[float]) -> None:
        listed = tuple(bounds)
        if len(listed) > MOST_BOUNDS:
            raise ValueError("at most 100,000 bounds")
        found: list[float] = []
        for bound in listed:
            real = math.ldexp(bound, 0)  # float() would take a text as well
            if not math.isfinite(real) or (found and real <= found[-1]):
                raise ValueError("bounds must be finite and strictly ascending")
            found.append(real)
        self._bounds = tuple(found)

    @property
    def bounds(self) -> tuple[float, ...]:
        """float[n_bounds], strictly ascending."""
        return self._bounds

    def find(self, value: int | float, /) -> int:
        """The bucket of a finite number, 0 to the number of bounds."""
        number = number_of(value)
        if isinstance(number, str):
            raise ValueError(f"find takes a finite number; was {value!r}")
        return bisect_left(self._bounds, number)
