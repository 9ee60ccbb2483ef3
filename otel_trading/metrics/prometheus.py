"""/metrics through opentelemetry-exporter-prometheus, with what it lacks put in front of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics.export import MetricsData
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from otel_trading.config.plan import EndpointPlan
from otel_trading.metrics.exponential import explicit

SCRAPE_WAIT_S = 1.0
"""How long a scrape waits for the one before it."""


class ScrapeStillRunning(Exception):
    """The scrape before is not done, probably because a callback hangs."""


class ScrapeReader(PrometheusMetricReader):
    """The stock reader; an exponential stream is converted instead of breaking the whole scrape."""

    def __init__(self, plan: EndpointPlan) -> None:
        """Creates the reader over a registry of its own.

        Args:
            plan: which labels and series are added.
        """
        self.registry = CollectorRegistry(auto_describe=False)
        self._scraping = threading.Lock()
        super().__init__(
            disable_target_info=not plan.target_info,
            scope_info_enabled=plan.scope_info,
            registry=self.registry,
            **_constant_labels(plan),
        )

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        if metrics_data is not None:
            super()._receive_metrics(explicit(metrics_data), timeout_millis, **kwargs)

    def render(self, accept: str) -> tuple[bytes, str]:
        """One scrape.

        Args:
            accept: the request's Accept header; text 0.0.4 without one.

        Returns:
            Body and content type.

        Raises:
            ScrapeStillRunning: the scrape before did not end in time.
        """
        encoder, content_type = choose_encoder(accept)
        # one at a time: scrapes that wait for a callback that hangs would use up the places of /health too
        if not self._scraping.acquire(timeout=SCRAPE_WAIT_S):
            raise ScrapeStillRunning
        try:
            return encoder(self.registry), content_type
        finally:
            self._scraping.release()

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Takes the collector out of the registry; a second call does nothing."""
        try:
            super().shutdown(timeout_millis, **kwargs)
        except KeyError:  # the collector is out already
            return


def metrics_page(reader: ScrapeReader) -> Callable[[Mapping[str, str]], tuple[int, bytes, dict[str, str]]]:
    """The page that the server serves: from the request's headers to status, body and headers."""

    def page(headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        try:
            body, content_type = reader.render(headers.get("accept", ""))
        except ScrapeStillRunning:
            told = b"The scrape before is still running; a callback may hang.\n"
            return 503, told, {"Content-Type": "text/plain; charset=utf-8"}
        return 200, body, {"Content-Type": content_type}

    return page


def _constant_labels(plan: EndpointPlan) -> dict[str, Any]:
    if not plan.constant_labels:
        return {}

    def wanted(key: str) -> bool:
        included = any(fnmatchcase(key, pattern) for pattern in plan.constant_labels)
        return included and not any(fnmatchcase(key, pattern) for pattern in plan.constant_labels_excluded)

    return {"resource_attribute_filter": wanted}


def can_label_constants() -> bool:
    """True if the installed exporter can copy resource attributes to labels; 0.65b0 cannot."""
    import inspect

    return "resource_attribute_filter" in inspect.signature(PrometheusMetricReader.__init__).parameters
