"""The profiles' data against our own registry: what they are made of is there, and in the form they need."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, get_args

import pytest
from support.registry_files import load, members, metrics, ours

from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.bounds import wanted
from otel_trading.metrics.profiles.model import Exported, Merge, Source
from otel_trading.metrics.profiles.reading import read

SERVES = {"counter": {"counter"}, "gauge": {"gauge", "updowncounter"}, "histogram": {"histogram"}}
DERIVED_FROM = {"share": {"histogram"}, "max": {"histogram"}, "quantile": {"histogram"}}


@cache
def entries() -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in load("referenced.yaml")["metrics"]} | metrics()


def sources() -> Iterator[tuple[Exported, Source, dict[str, Any]]]:
    for name in PROFILES:
        for exported in read(name).metrics:
            for source in exported.sources:
                assert source.canonical in entries(), exported.name
                yield exported, source, entries()[source.canonical]


def attributes(entry: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By key, of our own metrics and of those of the conventions."""
    return {
        one if isinstance(one, str) else one["ref"]: {} if isinstance(one, str) else one
        for one in entry.get("attributes", [])
    }


def test_canonical_metrics_have_the_kind_and_the_unit_that_profiles_count_on() -> None:
    """Otherwise nothing of them would be shown."""
    for exported, source, entry in sources():
        kinds = DERIVED_FROM.get(exported.derive.kind, {"counter"}) if exported.derive else SERVES[exported.type]
        assert entry["instrument"] in kinds, exported.name
        assert entry["unit"] == source.unit, exported.name


def test_filters_and_labels_are_attributes_of_their_canonical_metric() -> None:
    """With values that it may have."""
    for exported, source, entry in sources():
        known = attributes(entry)
        for key, value in source.where:
            assert key in known, (exported.name, key)
            allowed = _allowed(key, known[key])
            assert allowed is None or value in allowed, (exported.name, key)
        for label in source.labels:
            assert bool(label.attribute) + bool(label.resource) + bool(label.constant) == 1, exported.name
            if not label.attribute:
                continue
            assert label.attribute in known, (exported.name, label.name)
            allowed = _allowed(label.attribute, known[label.attribute])
            assert allowed is None or set(label.values or {}) <= allowed, (exported.name, label.name)


def test_help_tells_the_range_of_what_is_shown() -> None:
    """A share of 1 that is shown in percent goes to 100, and only there."""
    percents = 0
    for exported, source, _ in sources():
        if source.unit == "1" and exported.derive is None:
            assert exported.scale in (1, 100), exported.name
            percents += exported.scale == 100
            assert ("0 to 1" in exported.help.replace("0 to 100", "")) <= (exported.scale == 1), exported.name
            assert ("100" in exported.help) == (exported.scale == 100), exported.name
    assert percents == 3


def test_signed_gauges_are_not_merged_to_the_highest_or_the_lowest() -> None:
    """One of zero would hide one of the other sign."""
    signed = [exported for exported, _, _ in sources() if exported.type == "gauge" and "signed" in exported.help]
    assert {"bog_position_btc", "bog_position_drift"} <= {exported.name for exported in signed}
    for exported in signed:
        assert exported.merge in ("sum", "farthest"), exported.name
    assert {exported.merge for exported, _, _ in sources()} == set(get_args(Merge))


def test_zero_series_have_values_that_can_come() -> None:
    """One that nothing can ever be added to would be a lie."""
    looked_at = 0
    for exported, source, entry in sources():
        for values in exported.zero:
            for label, value in zip(source.labels, values, strict=True):
                allowed = _allowed(label.attribute, attributes(entry).get(label.attribute, {}))
                if not value or allowed is None or label.resource:
                    continue
                assert value in {(label.values or {}).get(one, one) for one in allowed}, (exported.name, label.name)
                looked_at += 1
    assert looked_at > 20


def _allowed(key: str, ref: dict[str, Any]) -> set[str] | None:
    """Values of an enumeration or a list, as text; None if any is."""
    if not ref:  # of the conventions
        return None
    found = members(key) or ours(ref).get("allow")
    return None if found is None else {str(one) for one in found}


@pytest.mark.parametrize("profile", [*PROFILES, "all"])
def test_advised_boundaries_hold_those_of_the_profiles(profile: str) -> None:
    """So a profile changes no histogram that was made by the catalogue, on /metrics or by OTLP."""
    chosen = map(read, PROFILES if profile == "all" else (profile,))
    looked_at = 0
    for name, bounds in wanted(chosen).items():
        entry = entries()[name]
        advised = ours(entry).get("boundaries") or entry.get("boundaries", [])
        assert not {*bounds} - {float(one) for one in advised}, name
        looked_at += 1
    assert looked_at
