"""Expressions of PromQL, over names as the product itself gives them to Prometheus."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from otel_trading.catalogue.model import Metric
from otel_trading.catalogue.prometheus_names import family
from otel_trading.catalogue.reading import ours

WINDOW = "$__rate_interval"
"""Grafana makes it four scrapes at least, and longer where a pixel is."""
QUANTILES = (0.5, 0.95, 0.99)


@cache
def _canonical() -> Mapping[str, Metric]:
    return {metric.name: metric for metric in ours().metrics}


def canonical(name: str) -> str:
    """What Prometheus calls a metric of our registry; KeyError if it has none of that name."""
    return family(_canonical()[name])


def selected(name: str, where: str = "") -> str:
    """A selector: `where` is what stands in its braces."""
    return f"{name}{{{where}}}" if where else name


def summed(inner: str, *by: str) -> str:
    """The sum, for each value of the labels where some are given."""
    return f"sum by ({', '.join(by)}) ({inner})" if by else f"sum({inner})"


def rate(name: str, *by: str, where: str = "", window: str = WINDOW) -> str:
    """Increase of a counter in a second."""
    return summed(f"rate({selected(name, where)}[{window}])", *by)


def increase(name: str, *by: str, where: str = "", window: str = WINDOW) -> str:
    """Increase of a counter over a window."""
    return summed(f"increase({selected(name, where)}[{window}])", *by)


def quantile(of: float, name: str, *by: str, where: str = "", window: str = WINDOW) -> str:
    """A quantile of a histogram over a window."""
    return f"histogram_quantile({of:g}, {rate(f'{name}_bucket', 'le', *by, where=where, window=window)})"


def buckets(name: str, where: str = "", window: str = WINDOW) -> str:
    """What came into each bucket over a window."""
    return increase(f"{name}_bucket", "le", where=where, window=window)


def share(part: str, whole: str) -> str:
    """A part of a whole, none while the whole is 0."""
    return f"{part} / ({whole} > 0)"


def legend(*labels: str) -> str:
    """A legend with the values of labels."""
    return " ".join(f"{{{{{one}}}}}" for one in labels)
