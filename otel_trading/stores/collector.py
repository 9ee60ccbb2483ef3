"""Asks a collector how it is, and reads its metrics of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from otel_trading.stores.errors import MALFORMED, Cause, StoreError
from otel_trading.stores.http_json import Answer, HttpApi


@dataclass(frozen=True, slots=True)
class Counters:
    """One reading of a collector's metrics of itself.

    Attributes:
        series: name, labels and value of each.
    """

    series: tuple[tuple[str, Mapping[str, str], float], ...] = ()

    def total(self, name: str, **labels: str) -> float:
        """The sum of the series of this name that have these labels; with and without `_total`, 0 for none."""
        names = {name, f"{name}_total"}
        wanted = labels.items()
        return sum([value for found, has, value in self.series if found in names and wanted <= has.items()])


class Collector:
    """The two pages of a collector; either may be missing."""

    def __init__(self, health: HttpApi | None, metrics: HttpApi | None) -> None:
        """Takes the pages; asks nothing yet."""
        self._health = health
        self._metrics = metrics

    def health(self) -> Answer | None:
        """The answer of the health check, None if nobody said where it is. 200 tells nothing about the stores.

        Raises:
            StoreError: no answer, or another status than 200.
        """
        if self._health is None:
            return None
        answer = self._health.ask("")
        if answer.status != 200:
            raise StoreError(self._health.place, Cause.STATUS, str(answer.status), answer.status)
        return answer

    def counters(self) -> Counters | None:
        """The metrics of itself, None if nobody said where they are.

        Raises:
            StoreError: no usable answer.
        """
        if self._metrics is None:
            return None
        answer = self._metrics.ask("")
        if answer.status != 200:
            raise StoreError(self._metrics.place, Cause.STATUS, str(answer.status), answer.status)
        try:
            families = list(text_string_to_metric_families(answer.body.decode()))
        except MALFORMED as error:
            raise self._metrics.unexpected(f"no Prometheus text: {error}"[:200]) from error
        return Counters(tuple((s.name, s.labels, float(s.value)) for family in families for s in family.samples))


def metrics_page(url: str) -> str:
    """The address with `/metrics` where only host and port were given."""
    return url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/metrics"
