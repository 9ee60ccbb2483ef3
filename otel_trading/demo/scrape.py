"""Reads the /metrics of the four services as Prometheus would: rates, quantiles, and whether they answer."""

from __future__ import annotations

import http.client
import math
import urllib.request
from collections import deque
from dataclasses import dataclass, field
from urllib.error import URLError

from prometheus_client.parser import text_string_to_metric_families

from otel_trading.ground.clock import monotonic_ns

_TIMEOUT_S = 1.0
_MAX_BYTES = 4 * 1024 * 1024
_WINDOW = 10
_PREFIX = "trading_"


@dataclass(slots=True)
class Scrape:
    """One reading of one endpoint.

    Attributes:
        at_ns: monotonic nanoseconds.
        error: why it failed; empty if it did not.
        values: counters and gauges of ours, summed over their labels, by name.
        buckets: for each histogram of ours the cumulative counts by upper bound, summed over other labels.
        nonzero: names of our series with a value other than zero.
    """

    at_ns: int
    error: str = ""
    values: dict[str, float] = field(default_factory=dict)
    buckets: dict[str, dict[float, float]] = field(default_factory=dict)
    nonzero: set[str] = field(default_factory=set)


class Endpoint:
    """The /metrics of one service and the last ten readings of it. Used by one thread."""

    def __init__(self, url: str) -> None:
        """Takes the full address."""
        self.url = url
        self.readings: deque[Scrape] = deque(maxlen=_WINDOW)

    def read(self) -> Scrape:
        """Fetches the page now, within a second; never raises, a failure is in `error`."""
        found = scrape(self.url)
        self.readings.append(found)
        return found

    @property
    def latest(self) -> Scrape | None:
        """The last reading that worked."""
        return next((reading for reading in reversed(self.readings) if not reading.error), None)

    @property
    def state(self) -> str:
        """`up`, `no reading yet` or why the last reading failed."""
        if not self.readings:
            return "no reading yet"
        return self.readings[-1].error or "up"

    def rate(self, counter: str) -> float:
        """Returns the increase a second over the readings held; 0 with fewer than two."""
        good = [reading for reading in self.readings if not reading.error]
        if len(good) < 2 or good[-1].at_ns == good[0].at_ns:
            return 0.0
        rise = good[-1].values.get(counter, 0.0) - good[0].values.get(counter, 0.0)
        return rise / ((good[-1].at_ns - good[0].at_ns) / 1e9)

    def quantile(self, histogram: str, q: float) -> float | None:
        """Returns a quantile over the whole run, None without recordings."""
        latest = self.latest
        return quantile(latest.buckets.get(histogram, {}), q) if latest else None


def scrape(url: str) -> Scrape:
    """Reads one page of Prometheus text; never raises."""
    at_ns = monotonic_ns()
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer:
            text = answer.read(_MAX_BYTES).decode()
        return _parse(text, at_ns)
    except (URLError, OSError, ValueError, http.client.HTTPException) as error:
        return Scrape(at_ns, error=f"{type(error).__name__}: {error}")


def quantile(buckets: dict[float, float], q: float) -> float | None:
    """Returns the quantile as PromQL's histogram_quantile does: linear within its bucket.

    Args:
        buckets: cumulative count by upper bound, the last one infinite.
        q: 0 to 1.

    Returns:
        The largest finite bound where the quantile lies beyond it; None without recordings.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0.0
    if total <= 0:
        return None
    rank, lower, below = q * total, 0.0, 0.0
    for bound in bounds:
        count = buckets[bound]
        if count >= rank and count > below:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * (rank - below) / (count - below)
        lower, below = bound, count
    return lower


def _parse(text: str, at_ns: int) -> Scrape:
    found = Scrape(at_ns)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.startswith(_PREFIX):
                continue
            if sample.value:
                found.nonzero.add(sample.name)
            if sample.name.endswith("_bucket"):
                counts = found.buckets.setdefault(sample.name.removesuffix("_bucket"), {})
                bound = float(sample.labels["le"])
                counts[bound] = counts.get(bound, 0.0) + sample.value
            else:
                found.values[sample.name] = found.values.get(sample.name, 0.0) + sample.value
    return found
