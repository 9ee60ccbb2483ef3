"""The real stack that `--stack` sends to: collector, Jaeger, Elasticsearch, Prometheus, Kibana."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson

from otel_trading.config.resolve import resolve
from otel_trading.stores import pages
from otel_trading.stores.addresses import Addresses
from otel_trading.stores.elasticsearch import Elasticsearch
from otel_trading.stores.errors import StoreError
from otel_trading.stores.jaeger import Jaeger
from otel_trading.stores.opened import open_stores
from otel_trading.viewer.reader import TraceSummary

USUAL = {
    "jaeger_url": "http://127.0.0.1:16686",
    "elasticsearch_url": "http://127.0.0.1:9200",
    "kibana_url": "http://127.0.0.1:5601",
    "prometheus_url": "http://127.0.0.1:9090",
}
"""Where the stores are unless a knob says otherwise: the ports of `collector-config`."""

GRAPH = "histogram_quantile(0.99, sum by (le) (rate(trading_order_ack_duration_seconds_bucket[1m])))"
_MARGIN_NS = 60 * 1_000_000_000
_START_IT = (
    "Start a stack (in a checkout: `make backends`, then `python -m tools.backends up --usual-ports`; or with "
    "containers: collector-config/compose.yaml), or say where yours is, see `otel-trading demo --help`"
)


class StackMissing(Exception):
    """A store of the stack does not answer; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Where the services send to, and the stores where that is found again.

    Attributes:
        otlp_endpoint: base address of the collector.
        by_otlp: metrics go to the collector too, instead of being scraped only.
        targets: a file in Prometheus' file_sd format that gets the addresses of the services' /metrics.
    """

    otlp_endpoint: str
    addresses: Addresses
    jaeger: Jaeger
    elasticsearch: Elasticsearch
    by_otlp: bool = False
    targets: Path | None = None

    @property
    def metrics_exporters(self) -> str:
        """For the services; the screen reads their /metrics in any case."""
        return "prometheus,otlp" if self.by_otlp else "prometheus"

    def tell_prometheus(self, urls: list[str]) -> None:
        """Writes whom Prometheus scrapes; it never sees half a file."""
        if self.targets is None:
            return
        beside = self.targets.with_suffix(".new")
        beside.write_bytes(orjson.dumps([{"targets": [url.split("/")[2] for url in urls]}]))
        beside.replace(self.targets)

    def links(self, newest: TraceSummary) -> dict[str, str]:
        """Returns the pages of one order by the name of the store."""
        start_ns, end_ns = newest.first_ns - _MARGIN_NS, newest.last_ns + _MARGIN_NS
        query = f'trace.id : "{newest.trace_id}"'
        return {
            "jaeger": pages.jaeger_trace(self.addresses.jaeger or "", newest.trace_id),
            "kibana": pages.kibana_search(self.addresses.kibana or "", query, start_ns, end_ns),
            "prometheus": pages.prometheus_graph(self.addresses.prometheus or "", GRAPH),
        }


def find(*, by_otlp: bool, targets: Path | None) -> Stack:
    """Returns the stack that the knobs name, after a question to each store that is read.

    Raises:
        ConfigurationError: a knob is wrong.
        StackMissing: a store does not answer, or the targets' folder is not there.
    """
    if targets is not None and not targets.parent.is_dir():
        raise StackMissing(f"there is no folder {targets.parent} for the targets.")
    config, _ = resolve({}, None)
    named = {name: config[name] or usual for name, usual in USUAL.items()}
    addresses = Addresses.from_config({**{name: config[name] for name in config}, **named})
    stores = open_stores(addresses)
    assert stores.jaeger is not None
    assert stores.elasticsearch is not None
    try:
        stores.jaeger.services()
        stores.elasticsearch.health()
    except StoreError as error:
        raise StackMissing(f"{error}. {_START_IT}.") from error
    return Stack(config["otlp_endpoint"], addresses, stores.jaeger, stores.elasticsearch, by_otlp, targets)
