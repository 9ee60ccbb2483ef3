"""From the addresses to the clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from otel_trading.stores.addresses import Addresses
from otel_trading.stores.collector import Collector, metrics_page
from otel_trading.stores.elasticsearch import Elasticsearch
from otel_trading.stores.http_json import DEFAULT_TIMEOUT_S, HttpApi
from otel_trading.stores.jaeger import Jaeger
from otel_trading.stores.prometheus import Prometheus


@dataclass(frozen=True, slots=True)
class Stores:
    """A client for each store that was named, None for the others; the collector's is always there."""

    jaeger: Jaeger | None
    elasticsearch: Elasticsearch | None
    prometheus: Prometheus | None
    collector: Collector


def open_stores(addresses: Addresses, timeout_s: float = DEFAULT_TIMEOUT_S) -> Stores:
    """The clients; nothing is connected yet.

    Args:
        addresses: where the stores are.
        timeout_s: whole limit of one request.

    Raises:
        StoreError: the certificate file cannot be used.
    """

    def api(url: str | None, headers: Mapping[str, str] | None = None) -> HttpApi | None:
        if url is None:
            return None
        return HttpApi(url, headers=headers, certificate=addresses.certificate, timeout_s=timeout_s)

    jaeger = api(addresses.jaeger)
    elasticsearch = api(addresses.elasticsearch, addresses.elasticsearch_headers)
    prometheus = api(addresses.prometheus)
    metrics = addresses.collector_metrics
    return Stores(
        Jaeger(jaeger) if jaeger else None,
        Elasticsearch(elasticsearch) if elasticsearch else None,
        Prometheus(prometheus) if prometheus else None,
        Collector(api(addresses.collector_health), api(metrics_page(metrics) if metrics else None)),
    )
