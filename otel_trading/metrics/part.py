"""Builds the metrics signal from its plan: views, readers, provider, lane."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from opentelemetry.metrics import Meter
from opentelemetry.metrics import MeterProvider as ApiMeterProvider
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource

from otel_trading import sdk
from otel_trading.config.config import Config
from otel_trading.config.plan import EndpointPlan, MetricsPlan
from otel_trading.delivery.encode import points
from otel_trading.delivery.lane import Lane
from otel_trading.delivery.measuring import collection_size
from otel_trading.delivery.waiting import Measure
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline
from otel_trading.ground.errors import ConfigurationError, Problem
from otel_trading.ground.versions import version
from otel_trading.metrics import deliveries, histogram_view, own
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.metrics.engine import engine
from otel_trading.metrics.exposition import Exposition
from otel_trading.metrics.garbage import GarbageCollections
from otel_trading.metrics.histogram_view import HistogramView
from otel_trading.metrics.live import LiveStream
from otel_trading.metrics.profiles import reading as profiles
from otel_trading.metrics.profiles.bounds import wanted
from otel_trading.metrics.profiles.page import ProfilePages
from otel_trading.metrics.push import PushReader
from otel_trading.metrics.scraping import ScrapeReader, exposition, of_cells, of_readers

_FILTERS: dict[str, Any] = {
    "trace_based": TraceBasedExemplarFilter,
    "always_on": AlwaysOnExemplarFilter,
    "always_off": AlwaysOffExemplarFilter,
}


class MetricsPart:
    """Readers and lane of one `init()`."""

    def __init__(
        self, plan: MetricsPlan, config: Config, endpoint: EndpointPlan | None, extra: tuple[MetricReader, ...] = ()
    ) -> None:
        """Checks the views and starts workers and readers.

        Args:
            plan: exporters, views and exemplar filter.
            config: for the sources of views, in messages.
            endpoint: None if /metrics is not served.
            extra: further readers, such as the in-memory one of `otel_trading.testing`.

        Raises:
            ConfigurationError: a view cannot be used, an exporter cannot be made, or the installed exporter lacks
                what was asked for.
        """
        self.views = checked_views(plan.views, config)
        self._plan = plan
        self._extra = extra
        self._filter = _FILTERS[plan.exemplar_filter]()
        self.lane = Lane("metrics", plan.batches, measure=_measure)
        self._endpoint = endpoint
        self.scrape = ScrapeReader() if endpoint is not None else None
        self.exposition: Exposition | None = None
        self.profiles = tuple(map(profiles.read, plan.profiles))
        self.profile_pages: ProfilePages | None = None
        self._garbage: GarbageCollections | None = None
        self._own_meter: Meter | None = None
        self.push = tuple(
            PushReader(batch, worker) for batch, worker in zip(plan.batches, self.lane.workers, strict=True)
        )
        self._limits: dict[MetricReader, Mapping[str, int]] = {
            reader: batch.cardinality_limits for reader, batch in zip(self.push, plan.batches, strict=True)
        }
        if self.scrape is not None and endpoint is not None:
            self._limits[self.scrape] = endpoint.cardinality_limits
        self.readers: tuple[MetricReader, ...] = (*self.push, *extra) + ((self.scrape,) if self.scrape else ())

    def create_provider(self, resource: Resource, lanes: Mapping[str, Lane]) -> CellMeterProvider:
        """The provider over cells; it tells of what goes through the lanes."""
        provider = CellMeterProvider(
            self.readers,
            resource,
            self._filter,
            shutdown_on_exit=False,
            views=[*self.views, *(own.VIEWS if self._plan.own_metrics else ())],
            cardinality_limit=self._plan.cardinality_limit,
            reader_limits=self._limits,
            memory_limit_bytes=self._plan.memory_limit_bytes,
            view_matching_mode=self._plan.view_matching_mode,
            lowest_boundaries=wanted(self.profiles),
        )
        scrape = self.scrape
        if self._endpoint is not None and scrape is not None:
            pages = self._profile_pages(resource, lambda: provider.live(scrape))
            self.exposition = exposition(self._endpoint, of_cells(provider, scrape), resource, pages)
        if self._plan.own_metrics:
            own.tell(provider, (reader for reader in self.readers if reader not in self._extra), self.exposition)
            self._own_meter = provider.get_meter(own.SCOPE, version("otel-trading"))
            deliveries.tell(self._own_meter, lanes)
            self._garbage = GarbageCollections(provider, own.SCOPE)
            self._garbage.begin()
        return provider

    def tell(self, further: Callable[[Meter], None]) -> None:
        """Has another part create its instruments about itself, if there are any of that sort."""
        if self._own_meter is not None:
            further(self._own_meter)

    def join(self, provider: ApiMeterProvider, resource: Resource) -> Callable[[], None]:
        """Reads an application's own provider: /metrics always, by OTLP only if it has no reader.

        Args:
            provider: its own.
            resource: ours, for providers that tell none.

        Returns:
            A function that takes the readers out again.
        """
        add: Any = getattr(provider, "add_metric_reader", None)
        if add is None:
            if self._endpoint is not None:
                self.exposition = exposition(self._endpoint, lambda: ((), None), resource)
            diagnostics.say(
                logging.WARNING, "the application's own meter provider cannot take a reader; /metrics stays empty"
            )
            return lambda: None
        if sdk.has_readers(provider):
            for pusher in self.push:
                pusher.stop()
            self.push = ()
        if self._endpoint is not None and self.scrape is not None:
            theirs = sdk.resource_of(provider) or resource
            pages = self._profile_pages(theirs, None)
            self.exposition = exposition(self._endpoint, of_readers(self.scrape), theirs, pages)
        readers: tuple[MetricReader | None, ...] = (*self.push, self.scrape)
        joined = [reader for reader in readers if reader is not None]
        for reader in joined:
            add(reader)

        def leave() -> None:
            for reader in joined:
                provider.remove_metric_reader(reader)  # type: ignore[attr-defined]  # comes with add_metric_reader

        return leave

    def collect(self, deadline: Deadline) -> bool:
        """Collects once more for the exporters; a callback that hangs costs half of what is left at most."""
        limit = Deadline(deadline.remaining_s() / 2)
        return all([reader.collect_now(limit) for reader in self.push])

    def forget_garbage(self) -> None:
        """Is told of no garbage collection any more; takes no lock, a forked child calls it too."""
        if self._garbage is not None:
            self._garbage.end()

    def stop_readers(self) -> None:
        """Ends collecting."""
        self.forget_garbage()
        if self.profile_pages is not None:
            self.profile_pages.stop()
        for reader in self.push:
            reader.stop()
        if self.scrape is not None:
            self.scrape.shutdown()

    def _profile_pages(
        self, resource: Resource, live: Callable[[], Sequence[LiveStream]] | None
    ) -> ProfilePages | None:
        if self.profiles:
            self.profile_pages = ProfilePages(engine, self.profiles, resource, live)
        return self.profile_pages


def _measure(collection: MetricsData) -> Measure:
    return Measure(points(collection), collection_size(collection))


def checked_views(views: tuple[Any, ...], config: Config) -> list[Any]:
    """HistogramView and SDK View objects; mappings from a file become HistogramViews.

    Raises:
        ConfigurationError: with every entry that is neither.
    """
    found: list[Any] = []
    problems: list[Problem] = []
    setting = config.settings["views"]
    for index, view in enumerate(views):
        source = setting.source
        if config.file is not None and setting.origin == "file":
            source = config.file.source("distribution", "otel_trading", "views", index)
        try:
            if isinstance(view, Mapping):
                view = histogram_view.from_mapping(view)
            if not isinstance(view, (HistogramView, View)):
                raise ValueError("it is neither a HistogramView nor a View")
            found.append(view)
        except ValueError as error:
            advice = f"{str(error)[:1].upper()}{str(error)[1:]}."
            problems.append(Problem(f"views[{index}]", source, "a HistogramView or an SDK View", repr(view), advice))
    if problems:
        raise ConfigurationError(problems)
    return found
