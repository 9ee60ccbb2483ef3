"""What was captured, ready for assertions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_trading.privacy.spans import redact_span
from otel_trading.sdk import InMemoryLogRecordExporter
from otel_trading.telemetry import Telemetry
from otel_trading.testing.fixed import FixedClock


@dataclass(frozen=True, slots=True)
class Point:
    """One series of a metric.

    Attributes:
        name: of the instrument.
        unit: of the instrument.
        attributes: of the series.
        value: of a counter or gauge; None for a histogram.
        count: how many values a histogram holds; None otherwise.
        sum: their sum.
        bucket_counts: int[n_bounds + 1]; None for exponential ones.
        explicit_bounds: float[n_bounds].
    """

    name: str
    unit: str
    attributes: dict[str, Any]
    value: int | float | None = None
    count: int | None = None
    sum: int | float | None = None
    bucket_counts: tuple[int, ...] | None = None
    explicit_bounds: tuple[float, ...] | None = None


class Captured:
    """Telemetry of a `with capture()` block.

    Attributes:
        telemetry: what `init()` returned.
        clock: advance it to let time pass.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        clock: FixedClock,
        spans: InMemorySpanExporter,
        reader: InMemoryMetricReader,
        logs: InMemoryLogRecordExporter,
    ) -> None:
        self.telemetry = telemetry
        self.clock = clock
        self._spans = spans
        self._reader = reader
        self._logs = logs
        self._last: list[Point] | None = None

    @property
    def spans(self) -> list[ReadableSpan]:
        """Ended spans in the order of their ends, redacted as they would leave."""
        return [redact_span(span, self.telemetry.redactor) for span in self._spans.get_finished_spans()]

    def span(self, name: str) -> ReadableSpan:
        """The one span of this name; raises AssertionError with all names otherwise."""
        found = [span for span in self.spans if span.name == name]
        assert len(found) == 1, f"{len(found)} spans are called {name!r}; there are {[s.name for s in self.spans]}"
        return found[0]

    @property
    def logs(self) -> list[Any]:
        """Log records, `opentelemetry._logs.LogRecord`, in the order of their calls."""
        return [item.log_record for item in self._logs.get_finished_logs()]

    def log(self, body: str) -> Any:
        """The one log record with this body; raises AssertionError with all bodies otherwise."""
        found = [record for record in self.logs if record.body == body]
        assert len(found) == 1, f"{len(found)} records say {body!r}; there are {[r.body for r in self.logs]}"
        return found[0]

    @property
    def metrics(self) -> list[Point]:
        """One point a series, of this moment; of the end of the block once that is over."""
        return points(self._reader.get_metrics_data()) if self._last is None else self._last

    def keep_metrics(self) -> None:
        """Collects for the last time: what handles recorded is gone when telemetry stops."""
        self._last = self.metrics

    def metric(self, name: str, **attributes: Any) -> Point:
        """The one series of this name whose attributes include these; raises AssertionError with all otherwise."""
        everything = self.metrics
        found = [point for point in everything if point.name == name and attributes.items() <= point.attributes.items()]
        told = [(point.name, point.attributes) for point in everything]
        assert len(found) == 1, f"{len(found)} series match {name!r} {attributes}; there are {told}"
        return found[0]


def points(data: MetricsData | None) -> list[Point]:
    """The points of a collection, one a series."""
    return [
        _point(metric.name, metric.unit or "", point)
        for resource in (data.resource_metrics if data is not None else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]


def _point(name: str, unit: str, point: Any) -> Point:
    attributes = dict(point.attributes or {})
    if hasattr(point, "value"):
        return Point(name, unit, attributes, point.value)
    counts: Sequence[int] | None = getattr(point, "bucket_counts", None)
    bounds: Sequence[float] | None = getattr(point, "explicit_bounds", None)
    return Point(
        name,
        unit,
        attributes,
        None,
        point.count,
        point.sum,
        tuple(counts) if counts is not None else None,
        tuple(bounds) if bounds is not None else None,
    )
