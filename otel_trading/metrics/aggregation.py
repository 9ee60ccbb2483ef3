"""What a cell has to be: from a view, a reader's preference, or the instrument's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from opentelemetry.metrics import (
    Counter,
    Histogram,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics.view import (
    Aggregation,
    DefaultAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
)

from otel_trading import sdk
from otel_trading.hotpath.engine import Bounds, Cell
from otel_trading.metrics.engine import engine
from otel_trading.metrics.live import Kind, Series

DEFAULT_BOUNDS = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0)
"""Of the OpenTelemetry specification, for histograms of which nothing else is said."""


@dataclass(frozen=True, slots=True)
class CellPlan:
    """One aggregation.

    Attributes:
        kind: of the cells.
        bounds: of explicit buckets.
        max_size: most buckets of an exponential histogram.
        max_scale: its finest scale.
        extremes: min and max are exported.
        monotonic: a sum that never falls.
        negative: explicit buckets, or a last value, take negative values too.
        zero_threshold: magnitudes up to this are counted as zeros by an exponential histogram.
    """

    kind: Kind
    bounds: tuple[float, ...] = ()
    max_size: int = 160
    max_scale: int = 20
    extremes: bool = True
    monotonic: bool = False
    negative: bool = False
    zero_threshold: float = 0.0

    def configure(self, cell: Cell, series: Series, following: Cell | None, *, per_ns: float, exemplars: bool) -> None:
        """Makes a cell record into `series`, and feed `following` as well."""
        cell.configure(
            self.kind,
            bounds=_shared(self.bounds) if self.kind == "explicit" else None,
            max_size=self.max_size,
            max_scale=self.max_scale,
            zero_threshold=self.zero_threshold,
            per_ns=per_ns,
            negative=self.negative,
            exemplars=exemplars,
            owner=series,
            next=following,
        )

    def reservoir_settings(self) -> dict[str, Any]:
        """What the SDK gives to reservoirs of exemplars."""
        if self.kind == "explicit":
            return {"boundaries": self.bounds}
        return {"size": min(20, self.max_size)} if self.kind == "exponential" else {}

    def bytes(self) -> int:
        """About how much memory a series takes."""
        buckets = {"explicit": 2 * (len(self.bounds) + 1), "exponential": 8 * self.max_size}.get(self.kind, 0)
        return 340 + buckets


@lru_cache(maxsize=1000)
def _shared(bounds: tuple[float, ...]) -> Bounds:
    return engine.Bounds(bounds)


def own(instrument: Any, advisory: Sequence[float] | None) -> CellPlan:
    """The default aggregation of an instrument."""
    if isinstance(instrument, Histogram):
        return explicit(instrument, usable(advisory))
    return _sum(instrument) if isinstance(instrument, (Counter, UpDownCounter)) else _last(instrument)


def explicit(instrument: Any, bounds: tuple[float, ...], *, extremes: bool = True) -> CellPlan:
    """Explicit buckets; histograms take negative values only where a bound is below 0."""
    negative = bool(bounds) and bounds[0] < 0 if isinstance(instrument, (Histogram, Counter)) else True
    return CellPlan("explicit", bounds, extremes=extremes, negative=negative)


def _sum(instrument: Any) -> CellPlan:
    if isinstance(instrument, (Counter, Histogram)):  # neither takes negative values
        return CellPlan("counter", monotonic=isinstance(instrument, Counter))
    return CellPlan("up_down")


def _last(instrument: Any) -> CellPlan:
    return CellPlan("gauge", negative=not isinstance(instrument, (Counter, Histogram)))


def usable(bounds: Sequence[float] | None) -> tuple[float, ...]:
    """Boundaries an explicit histogram can have: finite and ascending; the specification's where none are given."""
    if bounds is None:
        return DEFAULT_BOUNDS
    return tuple(sorted({float(bound) for bound in bounds if math.isfinite(bound)}))


def fits(wanted: Aggregation, instrument: Any) -> bool:
    """Whether every measurement of an instrument has a place in an SDK aggregation.

    Exponential buckets here have no negative range, which up-down counters and gauges need, and a histogram over what
    asynchronous instruments observe would count totals as if they were increments.
    """
    if isinstance(instrument, (ObservableCounter, ObservableUpDownCounter, ObservableGauge)):
        return not isinstance(wanted, (ExplicitBucketHistogramAggregation, ExponentialBucketHistogramAggregation))
    return isinstance(instrument, (Counter, Histogram)) or not isinstance(wanted, ExponentialBucketHistogramAggregation)


def of_sdk(wanted: Aggregation, instrument: Any, advisory: Sequence[float] | None) -> CellPlan | None:
    """The plan for an SDK aggregation; None if everything is dropped, or for an aggregation that nobody knows.

    Args:
        wanted: from a view or a reader.
        instrument: ours, of which kind it is.
        advisory: its boundaries, where the aggregation has none.
    """
    if isinstance(wanted, DefaultAggregation):
        return own(instrument, advisory)
    if isinstance(wanted, SumAggregation):
        return _sum(instrument)
    if isinstance(wanted, LastValueAggregation):
        return _last(instrument)
    if isinstance(wanted, ExplicitBucketHistogramAggregation):
        bounds, extremes = sdk.explicit_settings(wanted)
        return explicit(instrument, usable(advisory if bounds is None else bounds), extremes=extremes)
    if isinstance(wanted, ExponentialBucketHistogramAggregation):
        size, scale, extremes = sdk.exponential_settings(wanted)
        return CellPlan("exponential", max_size=size, max_scale=scale, extremes=extremes)
    return None
