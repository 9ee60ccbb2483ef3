"""The addresses of the stores, as the knobs tell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where each store is; None for one that nobody named.

    Attributes:
        jaeger: base address of Jaeger's web page and query API.
        elasticsearch: base address of Elasticsearch.
        kibana: base address of Kibana, for links only.
        prometheus: base address of Prometheus.
        collector_health: the collector's health check.
        collector_metrics: the page with the collector's metrics of itself.
        elasticsearch_headers: sent with each request to Elasticsearch, and to nobody else.
        certificate: file with the certificates that stores with https are checked against; None for the system's.
    """

    jaeger: str | None = None
    elasticsearch: str | None = None
    kibana: str | None = None
    prometheus: str | None = None
    collector_health: str | None = None
    collector_metrics: str | None = None
    elasticsearch_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: str | None = None

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Addresses:
        """Takes the addresses from a resolved configuration, such as `telemetry.config`."""
        return cls(
            jaeger=config["jaeger_url"],
            elasticsearch=config["elasticsearch_url"],
            kibana=config["kibana_url"],
            prometheus=config["prometheus_url"],
            collector_health=config["collector_health_url"],
            collector_metrics=config["collector_metrics_url"],
            elasticsearch_headers=config["elasticsearch_headers"],
            certificate=config["stores_certificate"],
        )
