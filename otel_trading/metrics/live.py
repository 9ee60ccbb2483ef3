"""What a collection reads: the streams of a provider, each with its series, while they are being recorded into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
        filtered: attributes of the measurement that the series does not have.
    """

    value: int | float
    time_ns: int
    trace_id: int
    span_id: int
    filtered: Mapping[str, AttributeValue]


class Series:
    """One set of attributes of a stream, and the cell that is recorded into."""

    __slots__ = ("attributes", "cell", "exemplars", "reservoir", "taken")

    def __init__(self, attributes: Pairs, cell: Cell) -> None:
        """Takes the attributes as they are exported, and the cell."""
        self.attributes = attributes
        self.cell = cell
        self.exemplars: dict[int, Recorded] | None = None
        """The newest by bucket; 0 where there are no buckets."""
        self.reservoir: ExemplarReservoir | None = None
        """Of a view that brings its own; then `exemplars` stays None."""
        self.taken = False
        """Whether a delta reader had it before."""


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
