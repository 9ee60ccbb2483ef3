"""What the store holds, as plain values: spans, log lines, metric points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Attributes: TypeAlias = "dict[str, Json]"

MAX_TIME_NS = 2**63 - 1
"""SQLite's largest integer; OTLP times are unsigned and may claim more."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a span."""

    name: str
    time_ns: int
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a span, to a span of any trace; ids in lower-case hexadecimal."""

    trace_id: str
    span_id: str
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """One finished span.

    Attributes:
        trace_id: 32 hexadecimal digits, lower case.
        span_id: 16 hexadecimal digits.
        parent_id: 16 hexadecimal digits, or "" for a root.
        kind: internal, server, client, producer or consumer.
        start_ns: UTC nanoseconds since 1970; `end_ns` likewise.
        status: unset, ok or error.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    service: str
    start_ns: int
    end_ns: int
    status: str = "unset"
    status_message: str = ""
    attributes: Attributes = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()

    @property
    def duration_ns(self) -> int:
        """End minus start in nanoseconds; negative if the clock stepped back in between."""
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True)
class LogLine:
    """One log record; `trace_id` and `span_id` are "" outside any span.

    Attributes:
        time_ns: UTC nanoseconds of the event, or of its observation where the event has none.
        severity_number: OpenTelemetry's 1 to 24, 0 if unknown.
    """

    time_ns: int
    severity_number: int
    severity: str
    body: str
    event_name: str
    trace_id: str
    span_id: str
    service: str
    attributes: Attributes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """One data point of one metric series.

    Attributes:
        kind: counter, up_down_counter, gauge, histogram, exponential_histogram or summary.
        value: the number of a counter or gauge; None for distributions.
        count: recordings in a distribution; None for numbers.
        total: sum of the recordings in `unit`; None for numbers or where the source keeps none.
        buckets: for explicit histograms `{"bounds": [n], "counts": [n + 1]}`, else empty.
    """

    service: str
    name: str
    unit: str
    kind: str
    attributes: Attributes
    time_ns: int
    value: float | None = None
    count: int | None = None
    total: float | None = None
    buckets: Attributes = field(default_factory=dict)
