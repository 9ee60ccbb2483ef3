"""Asks Prometheus for series and for whom it scrapes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from otel_trading.stores.errors import MALFORMED
from otel_trading.stores.http_json import HttpApi


@dataclass(frozen=True, slots=True)
class Sample:
    """One series with its newest value.

    Attributes:
        labels: with `__name__`.
        value: NaN where Prometheus has one.
        at_s: the time of evaluation, seconds since 1970, by Prometheus' clock.
    """

    labels: dict[str, str]
    value: float
    at_s: float


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint that Prometheus scrapes.

    Attributes:
        job: the label.
        url: the full address.
        up: the last scrape worked.
        error: why it did not; empty if it did.
    """

    job: str
    url: str
    up: bool
    error: str


class Prometheus:
    """Prometheus' HTTP API."""

    def __init__(self, api: HttpApi) -> None:
        """Takes the address; asks nothing yet."""
        self.api = api

    def query(self, promql: str) -> list[Sample]:
        """What an instant query selects now, by Prometheus' own clock; empty for nothing.

        Raises:
            StoreError: no usable answer, or the expression is wrong.
        """
        data = self._data("/api/v1/query", {"query": promql})
        if data.get("resultType") != "vector":
            raise self.api.unexpected(f"a {data.get('resultType')} instead of series")
        try:
            return [_sample(one) for one in data.get("result", [])]
        except MALFORMED:
            raise self.api.unexpected("series of another shape; is it Prometheus?") from None

    def targets(self) -> list[Target]:
        """Whom it scrapes now.

        Raises:
            StoreError: no usable answer.
        """
        data = self._data("/api/v1/targets", {"state": "active"})
        try:
            return [_target(one) for one in data.get("activeTargets", [])]
        except MALFORMED:
            raise self.api.unexpected("targets of another shape; is it Prometheus?") from None

    def _data(self, path: str, parameters: dict[str, str]) -> dict[str, Any]:
        found = self.api.json(path, parameters)
        data = found.get("data") if isinstance(found, dict) else None
        if not isinstance(data, dict):
            raise self.api.unexpected("no data; is it Prometheus?")
        return data


def _target(one: dict[str, Any]) -> Target:
    return Target(
        str(one.get("labels", {}).get("job", "")),
        str(one.get("scrapeUrl", "")),
        one.get("health") == "up",
        str(one.get("lastError", "")),
    )


def _sample(one: dict[str, Any]) -> Sample:
    at_s, text = one.get("value", (0.0, "NaN"))
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    return Sample(dict(one.get("metric", {})), value, float(at_s))
