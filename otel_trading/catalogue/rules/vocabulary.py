"""Which series a Prometheus has that scrapes us: names, labels and buckets, of profiles and of the registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from otel_trading.catalogue.model import Registry
from otel_trading.config.knob import PROFILES, Strategy
from otel_trading.metrics.exposition.names import naming
from otel_trading.metrics.profiles.reading import read

STRATEGY: Strategy = "UnderscoreEscapingWithSuffixes"
TARGET = frozenset({"job", "instance", "__name__"})
"""Labels that Prometheus sets on every series."""
_KINDS = {"counter": "counter", "updowncounter": "up_down", "gauge": "gauge", "histogram": "explicit"}

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
        family = self.families.get(name)
        return family.bounds if family else ()

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


def _series(family: Family) -> Iterator[tuple[str, frozenset[str]]]:
    if family.type != "histogram":
        yield family.name, family.labels
        return
    yield f"{family.name}_bucket", family.labels | {"le"}
    yield f"{family.name}_sum", family.labels
    yield f"{family.name}_count", family.labels


def of_profile(name: str) -> Iterator[Family]:
    """What a profile shows, with the labels of its scrape jobs."""
    profile = read(name)
    targets = TARGET.union(*(job.labels for job in profile.jobs))
    for metric in profile.metrics:
        own = (*metric.labels, *(metric.derive.labels if metric.derive else ()))
        yield Family(metric.name, metric.type, targets.union(own), metric.buckets)


def of_registry(registry: Registry) -> Iterator[Family]:
    """What the standard page shows of a registry's metrics."""
    spelled = naming(STRATEGY)
    for metric in registry.metrics:
        kind = _KINDS[metric.instrument]
        labels = (spelled.label(use.attribute.key) for use in metric.uses)
        yield Family(
            spelled.metric(metric.name, metric.unit, kind),
            metric.instrument,
            TARGET | {"service_name", "otel_scope_name"} | frozenset(labels),
            metric.boundaries,
        )


def of_conventions() -> Iterator[Family]:
    """Metrics of the semantic conventions that the catalogue uses under the names they have there."""
    import yaml

    spelled = naming(STRATEGY)
    text = (files("otel_trading") / "catalogue" / "referenced.yaml").read_text(encoding="utf-8")
    document: Any = yaml.safe_load(text)
    for metric in document["metrics"]:
        labels = frozenset(spelled.label(key) for key in metric["attributes"])
        name = spelled.metric(metric["name"], metric["unit"], _KINDS[metric["instrument"]])
        bounds = tuple(float(bound) for bound in metric.get("boundaries", ()))
        yield Family(name, metric["instrument"], TARGET | {"service_name", "otel_scope_name"} | labels, bounds)


@cache
def ours() -> Vocabulary:
    """Everything: all profiles, the registry, the conventions."""
    from otel_trading.catalogue.reading import ours as registry

    profiles = (family for name in PROFILES for family in of_profile(name))
    return vocabulary([*of_registry(registry()), *of_conventions(), *profiles])
