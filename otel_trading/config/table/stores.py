"""Where the stores behind the collector are, for the commands that look into them."""

from __future__ import annotations

from otel_trading.config.kinds import Pairs, Text, Url
from otel_trading.config.knob import Knob


def stores() -> list[Knob]:
    """The knobs of this group, in the order of the reference page; the library itself sends nothing there."""
    group = "Stores, for `otel-trading doctor` and `otel-trading demo --stack`"
    addresses = {
        "jaeger_url": "Jaeger's web page and query API, such as http://localhost:16686.",
        "elasticsearch_url": "Elasticsearch, such as http://localhost:9200.",
        "kibana_url": "Kibana, for links only, such as http://localhost:5601.",
        "prometheus_url": "Prometheus, such as http://localhost:9090.",
        "collector_health_url": "The collector's health check, such as http://localhost:13133.",
        "collector_metrics_url": "The collector's metrics of itself, such as http://localhost:8888/metrics.",
    }
    return [
        *[Knob(group, name, Url(), None, doc, own_node=True) for name, doc in addresses.items()],
        Knob(
            group,
            "elasticsearch_headers",
            Pairs(headers=True),
            {},
            "Headers of requests to Elasticsearch, such as `authorization=ApiKey ...`.",
            secret=True,
            own_node=True,
        ),
        Knob(
            group,
            "stores_certificate",
            Text(),
            None,
            "File with the certificates that stores with https are checked against.",
            own_node=True,
        ),
    ]
