"""What stands under `annotations: {otel_trading: ...}` in the registry."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from typing import Any

import pytest
from support.registry_files import AREAS, attributes, each, members, metrics, ours, registry

MOST_BOUNDARIES = 32
SOURCE = re.compile(r"00[0-4]: .+")


def python_name(name: str, entry: dict[str, Any]) -> str:
    """The name in Python: the annotation, or the name without its first two namespaces."""
    found: str = ours(entry).get("python") or "_".join(name.split(".")[2:])
    return found


def test_only_known_annotations_are_used():
    """A misspelt one would be passed over in silence."""
    for name, entry in metrics().items():
        assert {"otel_trading"} >= set(entry.get("annotations", {})), name
        assert {"python", "source", "boundaries", "initial"} >= set(ours(entry)), name
        for ref in entry.get("attributes", []):
            assert {"allow"} >= set(ours(ref)), name
    of_resource = {entry["key"] for entry in registry()["resource"]["attributes"]}
    for key, entry in attributes().items():
        assert {"python", *({"resource"} if key in of_resource else ())} == set(ours(entry)), key


@pytest.mark.parametrize("area", AREAS)
def test_python_names_are_unique_in_an_area(area: str):
    """Two instruments of one module need two names, and each has to be one."""
    found = [python_name(entry["name"], entry) for place, entry in each("metrics") if place == area]
    assert found
    assert [] == [name for name, count in Counter(found).items() if count > 1]
    assert [] == [name for name in found if not name.isidentifier() or keyword.iskeyword(name)]


def test_python_name_of_the_design_is_kept():
    """`risk.pretrade_check_duration.bind(check_type=...)` is the public form."""
    entry = metrics()["trading.risk.check.duration"]
    assert "pretrade_check_duration" == python_name("trading.risk.check.duration", entry)
    assert ["risk.check.type"] == [ref["ref"] for ref in entry["attributes"]]
    assert "check_type" == ours(attributes()["risk.check.type"])["python"]


def test_keywords_of_attributes_are_unique():
    """`bind(side=...)` must mean one attribute on all instruments."""
    found = [ours(entry)["python"] for entry in attributes().values()]
    assert [] == [name for name, count in Counter(found).items() if count > 1]
    assert [] == [name for name in found if not name.isidentifier() or keyword.iskeyword(name)]


@pytest.mark.parametrize("name", metrics())
def test_histograms_and_only_they_have_boundaries(name: str):
    """Ascending numbers in the metric's own unit, not so many that a scrape feels them."""
    entry = metrics()[name]
    assert ("histogram" == entry["instrument"]) == ("boundaries" in ours(entry))
    found = ours(entry).get("boundaries", [1])
    assert all(type(one) in (int, float) for one in found)
    assert sorted(set(found)) == found
    assert len(found) <= MOST_BOUNDARIES


@pytest.mark.parametrize("name", [name for name, entry in metrics().items() if "initial" in ours(entry)])
def test_initial_series_fit_the_attributes(name: str):
    """A series at zero has the keys of the metric, values of its enumerations, and all that is required."""
    entry = metrics()[name]
    levels = {ref["ref"]: ref["requirement_level"] for ref in entry["attributes"]} if "attributes" in entry else {}
    required = {key for key, level in levels.items() if level == "required"}
    assert entry["instrument"] in ("counter", "gauge")
    sets = ours(entry)["initial"]
    assert sets
    for labels in sets:
        assert required <= set(labels) <= set(levels)
        for key, value in labels.items():
            assert value in (members(key) or [value])
    assert len(sets) == len({tuple(sorted(labels.items())) for labels in sets})


def test_allowed_values_stand_on_open_attributes():
    """An enumeration knows its values; a list on top of it would be a second truth."""
    seen = 0
    for name, entry in metrics().items():
        for ref in entry.get("attributes", []):
            allowed = ours(ref).get("allow")
            if allowed is None:
                continue
            seen += 1
            assert members(ref["ref"]) is None, name
            assert len(allowed) == len(set(allowed)) > 1, name
            for labels in ours(entry).get("initial", []):
                assert labels.get(ref["ref"], allowed[0]) in allowed, name
    assert seen


def test_closed_classes_of_errors_are_listed():
    """Where an error's class is required, its values are known."""
    for name, entry in metrics().items():
        for ref in entry.get("attributes", []):
            if ref["ref"] == "error.type" and ref["requirement_level"] == "required":
                assert ours(ref).get("allow"), name


def test_sources_name_a_system_and_its_metric():
    """`000: whistle.tick_duration`."""
    for name, entry in metrics().items():
        found = ours(entry).get("source", [])
        assert [] == [one for one in found if not SOURCE.fullmatch(one)], name
        assert len(found) == len(set(found)), name


def test_limits_divide_what_they_bound():
    """A query divides two series only if their label sets are the same."""
    pairs = {
        "trading.position.quantity": "trading.position.limit",
        "trading.pnl.daily": "trading.pnl.daily_loss.limit",
        "trading.queue.depth": "trading.queue.capacity",
    }
    for value, limit in pairs.items():
        assert metrics()[value]["attributes"] == metrics()[limit]["attributes"]
        assert metrics()[value]["unit"] == metrics()[limit]["unit"]
