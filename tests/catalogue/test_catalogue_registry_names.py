"""Names, units and references of the registry, by the rules of the semantic conventions."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from support.registry_files import AREAS, attributes, each, load, metrics, registry

NAME = re.compile(r"[a-z][a-z0-9]*([._][a-z0-9]+)*")
WITHOUT_NAMESPACE = {"outcome", "format"}
UNITS = {"1", "s", "By", "USD"}
ANNOTATED_UNIT = re.compile(r"\{[a-z][a-z_]*\}")
UNIT_WORDS = {
    "seconds", "second", "sec", "ms", "us", "ns", "millis", "micros", "nanos", "bytes", "byte", "mb", "kb",
    "usd", "bps", "percent", "btc", "total", "count",
}  # fmt: skip
TYPES = {"string": str, "int": int, "double": float, "boolean": bool}
IDENTIFIERS = {
    "trading.order.id", "trading.order.client_id", "trading.order.root_client_id", "trading.execution.id",
    "trading.account", "trading.ts.exchange", "trading.ts.receive", "md.sequence",
    "trading.order.quantity", "trading.execution.price",
}  # fmt: skip

SIGNALS: list[tuple[str, str, dict[str, Any]]] = [
    (f"{area}.yaml {kind} {entry.get('name') if kind != 'spans' else entry['type']}", kind, entry)
    for kind in ("metrics", "spans", "events")
    for area, entry in each(kind)
]


def name_of(kind: str, entry: dict[str, Any]) -> str:
    found: str = entry["type" if kind == "spans" else "name"]
    return found


def test_there_is_one_file_an_area():
    """What is in the directory is read by Weaver, so nothing else may stand there."""
    assert {*AREAS, "attributes", "resource"} == set(registry())


def test_files_hold_definitions_and_no_imports():
    """Imports would fetch the conventions from the network at each check."""
    for area, document in registry().items():
        assert "definition/2" == document["file_format"], area
        assert set(document) <= {"file_format", "attributes", "metrics", "spans", "events"}, area
    assert {"description", "schema_url", "stability"} == set(load("registry/manifest.yaml"))


def test_each_name_is_defined_once():
    """Twice the same name is a mistake of Weaver's, and a lost definition of ours."""
    for kind in ("metrics", "spans", "events"):
        counts = Counter(name_of(kind, entry) for _, entry in each(kind))
        assert [] == [name for name, count in counts.items() if count > 1], kind
    counts = Counter(entry["key"] for _, entry in each("attributes"))
    assert [] == [key for key, count in counts.items() if count > 1]


def test_names_are_lower_case_words_in_namespaces():
    """Lower case, dots between namespaces, underscores between words; ours are all in a namespace."""
    names = [name_of(kind, entry) for _, kind, entry in SIGNALS] + list(attributes())
    assert [] == [name for name in names if not NAME.fullmatch(name)]
    assert WITHOUT_NAMESPACE == {name for name in names if "." not in name}
    assert [] == [name for name in metrics() if not name.startswith(("trading.", "otel_trading."))]


def test_no_name_is_the_namespace_of_another():
    """`a.b` beside `a.b.c` cannot be stored as nested fields."""
    for names in (list(metrics()), list(attributes()), [entry["name"] for _, entry in each("events")]):
        below = {name.rsplit(".", cut)[0] for name in names for cut in range(1, name.count(".") + 1)}
        assert [] == sorted(below & set(names))


def test_names_differ_by_more_than_dots():
    """Generated constants replace dots by underscores; Prometheus does so too."""
    for names in (list(metrics()), list(attributes())):
        assert [] == [name for name, count in Counter(n.replace(".", "_") for n in names).items() if count > 1]


def test_no_attribute_has_the_name_of_a_metric():
    """They mean different things, so a search must tell them apart."""
    assert set() == set(attributes()) & set(metrics())


def test_metric_names_hold_no_unit_and_no_total():
    """The unit has a field of its own, and the exposition adds `_total`."""
    assert [] == [name for name in metrics() if UNIT_WORDS & set(re.split(r"[._]", name))]


