"""What a collection reads: the streams of a provider, each with its series, while they are being recorded into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter
from typing import Literal

from opentelemetry.sdk.metrics import ExemplarReservoir
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util.types import AttributeValue

from otel_trading.hotpath.engine import Cell

Kind = Literal["counter", "up_down", "gauge", "explicit", "exponential"]

Pairs = tuple[tuple[str, AttributeValue], ...]
"""Attributes, sorted by key."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An exemplar: one measurement that was made in a span.

    Attributes:
        value: in the instrument's unit.
        time_ns: wall time.
        trace_id: 0 without a span, as `span_id`.
        span_id: of the span that was current.
        filtered: attributes of the measurement that the series does not have, or has with another value.
    """

    value: int | float
    time_ns: int
    trace_id: int
    span_id: int
    filtered: Mapping[str, AttributeValue]


class Series:
    """One set of attributes of a stream, and the cell that is recorded into.

    There may be very many of them: values lie in the object itself, and the keys are those of all series like it.
    """

    __slots__ = ("cell", "exemplars", "keys", "reservoir")

    values: tuple[AttributeValue, ...]
    """In the order of the keys; made when asked for."""
    bound: Mapping[str, AttributeValue] | None = None
    """All attributes of the handle that the cell is, if the series does not have all of them."""

    def __new__(
        cls,
        keys: tuple[str, ...],
        values: tuple[AttributeValue, ...],
        cell: Cell,
        bound: Mapping[str, AttributeValue] | None = None,
    ) -> Series:
        """An object with room for as many values."""
        return object.__new__(_with_room(len(values), bound is not None))

    def __init__(
        self,
        keys: tuple[str, ...],
        values: tuple[AttributeValue, ...],
        cell: Cell,
        bound: Mapping[str, AttributeValue] | None = None,
    ) -> None:
        """Takes the attributes as they are exported, keys sorted, the cell, and what its handle has besides."""
        self.keys = keys
        self.values = values  # type: ignore[misc]  # of the class that __new__ chose
        self.cell = cell
        if bound is not None:
            self.bound = bound  # type: ignore[misc]  # as well
        self.exemplars: dict[int, Recorded] | None = None
        """The newest by bucket; 0 where there are no buckets."""
        self.reservoir: ExemplarReservoir | None = None
        """Of a view that brings its own; then `exemplars` stays None."""

    @property
    def attributes(self) -> Pairs:
        """Made when asked for."""
        return tuple(zip(self.keys, self.values, strict=True))


_MOST_INSIDE = 8
"""Values that lie in a series itself; more are a tuple beside it."""


@lru_cache
def _with_room(count: int, bound: bool) -> type[Series]:
    """The class of series with so many values, and with a place for `bound`."""
    if bound:
        return type("Series", (_with_room(count, False),), {"__slots__": ("bound",)})
    if count > _MOST_INSIDE:
        return type("Series", (Series,), {"__slots__": ("values",)})
    places = tuple(f"value_{number}" for number in range(count))

    def put(series: Series, values: tuple[AttributeValue, ...]) -> None:
        for place, value in zip(places, values, strict=True):
            setattr(series, place, value)

    def get(series: Series) -> tuple[AttributeValue, ...]:
        return tuple([getattr(series, place) for place in places])

    # attrgetter makes a tuple of two and more without running Python
    return type(
        "Series", (Series,), {"__slots__": places, "values": property(attrgetter(*places) if count > 1 else get, put)}
    )


@dataclass(eq=False, slots=True)
class LiveStream:
    """One metric of one scope, in one aggregation.

    Attributes:
        scope: of the meter.
        name: after the view.
        unit: of the instrument.
        description: after the view.
        kind: of all its cells.
        bounds: of the buckets, float[n_bounds], if `kind` is explicit.
        series: grows while it is read; take `series[:]`. Those without a record yet have count 0.
    """

    scope: InstrumentationScope
    name: str
    unit: str
    description: str
    kind: Kind
    bounds: Sequence[float] = ()
    series: list[Series] = field(default_factory=list)
