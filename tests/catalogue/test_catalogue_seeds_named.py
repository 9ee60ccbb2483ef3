"""Every metric of the five systems has a canonical one that can serve it. Needs ../shared."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from support.registry_files import CATALOGUE, load, members, metrics, ours, registry

SHARED = Path(__file__).parents[3] / "shared" / "catalogue"
pytestmark = pytest.mark.shared

RENAMED = {
    # metric namespaces are singular
    "trading.accounts.active": "trading.matching.account.active",
    "trading.events.dropped": "trading.event.dropped",
    "trading.events.processed": "trading.event.processed",
    "trading.events.processing.duration": "trading.event.processing.duration",
    "trading.events.send.errors": "trading.event.send.errors",
    "trading.events.sent": "trading.event.sent",
    "trading.runtime.workers.active": "trading.runtime.worker.active",
    "trading.symbols.activated": "trading.matching.symbol.activated",
    "trading.symbols.activation.duration": "trading.matching.symbol.activation.duration",
    "trading.symbols.active": "trading.matching.symbol.active",
    "trading.symbols.cpu.utilization": "trading.matching.symbol.cpu.utilization",
    "trading.symbols.evicted": "trading.matching.symbol.evicted",
    "trading.symbols.eviction.duration": "trading.matching.symbol.eviction.duration",
    "trading.symbols.memory": "trading.matching.symbol.memory.usage",
    "trading.symbols.queue_wiring.duration": "trading.matching.symbol.queue_wiring.duration",
    "trading.symbols.tick.duration": "trading.matching.symbol.tick.duration",
    "trading.threads.spawn.duration": "trading.thread.spawn.duration",
    "trading.threads.utilization": "trading.thread.utilization",
    # a known bound is called `limit`, after what it bounds
    "trading.limit.max_daily_loss": "trading.pnl.daily_loss.limit",
    "trading.limit.max_position": "trading.position.limit",
    # was the namespace of trading.md.stale.age
    "trading.md.stale": "trading.md.stale.detections",
    # Prometheus' translation takes `total` out of a name that is no counter's
    "trading.pnl.total": "trading.pnl.combined",
}
"""Names of the seed catalogue that break a rule, and what they are called here."""

TO_BASE_UNIT = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3}
SECOND_HOME = {"003: Memory usage per component", "000: waiver_market_symbol_orders_total"}
"""Sources of a metric that the seed catalogue speaks of in notes."""


@cache
def seeds() -> list[dict[str, Any]]:
    document = yaml.safe_load((SHARED / "seed-catalogue.yaml").read_text(encoding="utf-8"))
    return [row for row in document["metrics"] if not row["canonical"].startswith("derived:")]


@cache
def referenced() -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in load("referenced.yaml")["metrics"]}


def canonical(row: dict[str, Any]) -> dict[str, Any]:
    """The entry that serves a metric of a seed."""
    name = RENAMED.get(row["canonical"], row["canonical"])
    found = metrics().get(name) or referenced().get(name)
    assert found is not None, name
    return found


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SHARED / "schemas" / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("area", registry())
def test_definitions_are_valid_by_weavers_schema(area: str):
    """No unknown key, nothing missing, no wrong type."""
    assert [] == [error.message for error in schema("semconv.schema.v2.json").iter_errors(registry()[area])]


def test_manifest_is_valid_by_weavers_schema():
    """The schema wants the URL as an object, Weaver itself reads and writes it as text, as its example does."""
    document = load("registry/manifest.yaml")
    example = yaml.safe_load((SHARED / "example-registry" / "manifest.yaml").read_text(encoding="utf-8"))
    assert isinstance(document["schema_url"], str)
    assert isinstance(example["schema_url"], str)
    document["schema_url"] = {"url": document["schema_url"]}
    assert [] == [error.message for error in schema("definition-manifest.v2.json").iter_errors(document)]


def test_renamed_names_are_the_catalogues_and_ours():
    """No rename of something that is not there, and none to something that is not there."""
    assert set() == set(RENAMED) - {row["canonical"] for row in seeds()}
    assert set() == set(RENAMED.values()) - set(metrics())
    assert set() == set(RENAMED) & set(metrics())


def test_every_metric_of_the_seeds_has_a_canonical_one():
    """All 185 that are instruments, those that a seed uses without defining included."""
    assert len(seeds()) > 180
    for row in seeds():
        canonical(row)


def test_sources_are_the_rows_of_the_catalogue():
    """Who looks at a canonical metric finds the systems it serves, each of them."""
    expected: dict[str, set[str]] = {}
    for row in seeds():
        expected.setdefault(canonical(row)["name"], set()).add(f"{row['seed']}: {row['seed_name']}")
    for name, entry in metrics().items():
        assert set(ours(entry).get("source", [])) - SECOND_HOME == expected.get(name, set()) - SECOND_HOME, name
    for name, entry in referenced().items():
        told = set(entry["source"])
        assert expected.get(name, set()) <= told, name


def test_instruments_can_serve_the_seeds():
    """A histogram stays one; a counter may be served as a gauge only where it can fall."""
    for row in seeds():
        found, wanted = canonical(row)["instrument"], row.get("emit_type", row["type"])
        assert found in {"gauge": ("gauge", "updowncounter")}.get(wanted, (wanted,)), row["seed_name"]


def test_boundaries_hold_those_of_every_seed():
    """A profile takes buckets away; it cannot make new ones."""
    looked_at = 0
    for row in seeds():
        buckets = row.get("buckets") or row.get("proposed_buckets") or []
        entry = canonical(row)
        boundaries = ours(entry).get("boundaries") or entry.get("boundaries", [])
        wanted = {float(f"{bucket * TO_BASE_UNIT.get(row['unit'], 1):.12g}") for bucket in buckets}
        assert set() == wanted - {float(one) for one in boundaries}, row["seed_name"]
        looked_at += bool(buckets)
    assert looked_at > 50


def test_a_finite_boundary_stands_above_those_of_a_dead_alert():
    """Seven alerts of 002 compare with its top bucket, where a quantile ends: ours go on."""
    dead = [row for row in seeds() if any("DEAD ALERT" in note for note in row["notes"])]
    assert 7 == len(dead)
    for row in dead:
        top = max(row["buckets"]) * TO_BASE_UNIT[row["unit"]]
        assert ours(canonical(row))["boundaries"][-1] > top, row["seed_name"]


def test_filters_are_attributes_of_their_metric():
    """What tells two series of one canonical metric apart is one of its attributes, with a value it may have."""
    looked_at = 0
    for row in seeds():
        entry = canonical(row)
        if entry["name"] in referenced():
            assert set(row.get("filter", {})) <= set(entry["attributes"]), row["seed_name"]
            continue
        refs = {ref["ref"]: ref for ref in entry.get("attributes", [])}
        for key, value in row.get("filter", {}).items():
            assert value in (members(key) or ours(refs[key]).get("allow") or [value]), row["seed_name"]
            looked_at += 1
    assert looked_at > 15


def test_nothing_of_shared_is_in_the_package():
    """The files name the systems by number, and no place outside of the package."""
    for entry in (CATALOGUE / "registry").iterdir():
        assert "../shared" not in entry.read_text(encoding="utf-8")