def test_metric_namespaces_are_singular():
    """`trading.symbol.active`, not `trading.symbols.active`; the last word may be a plural."""
    plural = {"symbols", "orders", "events", "threads", "workers", "accounts", "queues", "fills", "trades", "ticks"}
    assert [] == [name for name in metrics() if plural & set(name.split(".")[:-1])]


@pytest.mark.parametrize("name", metrics())
def test_units_are_base_units(name: str):
    """Seconds, bytes, ratios, money, and things counted: nothing that would need a conversion between two metrics."""
    unit = metrics()[name]["unit"]
    assert unit in UNITS or ANNOTATED_UNIT.fullmatch(unit)
    if name.endswith((".duration", ".time", ".age", ".lifetime", ".delay", ".latency", ".interval")):
        assert "s" == unit
    if name.endswith((".utilization", "_ratio", ".state", ".status")):
        assert "1" == unit


@pytest.mark.parametrize(("place", "kind", "entry"), SIGNALS, ids=[place for place, _, _ in SIGNALS])
def test_signals_are_described(place: str, kind: str, entry: dict[str, Any]):
    """Stability, one sentence, and what the kind needs; no key that the format does not know."""
    needed = {
        "metrics": {"name", "instrument", "unit", "stability", "brief", "note"},
        "spans": {"type", "kind", "name", "stability", "brief", "attributes"},
        "events": {"name", "stability", "brief", "attributes"},
    }[kind]
    assert needed <= set(entry) <= needed | {"note", "attributes", "annotations"}
    assert "development" == entry["stability"]
    for text in (entry["brief"], entry.get("note", entry["brief"])):
        assert text.endswith(".")
        assert text == text.strip()


@pytest.mark.parametrize(("place", "kind", "entry"), SIGNALS, ids=[place for place, _, _ in SIGNALS])
def test_references_resolve(place: str, kind: str, entry: dict[str, Any]):
    """Each attribute is defined, referred to once, and says whether it is needed."""
    refs = [ref["ref"] for ref in entry.get("attributes", [])]
    assert [] == [ref for ref in refs if ref not in attributes()]
    assert len(refs) == len(set(refs))
    for ref in entry.get("attributes", []):
        level = ref["requirement_level"]
        assert level in ("required", "recommended", "opt_in") or {"conditionally_required"} == set(level)


@pytest.mark.parametrize("key", attributes())
def test_attributes_are_described(key: str):
    """Stability, one sentence, and examples of the right type or members."""
    entry = attributes()[key]
    assert entry["stability"] in ("development", "stable")
    assert entry["brief"].endswith(".")
    assert entry.get("note", ".").endswith(".")
    if isinstance(entry["type"], str):
        expected = TYPES[entry["type"]]
        assert [] == [one for one in entry.get("examples", []) if type(one) is not expected]
        assert entry.get("examples") or expected is bool
        return
    found = entry["type"]["members"]
    for member in found:
        assert NAME.fullmatch(member["id"])
        assert member["id"] == member["value"]
        assert "development" == member["stability"]
        assert member["brief"].endswith(".")
        assert member.get("note", ".").endswith(".")
    assert len(found) == len({member["id"] for member in found}) > 1


@pytest.mark.parametrize("name", metrics())
def test_metrics_carry_no_identifier(name: str):
    """An id, a price, a time: each would make a series for each order or message."""
    carried = {ref["ref"] for ref in metrics()[name].get("attributes", [])}
    told = {
        key for key, entry in attributes().items() if re.search("[Nn]ot for metrics|spans only", entry.get("note", ""))
    }
    assert set() == carried & (IDENTIFIERS | told)


@pytest.mark.parametrize("name", metrics())
def test_symbols_are_asked_for(name: str):
    """Nobody gets a series for each symbol unless he wants it, but where the metric is about nothing else."""
    levels = {ref["ref"]: ref["requirement_level"] for ref in metrics()[name].get("attributes", [])}
    expected = "required" if name == "trading.matching.symbol.orders" else "opt_in"
    assert levels.get("trading.symbol", expected) == expected
