"""The rules against the catalogue of the five systems and their documents. Needs ../shared."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_trading.catalogue.rules import ours
from otel_trading.catalogue.rules.model import Rules, Source
from otel_trading.metrics.profiles.reading import read

pytestmark = pytest.mark.shared
SHARED = Path(__file__).parents[3] / "shared"
PROSE = {
    Source("000", "2.1", "capacity planning"),
    Source("001", "Recommended Panels", "Channel Backpressure: Yellow (50-80%)"),
    Source("002", "8 Phase 5", "Add capacity planning metrics"),
}
"""What a document says in a sentence and the catalogue does not list as a row."""


@cache
def catalogue() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((SHARED / "catalogue/seed-catalogue.yaml").read_text(encoding="utf-8"))
    return found


def rows(table: str) -> set[Source]:
    """The rows of a table as a rule names them."""
    words: dict[str, Callable[[dict[str, Any]], tuple[str, str]]] = {
        "alert_table": lambda row: (row["section"], row["name"] or f"{row['metric']}: {row['condition']}"),
        "slo": lambda row: (row["section"], row["name"]),
        "alert_rules": lambda row: (table, row["alert"]),
        "recording_rules": lambda row: (table, row["record"]),
        "runbooks": lambda row: (table, row["title"]),
        "baseline": lambda row: (row["section"], f"{row['name']}: {row['value']}"),
        "config": lambda row: (row["section"], row["key"]),
    }
    return {Source(row["seed"], *words[table](row)) for row in catalogue()[table]}


def sources(rules: Rules) -> set[Source]:
    alerts = {source for alert in rules.alerts for source in alert.sources}
    return alerts | {source for record in rules.records for source in record.sources}


def asked() -> set[Source]:
    return {source for rules in ours() for source in sources(rules)}


@pytest.mark.parametrize(
    ("table", "count"),
    [("alert_table", 74), ("slo", 36), ("alert_rules", 16), ("recording_rules", 5), ("runbooks", 6)],
)
def test_every_row_has_a_rule(table: str, count: int) -> None:
    """An alert, or a recorded series."""
    assert count == len(catalogue()[table])
    assert set() == rows(table) - asked()


def test_every_sign_of_a_degraded_system_has_a_rule() -> None:
    """Thresholds that a baseline lists."""
    degraded = {row for row in rows("baseline") if "Degraded" in row.section}
    assert len(degraded) == 11
    assert set() == degraded - asked()


def test_no_rule_names_a_row_that_is_not_there() -> None:
    """A misspelt row would not be found from the other side."""
    tables = ("alert_table", "slo", "alert_rules", "recording_rules", "runbooks", "baseline", "config")
    assert PROSE == asked() - {row for table in tables for row in rows(table)}


def test_a_rule_stands_in_the_file_of_its_system() -> None:
    """By the profile."""
    for rules in ours():
        seeds = {source.seed for source in sources(rules)}
        assert seeds <= ({read(rules.name).seed} if rules.name != "trading" else set())


def blocks(seed: str) -> list[Any]:
    """Every block of YAML in a system's document that holds rules."""
    [path] = (SHARED / "seeds").glob(f"{seed}_*.txt")
    text = path.read_text(encoding="utf-8")
    found = [yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", text, re.S)]
    return [one for one in found if isinstance(one, list) or "groups" in one]


def documented(seed: str) -> dict[str, Any]:
    """Its groups, those of one name joined; rules without a group stand under an empty name."""
    groups: dict[str, Any] = {}
    for block in blocks(seed):
        for group in block["groups"] if isinstance(block, dict) else [{"name": "", "rules": block}]:
            known = groups.setdefault(group["name"], {**group, "rules": []})
            known["rules"] += group["rules"]
    return groups


@pytest.mark.parametrize("rules", [rules for rules in ours() if rules.verbatim], ids=lambda rules: rules.name)
def test_verbatim_rules_are_those_of_the_document(rules: Rules) -> None:
    """In its groups and intervals; all but those that are listed with the reason why they do not load."""
    left_out = {name for name, _ in rules.not_loaded}
    expected = documented(read(rules.name).seed)
    for group in expected.values():
        group["rules"] = [rule for rule in group["rules"] if rule.get("alert") not in left_out]
    if "" in expected:
        expected = {rules.name: {**expected[""], "name": rules.name}}
    assert expected == {group["name"]: group for group in yaml.safe_load(rules.verbatim)["groups"]}


def test_systems_without_rules_of_their_own_have_none_verbatim() -> None:
    """Two have tables only."""
    assert {"000", "003"} == {
        read(rules.name).seed for rules in ours() if not rules.verbatim and rules.name != "trading"
    }
    assert documented("000") == documented("003") == {}


REPAIRED = {
    "CircuitBreakerTriggered", "MaxDailyLossExceeded", "WebSocketDisconnected", "HighOrderLatency",
    "MLInferenceFailure", "FillQueueOverflow", "PositionLimitNear", "DailyLossNear", "SequenceGapStorm", "NoFills",
}  # fmt: skip
"""Executable rules for which the catalogue lists a defect."""


def test_every_defect_of_the_catalogue_is_repaired() -> None:
    """With a case that shows it; dead thresholds of tables as well."""
    assert REPAIRED == {row["alert"] for row in catalogue()["alert_rules"] if "defect" in row}
    broken = {Source(row["seed"], "alert_rules", row["alert"]) for row in catalogue()["alert_rules"] if "defect" in row}
    for row in catalogue()["alert_table"]:
        if "defect" in row:
            broken.add(Source(row["seed"], row["section"], row["name"] or f"{row['metric']}: {row['condition']}"))
    mended = {source for rules in ours() for alert in rules.alerts if alert.repairs for source in alert.sources}
    assert set() == broken - mended
