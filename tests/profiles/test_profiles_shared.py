"""The profiles' data against the catalogue of the five systems. Needs ../shared."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from catalogue.test_catalogue_seeds_named import RENAMED
from support.registry_files import load, metrics

from otel_trading.config.knob import PROFILES
from otel_trading.metrics.profiles.model import Exported
from otel_trading.metrics.profiles.reading import read
from otel_trading.metrics.units import factor

pytestmark = pytest.mark.shared
SHARED = Path(__file__).parents[3] / "shared" / "catalogue"
UNBOUNDED = {"trade_id", "error_message", "input_features_count"}
ELSEWHERE = {"perf_component_memory_bytes": "trading.component.memory"}
"""Served by another canonical metric than the one named first, as a note in the catalogue says."""
FILTERED = {"waiver_resource_disk_usage": {"system.filesystem.state": "used"}}
"""By the conventions, which have a series for each state."""
SEED_UNITS = {"MBy": "MBy", "us": "us", "ms": "ms", "ns": "ns", "%": "%"}


@cache
def catalogue() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((SHARED / "seed-catalogue.yaml").read_text(encoding="utf-8"))
    return found


def rows() -> list[dict[str, Any]]:
    return list(catalogue()["metrics"])


def exported() -> dict[str, tuple[str, Exported]]:
    return {one.name: (profile, one) for profile in PROFILES for one in read(profile).metrics}


def canonical_units() -> dict[str, str]:
    referenced = {entry["name"]: entry["unit"] for entry in load("referenced.yaml")["metrics"]}
    return referenced | {name: entry["unit"] for name, entry in metrics().items()}


def test_every_metric_of_the_catalogue_is_in_its_profile_and_no_other() -> None:
    """All 192, derived ones and those that are used and never defined included; ours besides are marked."""
    assert len(rows()) == 192
    seeds = {read(name).seed: name for name in PROFILES}
    assert {row["name"]: seeds[row["seed"]] for row in rows()} == {
        name: profile for name, (profile, one) in exported().items() if not one.added
    }


def test_no_name_is_in_two_profiles() -> None:
    """So any of them can run together."""
    assert len(exported()) == sum(len(read(profile).metrics) for profile in PROFILES)


def test_type_labels_and_buckets_are_those_of_the_catalogue() -> None:
    """But for the labels without bound, which are listed, and P&L that can fall."""
    for row in rows():
        _, one = exported()[row["name"]]
        assert one.type == (row.get("emit_type") or row["type"]), row["name"]
        assert list(one.labels) == [label for label in row.get("labels") or () if label not in UNBOUNDED], row["name"]
        assert set(one.dropped or ()) == set(row.get("labels") or ()) & UNBOUNDED, row["name"]
        buckets = row.get("buckets") or row.get("proposed_buckets") or ()
        assert list(one.buckets) == list(map(float, buckets)), row["name"]


def test_help_is_the_documents_where_it_has_one() -> None:
    """And there is one for every metric."""
    told = {row["name"]: row["help"] for row in catalogue()["help"]}
    for name, (_, one) in exported().items():
        assert one.help == (told.get(name) or one.help)
        assert one.help


def test_scale_is_the_factor_between_the_two_units() -> None:
    """From the unit of the canonical metric to that of the system."""
    for row in rows():
        _, one = exported()[row["name"]]
        for source in one.sources:
            assert source.unit == canonical_units()[source.canonical], row["name"]
        if row["unit"] in SEED_UNITS and one.derive is None:
            assert one.scale == pytest.approx(factor(one.sources[0].unit, SEED_UNITS[row["unit"]])), row["name"]
        else:
            assert one.scale == 1, row["name"]


def test_sources_are_the_canonical_metrics_with_their_filters() -> None:
    """What a row names, under the names of the registry."""
    for row in rows():
        _, one = exported()[row["name"]]
        if row["canonical"].startswith("derived:"):
            assert one.derive is not None, row["name"]
            continue
        wanted = ELSEWHERE.get(row["name"], RENAMED.get(row["canonical"], row["canonical"]))
        if one.derive is not None and one.derive.kind == "share":
            continue  # the catalogue says: derive it from the buckets at the targets
        (source,) = one.sources
        assert source.canonical == wanted, row["name"]
        assert dict(source.where) == (row.get("filter") or FILTERED.get(row["name"], {})), row["name"]


def test_value_maps_hold_those_of_the_catalogue() -> None:
    """A profile may know more values than the document has."""
    looked_at = 0
    for row in rows():
        _, one = exported()[row["name"]]
        for name, values in (row.get("value_map") or {}).items():
            if name == "value":  # numbers of a gauge, which the canonical metric has too
                continue
            label = next(label for label in one.sources[0].labels if label.name == name)
            assert values.items() <= (label.values or {}).items(), row["name"]
            looked_at += 1
    assert looked_at > 10


def test_scrape_jobs_ports_and_health_are_those_of_the_catalogue() -> None:
    """Each job with its targets and labels, each port of a service."""
    for profile in map(read, PROFILES):
        named = {row["job"]: row for row in catalogue()["scrape"] if row["seed"] == profile.seed and row.get("job")}
        for job in profile.jobs:
            if job.name not in named:  # the document has no scrape configuration
                assert not named
                continue
            row = named[job.name]
            assert list(job.targets) == row["targets"]
            assert dict(job.labels) == row["labels"]
            assert job.interval == (row["scrape_interval"] or row["global_scrape_interval"])
        assert set(named) <= {job.name for job in profile.jobs}
        ports = [row for row in catalogue()["ports"] if row["seed"] == profile.seed and "metrics" in str(row["use"])]
        for row in ports:
            if row["port"] is not None:
                assert profile.place.port_of(row["service"]) == row["port"]
                assert profile.place.host == row["bind"]
        forms = {row["seed"]: row for row in catalogue()["health"]}
        assert (profile.health == "json") == (forms[profile.seed]["path"] is None)
