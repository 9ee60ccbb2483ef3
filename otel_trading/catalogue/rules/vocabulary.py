"""Which series a Prometheus has that scrapes us: names, labels and buckets, of profiles and of the registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from otel_trading.catalogue.model import Registry
from otel_trading.catalogue.prometheus_names import family, label, spelled
from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.reading import read

TARGET = frozenset({"job", "instance", "__name__"})
"""Labels that Prometheus sets on every series."""

ELSEWHERE: Mapping[str, frozenset[str]] = {
    # of Prometheus itself
    "up": frozenset(),
    "ALERTS": frozenset({"alertname", "alertstate", "severity", "team", "profile"}),
    "prometheus_rule_group_iterations_missed_total": frozenset({"rule_group"}),
    "prometheus_tsdb_retention_limit_seconds": frozenset(),
    "prometheus_tsdb_lowest_timestamp_seconds": frozenset(),
}
"""Series that neither a profile nor a registry has, with their labels."""


@dataclass(frozen=True, slots=True)
class Family:
    """A metric as Prometheus knows it.

    Attributes:
        name: without `_bucket`, `_sum` or `_count`.
        type: counter, gauge or histogram.
        labels: its own and those of its targets.
        bounds: of a histogram, in its unit.
    """

    name: str
    type: str
    labels: frozenset[str]
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All that an expression may name."""

    families: Mapping[str, Family]
    series: Mapping[str, frozenset[str]]

    def bounds(self, name: str) -> tuple[float, ...]:
        """Of a histogram's buckets; empty for what is none."""
        found = self.families.get(name)
        return found.bounds if found else ()

    def with_families(self, families: Iterable[Family]) -> Vocabulary:
        """With more of them."""
        return vocabulary([*self.families.values(), *families])


def vocabulary(families: Iterable[Family]) -> Vocabulary:
    """What is named by families; one that two have, as a profile and the registry may, has the labels of both."""
    known: dict[str, Family] = {}
    for one in families:
        before = known.get(one.name)
        known[one.name] = replace(one, labels=one.labels | before.labels) if before else one
    series = {name: labels for one in known.values() for name, labels in _series(one)}
    return Vocabulary(known, {**{name: labels | TARGET for name, labels in ELSEWHERE.items()}, **series})


def _series(one: Family) -> Iterator[tuple[str, frozenset[str]]]:
    if one.type != "histogram":
        yield one.name, one.labels
        return
    yield f"{one.name}_bucket", one.labels | {"le"}
    yield f"{one.name}_sum", one.labels
    yield f"{one.name}_count", one.labels


def of_profile(name: str) -> Iterator[Family]:
    """What a profile shows, with the labels of its scrape jobs."""
    profile = read(name)
    targets = TARGET.union(*(job.labels for job in profile.jobs))
    for metric in profile.metrics:
        yield Family(metric.name, metric.type, targets.union(metric.labels), metric.buckets)


def of_registry(registry: Registry) -> Iterator[Family]:
    """What the standard page shows of a registry's metrics."""
    for metric in registry.metrics:
        labels = (label(use.attribute.key) for use in metric.uses)
        yield Family(
            family(metric),
            metric.instrument,
            TARGET | {"service_name", "otel_scope_name"} | frozenset(labels),
            metric.boundaries,
        )


def of_conventions() -> Iterator[Family]:
    """Metrics of the semantic conventions that the catalogue uses under the names they have there."""
    import yaml

    text = (files("otel_trading") / "catalogue" / "referenced.yaml").read_text(encoding="utf-8")
    document: Any = yaml.safe_load(text)
    for metric in document["metrics"]:
        labels = frozenset(label(key) for key in metric["attributes"])
        name = spelled(metric["name"], metric["unit"], metric["instrument"])
        bounds = tuple(float(bound) for bound in metric.get("boundaries", ()))
        yield Family(name, metric["instrument"], TARGET | {"service_name", "otel_scope_name"} | labels, bounds)


@cache
def ours() -> Vocabulary:
    """Everything: all profiles, the registry, the conventions."""
    from otel_trading.catalogue.reading import ours as registry

    profiles = (one for name in PROFILES for one in of_profile(name))
    return vocabulary([*of_registry(registry()), *of_conventions(), *profiles])
