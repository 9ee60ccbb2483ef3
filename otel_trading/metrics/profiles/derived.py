"""Numbers over time: rates, peaks, ratios, shares within a target, highest values, what was added since midnight."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from itertools import accumulate

from otel_trading.metrics.profiles.model import Derivation
from otel_trading.metrics.profiles.totals import Total

DAY_NS = 86_400 * 10**9
MIDNIGHT_NS = 2 * 10**9
"""A sample that comes no later than this after midnight is the day's beginning; otherwise the one before it is."""

Vector = tuple[int | float, ...]


class Window:
    """Samples of a growing vector: the newest that is as old as the window, and those since."""

    def __init__(self, derive: Derivation, began_ns: int, began: Vector) -> None:
        """Begins with one sample."""
        self._window_ns = int(derive.window_s * 1e9)
        self._step_ns = int(derive.step_s * 1e9)
        self._peaks = derive.kind == "peak"
        self._samples: deque[tuple[int, Vector]] = deque([(began_ns, began)])
        self._latest = began_ns, began
        self._rates: deque[tuple[int, float]] = deque()

    def add(self, now_ns: int, vector: Vector) -> None:
        """One more sample; one that fell, or has another length, begins anew."""
        before_ns, before = self._samples[-1]
        latest = self._latest[1]
        if len(vector) != len(latest) or any(new < old for new, old in zip(vector, latest, strict=True)):
            self._samples.clear()
            self._samples.append((now_ns, vector))
        elif now_ns - before_ns >= self._step_ns:
            if self._peaks:
                self._rates.append((now_ns, (vector[0] - before[0]) / ((now_ns - before_ns) / 1e9)))
            self._samples.append((now_ns, vector))
        self._latest = now_ns, vector
        oldest_ns = now_ns - self._window_ns
        while len(self._samples) > 1 and self._samples[1][0] <= oldest_ns:
            self._samples.popleft()
        while self._rates and self._rates[0][0] <= oldest_ns:
            self._rates.popleft()

    def increase(self, window_s: float | None = None) -> tuple[float, Vector]:
        """Seconds looked back upon, and by how much each number grew; over a part of the window if one is given."""
        now_ns, now = self._latest
        then_ns, then = self._samples[0]
        if window_s is not None:
            since_ns = now_ns - int(window_s * 1e9)
            then_ns, then = next((one for one in reversed(self._samples) if one[0] <= since_ns), self._samples[0])
        return (now_ns - then_ns) / 1e9, tuple(new - old for new, old in zip(now, then, strict=True))

    def peak(self) -> float:
        """The highest rate of a step; 0 before the first."""
        return max((rate for _, rate in self._rates), default=0.0)

    def __len__(self) -> int:
        """How many samples are kept."""
        return len(self._samples) + len(self._rates)


class Day:
    """What was there at midnight UTC."""

    def __init__(self, wall_ns: int, began: float) -> None:
        """Begins within a day."""
        self._day = wall_ns // DAY_NS
        self._began = self._latest = began

    def add(self, wall_ns: int, value: float) -> None:
        """One more sample; one of another day, or one that fell, begins anew."""
        if wall_ns // DAY_NS > self._day:
            self._day = wall_ns // DAY_NS
            self._began = value if wall_ns % DAY_NS <= MIDNIGHT_NS else self._latest
        if value < self._latest:
            self._began = 0.0
        self._latest = value

    def since(self) -> float:
        """What was added since."""
        return self._latest - self._began


