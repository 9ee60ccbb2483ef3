"""What the series of a canonical metric come to under the labels of an exported one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from otel_trading.metrics.live import Recorded

Numbers = tuple[int, int, int | float, Any]
"""started_ns, count, sum or last value, and bucket counts; as the engine takes them in place of a cell."""

_CHOSEN: dict[str, Callable[[int | float, int | float], int | float]] = {
    "max": max,
    "min": min,
    "farthest": lambda one, other: other if abs(other) > abs(one) else one,
}
"""Which of two values of a gauge stays, by its merge."""


@dataclass(slots=True)
class Total:
    """The numbers of all series that came to the same labels, in the canonical unit.

    Attributes:
        started_ns: wall time of the first record of all; 0 before.
        count: records of histograms; of others above 0 as soon as there is a value.
        sum: of counters and histograms; of gauges what their merge says.
        other: sum of the denominators of a ratio.
        counts: int[n_bounds + 1] by bucket of the exported metric; empty for what has none.
        fresh: everything came from cells of ours, which began at zero when the profile did.
        untouched: it is a zero series so far.
        spots: exemplars in the exported unit, by number.
    """

    started_ns: int = 0
    count: int = 0
    sum: int | float = 0
    other: int | float = 0
    counts: list[int] = field(default_factory=list)
    fresh: bool = True
    untouched: bool = False
    spots: dict[int, Recorded] = field(default_factory=dict)

    def began(self, started_ns: int) -> None:
        """Keeps the first of all times."""
        if started_ns and (not self.started_ns or started_ns < self.started_ns):
            self.started_ns = started_ns

    def merge(self, value: int | float, how: str) -> None:
        """One more value of a gauge."""
        if not self.count or self.untouched or how == "last":
            self.sum = value
        elif how == "sum":
            self.sum += value
        else:
            self.sum = _CHOSEN[how](self.sum, value)
        self.count += 1
        self.untouched = False

    def add_counts(self, counts: Sequence[int]) -> None:
        """Bucket counts of one more series, of the same buckets."""
        self.counts = (
            [one + other for one, other in zip(self.counts, counts, strict=True)] if self.counts else [*counts]
        )


def cut(counts: Sequence[int], at: Sequence[int]) -> list[int]:
    """Counts of fewer buckets, exactly.

    Args:
        counts: int[n_bounds + 1].
        at: for each bound that stays its index among all bounds, ascending.

    Returns:
        int[len(at) + 1], of the same sum.
    """
    if len(at) + 1 == len(counts):
        return [*counts]
    below = list(accumulate(counts))
    cumulative = [*[below[index] for index in at], below[-1]]
    return [upper - lower for lower, upper in zip((0, *cumulative), cumulative, strict=False)]


@dataclass(frozen=True, slots=True)
class Holder:
    """What the engine reads exemplars from."""

    exemplars: Mapping[int, Recorded]
