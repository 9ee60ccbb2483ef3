"""The MeterProvider over cells. The SDK's own stands behind it: it checks names, matches views and runs callbacks."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import Meter, MeterProvider
from opentelemetry.sdk.metrics import ExemplarFilter
from opentelemetry.sdk.metrics import MeterProvider as SdkMeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader, MetricsData
from opentelemetry.sdk.resources import Resource
from opentelemetry.util.types import Attributes

from otel_trading import sdk
from otel_trading.config.knob import MATCHING_MODES, ViewMatchingMode
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline
from otel_trading.metrics import exemplars, selection
from otel_trading.metrics.aggregation import CellPlan
from otel_trading.metrics.boundaries import Boundaries
from otel_trading.metrics.exponential import explicit
from otel_trading.metrics.feeds import ToStreams
from otel_trading.metrics.instruments import Synchronous
from otel_trading.metrics.live import LiveStream
from otel_trading.metrics.provider import DelegatingMeter, DelegatingMeterProvider
from otel_trading.metrics.readings import Reading
from otel_trading.metrics.selection import Selected
from otel_trading.metrics.stream import Budget, Storage, Stream
from otel_trading.metrics.units import seconds_like

CARDINALITY_LIMIT = 2000
"""Of the OpenTelemetry specification: most series of a stream."""
UNNAMED = "unnamed"
"""The SDK does nothing for a meter without a name."""
MEMORY_LIMIT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Connected:
    """An instrument, the SDK's of the same kind and name, and what views make of it; None is read by nobody."""

    instrument: Synchronous[Any]
    real: Any
    parts: Sequence[tuple[Selected, Stream | None]]