class Derived:
    """Of one exported metric, by the values of its labels."""

    def __init__(self, derive: Derivation, now_ns: int) -> None:
        """Begins now, at zero."""
        self.derive = derive
        self._before_ns = now_ns
        self._windows: dict[tuple[str, ...], Window] = {}
        self._days: dict[tuple[str, ...], Day] = {}

    def sample(self, totals: Mapping[tuple[str, ...], Total], now_ns: int, wall_ns: int) -> None:
        """Keeps what there is now; labels that went away are forgotten."""
        for gone in [values for values in (*self._windows, *self._days) if values not in totals]:
            self._windows.pop(gone, None)
            self._days.pop(gone, None)
        for values, total in totals.items():
            if self.derive.kind == "daily":
                day = self._days.get(values)
                if day is None:
                    day = self._days[values] = Day(wall_ns, 0.0 if total.fresh else total.sum)
                day.add(wall_ns, total.sum)
                continue
            vector = self._vector(total)
            window = self._windows.get(values)
            if window is None:
                began = (self._before_ns, tuple(0 for _ in vector)) if total.fresh else (now_ns, vector)
                window = self._windows[values] = Window(self.derive, *began)
            window.add(now_ns, vector)
        self._before_ns = now_ns

    def values(
        self, totals: Mapping[tuple[str, ...], Total], bounds: Sequence[float], now_ns: int, wall_ns: int
    ) -> dict[tuple[str, ...], float]:
        """What is shown, after one more sample; nothing where nothing can be said.

        Args:
            totals: as they are now.
            bounds: float[n_bounds] of their counts.
            now_ns: of the monotonic clock.
            wall_ns: UTC nanoseconds.
        """
        self.sample(totals, now_ns, wall_ns)
        shown: dict[tuple[str, ...], float] = {}
        for values, window in self._windows.items():
            found = self._quantiles(window, bounds) if self.derive.quantiles else {(): self._value(window, bounds)}
            shown |= {(*values, *more): value for more, value in found.items() if value is not None}
        return shown | {values: day.since() for values, day in self._days.items()}

    def due_s(self, wall_ns: int) -> float:
        """When the next sample is wanted."""
        if self.derive.kind == "daily":
            return (DAY_NS - wall_ns % DAY_NS) / 1e9
        return self.derive.step_s

    def _vector(self, total: Total) -> Vector:
        kind = self.derive.kind
        if kind == "ratio":
            return total.sum, total.other
        if kind == "share":
            return (total.counts[0] if total.counts else 0), total.count
        return tuple(total.counts) if kind in ("max", "quantile") else (total.sum,)

    def _quantiles(self, window: Window, bounds: Sequence[float]) -> dict[tuple[str, str], float | None]:
        grown = {window_s: window.increase(window_s)[1] for window_s in self.derive.windows_s}
        return {
            (f"{share:g}", _spelled(window_s)): quantile(share, bounds, grown[window_s])
            for window_s in self.derive.windows_s
            for share in self.derive.quantiles
        }

    def _value(self, window: Window, bounds: Sequence[float]) -> float | None:
        kind = self.derive.kind
        if kind == "peak":
            return window.peak()
        elapsed_s, grown = window.increase()
        if kind == "max":
            highest = max((index for index, count in enumerate(grown) if count), default=None)
            return None if highest is None else bounds[highest] if highest < len(bounds) else math.inf
        if kind == "quantile":
            return quantile(self.derive.quantile, bounds, grown)
        if kind in ("ratio", "share"):
            return grown[0] / grown[1] if grown[1] else 1.0 if grown[0] else None
        return grown[0] / max(elapsed_s, self.derive.step_s)


def _spelled(seconds: float) -> str:
    return f"{seconds / 60:g}m" if seconds >= 60 else f"{seconds:g}s"


def quantile(share: float, bounds: Sequence[float], counts: Vector) -> float | None:
    """A quantile as Prometheus' histogram_quantile tells it; None of nothing.

    Args:
        share: 0 to 1.
        bounds: float[n_bounds].
        counts: int[n_bounds + 1].
    """
    total = sum(counts)
    if not total or not bounds:
        return None
    wanted, cumulative = share * total, list(accumulate(counts))
    index = next(index for index, count in enumerate(counts) if count and cumulative[index] >= wanted)
    if index >= len(bounds):
        return bounds[-1]
    lower = bounds[index - 1] if index else min(0.0, bounds[0])
    below = cumulative[index] - counts[index]
    return lower + (bounds[index] - lower) * (wanted - below) / counts[index]
