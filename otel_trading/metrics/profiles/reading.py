"""Profiles from their YAML files, which are part of the package."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from otel_trading.metrics.profiles.model import Departure, Derivation, Exported, Job, Label, Place, Profile, Source


class Malformed(ValueError):
    """A profile says something that cannot be; the message tells the profile, the metric and the rule."""


@cache
def read(name: str) -> Profile:
    """A profile of the package; the same object for the same name.

    Args:
        name: one of `otel_trading.config.knob.PROFILES`.

    Raises:
        FileNotFoundError: there is none of that name.
        Malformed: its file breaks a rule.
    """
    import yaml  # slow, and only who has a profile needs it

    file = files("otel_trading") / "catalogue" / "profiles" / f"{name}.yaml"
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return profile_of(yaml.load(file.read_text(encoding="utf-8"), loader))  # both loaders are safe ones


def profile_of(document: Mapping[str, Any]) -> Profile:
    """The profile that a document describes; raises Malformed."""
    name = str(document["profile"])
    metrics = tuple(_exported(name, entry) for entry in document["metrics"])
    twice = [one for one, other in itertools.pairwise(sorted(metric.name for metric in metrics)) if one == other]
    if twice:
        raise Malformed(f"profile {name}: the name {twice[0]} must stand once")
    place = document.get("endpoint") or {}
    return Profile(
        name,
        str(document["seed"]),
        document["brief"],
        document["health"],
        Place(place.get("host", "localhost"), place.get("port"), place.get("path", "/metrics"), place.get("ports")),
        tuple(_job(entry) for entry in document.get("scrape", ())),
        tuple(Departure(entry["about"], entry["reason"]) for entry in document.get("departures", ())),
        metrics,
    )


def _job(entry: Mapping[str, Any]) -> Job:
    labels = entry.get("labels") or {}
    return Job(entry["job"], entry["interval"], tuple(entry["targets"]), labels, bool(entry.get("honor_labels")))


def _exported(profile: str, entry: Mapping[str, Any]) -> Exported:
    place = f"profile {profile}: {entry['name']}"
    sources = tuple(_source(one) for one in entry.get("sources", (entry,)))
    names = tuple(label.name for label in sources[0].labels)
    if any(tuple(label.name for label in source.labels) != names for source in sources):
        raise Malformed(f"{place}: all sources must give the same labels, in one order")
    derive = _derivation(entry["derive"]) if entry.get("derive") else None
    buckets = tuple(map(float, entry.get("buckets", ())))
    if (entry["type"] == "histogram") != bool(buckets) or sorted(set(buckets)) != list(buckets):
        raise Malformed(f"{place}: a histogram must have ascending buckets, and nothing else any")
    if derive is not None and derive.kind == "share" and any(source.within is None for source in sources):
        raise Malformed(f"{place}: each source of a share must say `within`")
    return Exported(
        entry["name"],
        entry["type"],
        entry["help"],
        sources,
        float(entry.get("scale", 1)),
        (*names, *(derive.labels if derive is not None else ())),
        buckets,
        tuple(map(float, entry.get("below", ()))),
        entry.get("merge", "last"),
        _zero(place, entry.get("zero"), names),
        derive,
        entry.get("dropped"),
        bool(entry.get("added")),
    )


def _derivation(told: Mapping[str, Any]) -> Derivation:
    lists = {key: tuple(map(float, told[key])) for key in ("quantiles", "windows_s") if key in told}
    return Derivation(**{**told, **lists})


def _source(entry: Mapping[str, Any]) -> Source:
    return Source(
        entry["from"],
        entry["unit"],
        tuple((key, str(value)) for key, value in (entry.get("where") or {}).items()),
        tuple(_label(name, told) for name, told in (entry.get("labels") or {}).items()),
        entry.get("role", ""),
        entry.get("within"),
    )


def _label(name: str, told: str | Mapping[str, Any]) -> Label:
    if isinstance(told, str):
        return Label(name, attribute=told)
    return Label(name, **told)


def _zero(place: str, told: Mapping[str, Iterable[str]] | None, names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Every combination of the listed values; a label that is not listed is an empty text."""
    if told is None:
        return ()
    if set(told) - set(names):
        raise Malformed(f"{place}: a zero series must have labels of the metric only")
    return tuple(itertools.product(*(tuple(map(str, told.get(name, ("",)))) for name in names)))