class CellMeterProvider(MeterProvider):
    """Meters whose synchronous instruments record into cells.

    Any SDK MetricReader can read it; each has its own state. Thread-safe. After a fork the child's series are the
    parent's; `otel_trading` closes them.
    """

    def __init__(
        self,
        metric_readers: Sequence[MetricReader] = (),
        resource: Resource | None = None,
        exemplar_filter: ExemplarFilter | None = None,
        shutdown_on_exit: bool = True,
        views: Sequence[Any] = (),
        *,
        cardinality_limit: int = CARDINALITY_LIMIT,
        reader_limits: Mapping[MetricReader, Mapping[str, int]] | None = None,
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
        view_matching_mode: ViewMatchingMode = "independent",
        lowest_boundaries: Mapping[str, Boundaries] | None = None,
    ) -> None:
        """Registers the readers.

        Args:
            metric_readers: SDK MetricReaders.
            resource: what the metrics are about; the SDK's default for None.
            exemplar_filter: of the SDK; OTEL_METRICS_EXEMPLAR_FILTER for None.
            shutdown_on_exit: `shutdown` runs at exit.
            views: HistogramView and SDK View objects.
            cardinality_limit: most series of a stream whose view says nothing, at least 1.
            reader_limits: the same for a reader, by kind of instrument (`counter`, `up_down_counter`, `histogram`,
                `gauge`) or `default`; a stream that several read has the smallest.
            memory_limit_bytes: most that all series together may take, estimated; then they overflow too.
            view_matching_mode: `independent`: each SDK View that matches makes a stream; `composable`: those that name
                the same stream make it together, the last one that says something counts.
            lowest_boundaries: by the name of a histogram in lower case, boundaries that it gets besides the advised
                ones where no view gives any.

        Raises:
            ValueError: there is no such mode.
        """
        if view_matching_mode not in MATCHING_MODES:
            raise ValueError(f"view_matching_mode must be independent or composable; was {view_matching_mode!r}")
        self.resource = resource if resource is not None else Resource.create({})
        self._lock = threading.RLock()
        self._ended = False
        self._views = tuple(views)
        self._mode: ViewMatchingMode = view_matching_mode
        self._lowest = dict(lowest_boundaries or {})
        self._limit = cardinality_limit
        self._reader_limits = dict(reader_limits or {})
        self.budget = Budget(memory_limit_bytes)
        self._readings: dict[MetricReader, Reading] = {reader: Reading(reader) for reader in metric_readers}
        self._connected: list[_Connected] = []
        self._sdk = SdkMeterProvider(
            metric_readers=[reading.asynchronous for reading in self._readings.values()],
            resource=self.resource,
            shutdown_on_exit=False,
            views=selection.of_asynchronous(self._views, view_matching_mode),
        )
        self._exemplars = exemplars.filter_named(exemplar_filter)
        exemplars.listen(self._exemplars)
        self._meters = DelegatingMeterProvider()
        self._meters.delegate_to(self)
        for reader in self._readings:
            sdk.register_reader(reader, self._collect, self)
        if shutdown_on_exit:
            atexit.register(self.shutdown)

    # -- OpenTelemetry's interface ---------------------------------------------------------------------------------

    def get_meter(
        self, name: str, version: str | None = None, schema_url: str | None = None, attributes: Attributes = None
    ) -> DelegatingMeter:
        """The meter of the scope; the same object for the same scope."""
        return self._meters.get_meter(name, version, schema_url, attributes)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """Makes every reader collect and export; False if one fails or the time is over."""
        deadline = Deadline(timeout_millis / 1000)
        clean = True
        for reader in list(self._readings):
            try:
                clean &= reader.force_flush(deadline.remaining_s() * 1000) is not False and not deadline.over
            except Exception:
                clean = False
        return clean

    def shutdown(self, timeout_millis: float = 30_000) -> None:
        """Shuts the readers down, then closes the cells; a second call does nothing."""
        atexit.unregister(self.shutdown)
        deadline = Deadline(timeout_millis / 1000)
        with self._lock:
            first, self._ended = not self._ended, True
        if not first:
            return
        for reader in list(self._readings):
            reader.shutdown(deadline.remaining_s() * 1000)  # collects for the last time
        self._readings = {}
        self._meters.delegate_to(None)
        self.close()

    def add_metric_reader(self, reader: MetricReader) -> None:
        """One more reader; those that are there keep what they have.

        It shares the totals of a cumulative reader that wants the same. What it wants otherwise begins now. An
        instrument begins anew for all only where it has several streams and nobody read one that the new reader wants.
        """
        with self._lock:
            reading = self._readings[reader] = Reading(reader)
            self._sdk.add_metric_reader(reading.asynchronous)
            sdk.register_reader(reader, self._collect, self)
            for connected in self._connected[:]:
                if not self._let_read(connected, reader):
                    self._connected.remove(connected)
                    connected.instrument.connect(self.connect(connected.instrument, connected.real))

    def remove_metric_reader(self, reader: MetricReader) -> None:
        """Takes a reader out and shuts it down, as the SDK does."""
        with self._lock:
            reading = self._readings.pop(reader)
            sdk.register_reader(reader, None, None)
            self._sdk.remove_metric_reader(reading.asynchronous)
            for storage in self._storages():
                if reader in storage.readers:
                    storage.readers.remove(reader)
        reader.shutdown()

    # -- instruments -----------------------------------------------------------------------------------------------

    def asynchronous_meter(
        self, name: str, version: str | None, schema_url: str | None, attributes: Attributes
    ) -> Meter:
        """The SDK's meter, which runs callbacks and makes the instruments that views are matched against."""
        if not name:
            diagnostics.trouble("metrics.unnamed_meter", "a meter has no name; it is called %r", UNNAMED)
        return self._sdk.get_meter(name or UNNAMED, version, schema_url, attributes)

    def connect(self, instrument: Synchronous[Any], real: Any) -> ToStreams:
        """The streams of an instrument, new ones.

        Args:
            instrument: ours.
            real: made by `asynchronous_meter` with the same kind, name, unit and description.
        """
        per_ns = seconds_like(instrument.unit) or 0.0
        parts: list[tuple[Selected, Stream | None]] = []
        with self._lock:
            limit = self._limit_of(instrument)
            for selected in selection.streams(self._views, instrument, real, limit, self._mode, self._lowest):
                storages = self._arrange(selected, instrument, real)
                plan = selected.stream
                made = Stream(plan, storages, self.budget, per_ns=per_ns, wanted=self._exemplars) if storages else None
                parts.append((selected, made))
            self._connected.append(_Connected(instrument, real, parts))
        return ToStreams(instrument.name, [stream for _, stream in parts if stream is not None], per_ns)

    def _limit_of(self, instrument: Synchronous[Any]) -> int:
        kinds = [self._reader_limits.get(reader, {}) for reader in self._readings]
        return min(
            (limits.get(instrument.kind, limits.get("default", self._limit)) for limits in kinds), default=self._limit
        )

    def _arrange(self, selected: Selected, instrument: Any, real: Any) -> list[Storage]:
        """One storage for all cumulative readers that want the same, and one for each delta reader."""
        found: dict[tuple[CellPlan, MetricReader | None], Storage] = {}
        for reader in self._readings:
            plan, delta = self._wanted(selected, instrument, real, reader)
            if plan is None:
                continue
            key = (plan, reader if delta else None)
            if key not in found:
                found[key] = self._storage(selected, plan, delta, instrument, real)
            found[key].readers.append(reader)
        return list(found.values())

    def _storage(self, selected: Selected, plan: CellPlan, delta: bool, instrument: Any, real: Any) -> Storage:
        told, scope = selected.stream, real.instrumentation_scope
        live = LiveStream(scope, told.name, instrument.unit, told.description, plan.kind, plan.bounds)
        return Storage(plan, live, delta, [])

    def _wanted(
        self, selected: Selected, instrument: Any, real: Any, reader: MetricReader
    ) -> tuple[CellPlan | None, bool]:
        temporality, _ = sdk.reader_preference(reader, real)
        return selected.cells(instrument, real, reader), temporality is AggregationTemporality.DELTA

    def _let_read(self, connected: _Connected, reader: MetricReader) -> bool:
        """Lets a new reader read an instrument; False if that needs a stream that is not there."""
        instrument, real = connected.instrument, connected.real
        wanted = [(*part, *self._wanted(part[0], instrument, real, reader)) for part in connected.parts]
        if any(stream is None and plan is not None for _, stream, plan, _ in wanted):
            return False
        for selected, stream, plan, delta in wanted:
            if stream is None or plan is None:
                continue
            storage = stream.readable(plan, delta)
            if storage is None:
                storage = self._storage(selected, plan, delta, instrument, real)
                stream.extend(storage)
            storage.readers.append(reader)
        return True

    # -- reading ---------------------------------------------------------------------------------------------------

    def live(self, reader: MetricReader) -> list[LiveStream]:
        """The streams that a reader reads, in the order of their instruments."""
        return [storage.live for storage in self._storages() if reader in storage.readers]

    def observed(self, reader: MetricReader, timeout_millis: float = 10_000) -> MetricsData | None:
        """What asynchronous instruments say to a reader."""
        reading = self._readings.get(reader)
        return None if reading is None else reading.observe(timeout_millis)

    def _collect(self, reader: MetricReader, timeout_millis: float = 10_000) -> MetricsData | None:
        reading = self._readings.get(reader)
        if reading is None:
            return None
        storages = [storage for storage in self._storages() if reader in storage.readers]
        found = reading.collect(storages, self.resource, timeout_millis)
        return explicit(found) if found is not None and isinstance(reader, PrometheusMetricReader) else found

    def streams(self) -> list[Stream]:
        """All streams, in the order of their instruments."""
        parts = (part for connected in self._connected[:] for part in connected.parts)
        return [stream for _, stream in parts if stream is not None]

    def _storages(self) -> list[Storage]:
        return [storage for stream in self.streams() for storage in stream.storages]

    def close(self) -> None:
        """Forgets everything recorded and refuses what still comes; takes no lock, so that a forked child can."""
        for stream in self.streams():
            stream.close()
        self._connected = []
