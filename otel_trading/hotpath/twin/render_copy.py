"""The numbers of series as they were at one moment each, and their exemplars: what a page is written from."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from otel_trading.hotpath.twin.cell import Cell
from otel_trading.hotpath.twin.kinds import ExplicitHistogram, ExponentialHistogram
from otel_trading.hotpath.twin.number import LEAST, MOST
from otel_trading.hotpath.twin.render_family import Entry, Family
from otel_trading.hotpath.twin.turn import Turn

COARSE = 2
"""Scale of explicit buckets: they grow by 2 ** (1 / 4), and keep their bounds from page to page."""

MOST_LETTERS = 128
"""Of names and values of an exemplar's labels, as OpenMetrics and Prometheus have it."""

_MOST_SPOTS = 256
_MOST_INDEX = 1 << 40

Labels = Callable[[Mapping[str, Any]], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Spot:
    """An exemplar; labels are names and values."""

    value: int | float
    time_ns: int
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """What one series shows; `base` is the index of the first count of an exponential histogram."""

    family: Family
    entry: Entry
    count: int
    sum: int | float
    started_ns: int
    counts: tuple[int, ...]
    scale: int
    zeros: int
    base: int
    zero_threshold: float
    spots: tuple[Spot, ...]

    def newest(self, lower: float, upper: float) -> Spot | None:
        """The newest exemplar above `lower` and not above `upper`."""
        inside = [spot for spot in self.spots if lower < float(spot.value) <= upper]
        newest = None
        for spot in inside:
            if newest is None or spot.time_ns >= newest.time_ns:
                newest = spot
        return newest

    def merged(self, most_scale: int) -> tuple[int, dict[int, int]]:
        """Scale (not above `most_scale`), and counts by index from the lowest filled bucket to the highest."""
        scale = min(self.scale, most_scale)
        found: dict[int, int] = {}
        for position, count in enumerate(self.counts):
            if count:
                index = (self.base + position) >> (self.scale - scale)
                found[index] = found.get(index, 0) + count
        if not found:
            return scale, {}
        return scale, {index: found.get(index, 0) for index in range(min(found), max(found) + 1)}

    def buckets(self) -> list[tuple[float, int]]:
        """Upper bounds and cumulative counts as explicit buckets; the last is +Inf."""
        if self.entry.shape.kind == "explicit":
            uppers = [*self.entry.shape.bounds, math.inf]
            return _cumulative(list(zip(uppers, self.counts, strict=True)))
        scale, merged = self.merged(COARSE)
        rows: list[tuple[float, int]] = []
        if self.zeros or merged:
            rows.append((self.zero_threshold if self.zeros else _bound(min(merged), scale), self.zeros))
        for index, count in merged.items():
            upper = _bound(index + 1, scale)
            if upper < math.inf:
                rows.append((upper, count))
        found = _cumulative(rows)
        return [*found, (math.inf, self.zeros + sum(merged.values()))]


def _cumulative(rows: list[tuple[float, int]]) -> list[tuple[float, int]]:
    total, found = 0, []
    for upper, count in rows:
        total += count
        found.append((upper, total))
    return found


def _bound(index: int, scale: int) -> float:
    try:
        return float(2.0 ** (index * 2.0**-scale))
    except OverflowError:
        return math.inf


def record_of(family: Family, entry: Entry, exemplars: bool, labels: Labels | None) -> Record | None:
    """The record of an entry; None if it has nothing to show."""
    source, kind = entry.source, entry.shape.kind
    try:
        numbers = _of_cell(source, entry) if isinstance(source, Cell) else _of_reading(source, entry)
    except (TypeError, ValueError, OverflowError):
        return None
    if numbers is None or (kind == "gauge" and not numbers[0]):
        return None
    shown = exemplars and entry.holder is not None and kind not in ("up_down", "gauge")
    spots = _spots(entry.holder, labels) if shown else ()
    if spots and isinstance(source, Cell):
        source.arm()  # the next page wants newer ones
    return Record(family, entry, *numbers, spots)


_Numbers = tuple[int, int | float, int, tuple[int, ...], int, int, int, float]


def _of_cell(cell: Cell, entry: Entry) -> _Numbers | None:
    with Turn.lock:
        series = cell._series
        if series.kind != entry.shape.kind:
            return None
        count, total, _, _, detail = cell.snapshot()
        if isinstance(series, ExplicitHistogram):
            if series.bounds() != entry.shape.bounds:
                return None
            return count, total, series.started_ns, detail, 0, 0, 0, 0.0
        if isinstance(series, ExponentialHistogram):
            scale, zeros, base, counts = detail
            return count, total, series.started_ns, counts, scale, zeros, base, series.zero_threshold()
        return count, total, series.started_ns, (), 0, 0, 0, 0.0


def _of_reading(reading: tuple[Any, ...], entry: Entry) -> _Numbers | None:
    started_ns, count, total, detail = reading
    count = operator.index(count)
    total = _amount(total)
    started_ns = max(0, started_ns)
    if entry.shape.kind == "explicit":
        counts = detail if isinstance(detail, tuple) and len(detail) == len(entry.shape.bounds) + 1 else None
        return None if counts is None else (count, total, started_ns, counts, 0, 0, 0, 0.0)
    if entry.shape.kind == "exponential":
        scale, zeros, base, counts, threshold = detail
        known = -10 <= scale <= 20 and abs(base) <= _MOST_INDEX
        return (count, total, started_ns, counts, scale, zeros, base, threshold) if known else None
    return count, total, started_ns, (), 0, 0, 0, 0.0


def _amount(value: Any) -> int | float:
    """An int within int64, anything else as float."""
    return int(value) if isinstance(value, int) and LEAST <= value <= MOST else math.ldexp(value, 0)


def _spots(holder: Any, labels: Labels | None) -> tuple[Spot, ...]:
    exemplars = getattr(holder, "exemplars", None)
    if type(exemplars) is not dict:
        return ()
    found = (_spot(exemplar, labels) for exemplar in list(exemplars.values())[:_MOST_SPOTS])
    return tuple(spot for spot in found if spot is not None)


def _spot(exemplar: Any, labels: Labels | None) -> Spot | None:
    """None for what has no number as its value."""
    try:
        value = _amount(exemplar.value)
    except (AttributeError, TypeError, ValueError, OverflowError):
        return None
    found: list[tuple[str, str]] = []
    trace_id = _masked(exemplar, "trace_id", 128)
    if trace_id:
        found += [("trace_id", format(trace_id, "032x")), ("span_id", format(_masked(exemplar, "span_id", 64), "016x"))]
    further = _further(exemplar, labels)
    if sum(len(name) + len(text) for name, text in (*found, *further)) <= MOST_LETTERS:
        found += further
    return Spot(value, _masked(exemplar, "time_ns", 63), tuple(found))


def _masked(exemplar: Any, name: str, bits: int) -> int:
    value = getattr(exemplar, name, 0)
    return value & ((1 << bits) - 1) if isinstance(value, int) else 0


def _further(exemplar: Any, labels: Labels | None) -> list[tuple[str, str]]:
    """Labels of what it has beyond its trace; none if they cannot be made."""
    filtered = getattr(exemplar, "filtered", None)
    if labels is None or not filtered:
        return []
    try:
        texts = labels(filtered)
        for text in texts:
            text.encode()
        return list(zip(texts[::2], texts[1::2], strict=True))
    except Exception:
        return []
