"""A user's own rules: read beside the registry, checked against it, written with its other files."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from support.registries import EMPTY_BASE, placed

from otel_trading.catalogue import generate
from otel_trading.catalogue.mistakes import RegistryError
from otel_trading.catalogue.reading import read
from otel_trading.catalogue.rules import cases, of_users
from otel_trading.catalogue.rules.cases import document, originals, parts

RULES = """\
rules: desk
title: a desk
brief: Alerts of a desk.
groups:
  - name: desk
    rules:
      - alert: DeskHolds
        expr: sum by (acme_venue) (rate(acme_router_held_total[5m])) * 60 > ${most_held} and on () up == 1
        severity: warning
        team: trading
        summary: Orders are held.
        description: "{{ $value }} a minute for {{ $labels.acme_venue }}."
        runbook:
          means: No venue takes them.
          look: [{prometheus: acme_router_held_total}, {shell: otel-trading doctor}]
          act: [Ask the venue.]
        cases:
          fires: {'acme_router_held_total{acme_venue="XNAS"}': {per_min: 8}, up: 1}
          below: {'acme_router_held_total{acme_venue="XNAS"}': {per_min: 6}, up: 1}
"""
PARAMETERS = "parameters: [{name: most_held, default: 7, unit: '{order}', brief: Most orders held in a minute.}]\n"


def laid(folder: Path, rules: str = RULES) -> Path:
    """A registry with rules beside it."""
    (folder / "rules").mkdir()
    (folder / "rules/desk.yaml").write_text(rules)
    (folder / "rules/parameters.yaml").write_text(PARAMETERS)
    return placed(folder)


def test_rules_beside_a_registry_are_written(tmp_path: Path) -> None:
    """With the user's metrics, parameters and runbook."""
    registry = laid(tmp_path)
    files = generate.of_users(read(registry, EMPTY_BASE), registry, tmp_path / "instruments")
    written = {
        path.relative_to(tmp_path).as_posix(): text for path, text in files.items() if path.suffix in (".yml", ".md")
    }
    written.pop("instruments/reference.md")
    assert {"collector-config/prometheus/rules/desk.yml", "collector-config/runbooks/desk.md"} == set(written)
    [group] = yaml.safe_load(written["collector-config/prometheus/rules/desk.yml"])["groups"]
    [rule] = group["rules"]
    assert "sum by (acme_venue) (rate(acme_router_held_total[5m])) * 60 > 7 and on () up == 1" == rule["expr"]
    assert {"severity": "warning", "team": "trading", "profile": "desk"} == rule["labels"]
    assert "http://127.0.0.1:8000/runbooks/desk/#deskholds" == rule["annotations"]["runbook_url"]
    assert "## DeskHolds" in written["collector-config/runbooks/desk.md"]
    assert len(files) == len(generate.write(tmp_path, files, check=False).changed)
    assert generate.Outcome((), ()) == generate.write(tmp_path, files, check=True)


def test_a_registry_without_rules_has_no_more_files_than_before(tmp_path: Path) -> None:
    """Nor does it need the parser."""
    registry = placed(tmp_path)
    files = generate.of_users(read(registry, EMPTY_BASE), registry, tmp_path / "instruments")
    assert not any("collector-config" in path.parts for path in files)


def test_a_metric_that_the_registry_lacks_is_a_mistake(tmp_path: Path) -> None:
    """By file and line, with the nearest name."""
    registry = laid(tmp_path, RULES.replace("rate(acme_router_held_total", "rate(acme_router_hold_total"))
    with pytest.raises(RegistryError) as raised:
        generate.of_users(read(registry, EMPTY_BASE), registry, tmp_path / "instruments")
    [mistake] = raised.value.mistakes
    assert ("rules/desk.yaml", 7) == (mistake.place.file, mistake.place.line)
    assert "was the metric acme_router_hold_total. Did you mean 'acme_router_held_total'?" in str(mistake)


def test_cases_of_users_are_written_as_ours(tmp_path: Path) -> None:
    """Four for the alert, and none of originals."""
    registry = laid(tmp_path)
    (rules,), _ = of_users(read(registry, EMPTY_BASE), tmp_path / "rules")
    [part] = parts(rules)
    tests = document(part, ["rules.yml"], lambda name: ())["tests"]
    names = ["fires", "does not fire just below", "in a closed market", "without its series"]
    assert [f"DeskHolds {name}" for name in names] == [test["name"] for test in tests]
    [fires, below, closed, missing] = [test["input_series"] for test in tests]
    assert {"series": 'acme_router_held_total{acme_venue="XNAS"}', "values": "0+2x25"} == fires[0]
    assert ["0+1.5x25", "1x25"] == [one["values"] for one in below]
    assert ["0+0x25", "1x25"] == [one["values"] for one in closed]
    assert [] == missing
    assert {"groups": [{"name": "originals", "rules": []}]} == originals(part)
    assert cases.EVALUATION_S == 15


ABSENT = """\
      - alert: DeskGone
        expr: absent(acme_router_held_total)
        severity: high
        team: infrastructure
        summary: The router tells nothing.
        description: None of its series is there.
        runbook: {means: It is not scraped., look: [], act: [Start it.]}
        cases: {alerts_missing: 1, fires: {}, below: {acme_router_held_total: 1}, closed: {acme_router_held_total: 1}}
"""


def test_an_alert_on_what_is_missing_fires_without_its_series(tmp_path: Path) -> None:
    """As its case says; all others must not."""
    registry = laid(tmp_path, RULES + ABSENT)
    (rules,), _ = of_users(read(registry, EMPTY_BASE), tmp_path / "rules")
    [part] = parts(rules)
    wanted = [
        test["promql_expr_test"][0].get("exp_samples") for test in document(part, ["r.yml"], lambda name: ())["tests"]
    ]
    one = [{"labels": "{}", "value": 1}]
    assert [one, None, None, None, one, None, None, one] == wanted
