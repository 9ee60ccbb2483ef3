"""What Prometheus calls metrics and attributes, by the product's own translation."""

from __future__ import annotations

from otel_trading.catalogue.model import Instrument, Metric
from otel_trading.metrics.exposition.names import naming

_NAMING = naming("UnderscoreEscapingWithSuffixes")
_KINDS: dict[Instrument, str] = {
    "counter": "counter",
    "updowncounter": "up_down",
    "gauge": "gauge",
    "histogram": "explicit",
}


def spelled(name: str, unit: str, instrument: Instrument) -> str:
    """The name of a family, with the suffixes of its unit and kind."""
    return _NAMING.metric(name, unit, _KINDS[instrument])


def family(metric: Metric) -> str:
    """What a metric of a registry is called."""
    return spelled(metric.name, metric.unit, metric.instrument)


def label(key: str) -> str:
    """What an attribute is called."""
    return _NAMING.label(key)
