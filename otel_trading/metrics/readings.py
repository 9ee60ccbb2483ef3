"""What one reader gets: its storages, and what asynchronous instruments say, collected by the SDK."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from opentelemetry.sdk.metrics.export import Metric, MetricReader, MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_trading import sdk
from otel_trading.ground import clock
from otel_trading.metrics import points
from otel_trading.metrics.stream import Storage


class AsynchronousReader(MetricReader):
    """Stands for another reader in the SDK's provider that runs the callbacks."""

    def __init__(self, of: MetricReader) -> None:
        """Takes the reader whose preferences count."""
        super().__init__()
        sdk.prefer_as(self, of)
        self.received: MetricsData | None = None

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        self.received = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Has nothing to stop."""


class Reading:
    """The state of one reader. One collection at a time; another thread waits for it."""

    def __init__(self, reader: MetricReader) -> None:
        """Has not collected yet."""
        self.asynchronous = AsynchronousReader(reader)
        self._lock = threading.RLock()
        self._since_ns = 0

    def observe(self, timeout_millis: float) -> MetricsData | None:
        """What the callbacks of asynchronous instruments say."""
        with self._lock:
            self.asynchronous.received = None
            self.asynchronous.collect(timeout_millis)
            return self.asynchronous.received

    def collect(self, storages: Iterable[Storage], resource: Resource, timeout_millis: float) -> MetricsData | None:
        """One collection; None if there is nothing.

        Args:
            storages: those that this reader reads, in the order of their instruments.
            resource: of the provider.
            timeout_millis: longest time for the callbacks, as far as the SDK keeps to it.
        """
        with self._lock:
            observed = self.observe(timeout_millis)
            now_ns = clock.wall_ns()
            scopes: dict[InstrumentationScope, list[Metric]] = {}
            for storage in storages:
                found = points.metric(storage, self._since_ns, now_ns)
                if found is not None:
                    scopes.setdefault(storage.live.scope, []).append(found)
            self._since_ns = now_ns
        for resource_metrics in observed.resource_metrics if observed is not None else ():
            for scope_metrics in resource_metrics.scope_metrics:
                scopes.setdefault(scope_metrics.scope, []).extend(scope_metrics.metrics)
        if not scopes:
            return None
        parts = [ScopeMetrics(scope, metrics, scope.schema_url or "") for scope, metrics in scopes.items()]
        return MetricsData([ResourceMetrics(resource, parts, resource.schema_url)])
