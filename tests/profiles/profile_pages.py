"""Pages of profiles: scraped over HTTP, read by prometheus_client, and a clock that stands still."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.registry_files import load, metrics

import otel_trading as ot
from otel_trading.metrics.profiles import page
from otel_trading.metrics.profiles.model import Exported, Source
from otel_trading.testing.fixed import FixedClock

SERVED: dict[str, Any] = {
    "traces_exporter": "none",
    "metrics_exporter": "prometheus",
    "logs_exporter": "none",
    "stdout": "off",
    "prometheus_port": 0,
    "own_metrics": False,
}


def fetched(telemetry: ot.Telemetry, accept: str = "", path: str = "/metrics") -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body."""
    assert telemetry.metrics_url is not None
    address = telemetry.metrics_url.removesuffix("/metrics") + path
    request = urllib.request.Request(address, headers={"Accept": accept} if accept else {})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, dict(reply.headers), reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


@dataclass(frozen=True)
class Page:
    """A text page and its samples by name."""

    text: str
    samples: Mapping[str, list[tuple[dict[str, str], float]]]

    def value(self, name: str, **labels: str) -> float:
        """Of the one sample with exactly these labels."""
        found = [value for shown, value in self.samples.get(name, []) if shown == labels]
        assert len(found) == 1, (name, labels, self.samples.get(name))
        return found[0]


def scraped(telemetry: ot.Telemetry) -> Page:
    return read(fetched(telemetry)[2].decode())


def read(text: str) -> Page:
    samples: dict[str, list[tuple[dict[str, str], float]]] = {}
    spelled = {re.split(r"[{ ]", line, maxsplit=1)[0] for line in text.splitlines() if not line.startswith("#")}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            # the parser appends `_total` to what a counter is called
            name = sample.name if sample.name in spelled else sample.name.removesuffix("_total")
            assert name in spelled
            samples.setdefault(name, []).append((sample.labels, sample.value))
    return Page(text, samples)


@contextmanager
def profiled(*names: str, service: str = "risk-manager", **knobs: Any) -> Iterator[ot.Telemetry]:
    with ot.init(service, profile=list(names), **(SERVED | knobs)) as telemetry:
        yield telemetry


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> FixedClock:
    """The clock of profiles alone; everything else goes on."""
    clock = FixedClock()
    shown = SimpleNamespace(monotonic_ns=clock.read_monotonic_ns, wall_ns=clock.read_wall_ns)
    monkeypatch.setattr(page, "clock", shown)
    return clock


@cache
def _kinds() -> dict[str, str]:
    referenced = {entry["name"]: entry["instrument"] for entry in load("referenced.yaml")["metrics"]}
    return referenced | {name: entry["instrument"] for name, entry in metrics().items()}


def record(source: Source, attributes: Mapping[str, Any], amounts: Sequence[float]) -> None:
    """Through a plain instrument of the canonical name, kind and unit."""
    kind, meter = _kinds()[source.canonical], ot.meter()
    made: Any
    if kind == "histogram":
        made = meter.create_histogram(source.canonical, unit=source.unit)
    elif kind == "gauge":
        made = meter.create_gauge(source.canonical, unit=source.unit)
    elif kind == "counter":
        made = meter.create_counter(source.canonical, unit=source.unit)
    else:
        made = meter.create_up_down_counter(source.canonical, unit=source.unit)
    for amount in amounts:
        getattr(made, {"histogram": "record", "gauge": "set"}.get(kind, "add"))(amount, attributes)


def example(source: Source, number: int = 0) -> tuple[dict[str, str], dict[str, str]]:
    """Attributes of a series that the source wants, and the labels it is shown with."""
    attributes, labels = dict(source.where), {}
    for label in source.labels:
        if label.constant:
            labels[label.name] = label.constant
            continue
        if label.resource:
            labels[label.name] = (label.values or {}).get("risk-manager", "risk-manager")
            continue
        recorded = next(iter(label.values)) if label.values else f"{label.name}-{number}"
        recorded = attributes.setdefault(label.attribute, recorded)
        labels[label.name] = (label.values or {}).get(recorded, recorded)
    return attributes, labels


def head(exported: Exported) -> list[str]:
    """The two lines before the samples."""
    return [f"# HELP {exported.name} {exported.help}", f"# TYPE {exported.name} {exported.type}"]
