"""What /metrics shows: the cells themselves, and what asynchronous instruments or an application's provider say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import prometheus_client
from opentelemetry.sdk.metrics.export import MetricReader, MetricsData
from opentelemetry.sdk.resources import Resource

from otel_trading.config.plan import EndpointPlan
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.metrics.engine import engine
from otel_trading.metrics.exposition import Exposition
from otel_trading.metrics.exposition.exposition import Collection
from otel_trading.metrics.profiles.page import ProfilePages


class ScrapeReader(MetricReader):
    """Stands for /metrics among the readers of a provider: cumulative, the default aggregations."""

    def __init__(self) -> None:
        """Has received nothing yet."""
        super().__init__()
        self._received: MetricsData | None = None

    def collected(self) -> MetricsData | None:
        """A collection of the provider that the reader is registered with; one thread at a time."""
        self._received = None
        self.collect()
        return self._received

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        self._received = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Has nothing to stop."""


def of_cells(provider: CellMeterProvider, reader: ScrapeReader) -> Callable[[], Collection]:
    """Collects our own provider: no point is made of a cell."""
    return lambda: (provider.live(reader), provider.observed(reader))


def of_readers(reader: ScrapeReader) -> Callable[[], Collection]:
    """Collects a provider of the application."""
    return lambda: ((), reader.collected())


def exposition(
    plan: EndpointPlan, collect: Callable[[], Collection], resource: Resource, profiles: ProfilePages | None = None
) -> Exposition:
    """The pages that the endpoint's plan describes."""
    return Exposition(
        engine,
        collect,
        resource,
        strategy=plan.translation_strategy,
        scope_info=plan.scope_info,
        target_info=plan.target_info,
        constant_labels=plan.constant_labels,
        constant_labels_excluded=plan.constant_labels_excluded,
        registries=(prometheus_client.REGISTRY,) if plan.prometheus_client else (),
        profiles=profiles,
    )
