"""The rules by Prometheus' own tool: each file loads, each alert is tried in four cases, each repair repairs."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from backend_tools import CONFIG

from otel_trading.catalogue.rules import ours, settings, vocabulary
from otel_trading.catalogue.rules.cases import document, originals, parts
from otel_trading.catalogue.rules.model import Rules
from otel_trading.catalogue.rules.rendering import document as rendered

pytestmark = [pytest.mark.backends, pytest.mark.timeout(400)]
RULES = CONFIG / "prometheus/rules"
FILES = sorted(RULES.rglob("*.yml"))
NAMES = [rules.name for rules in ours()]
UNREPAIRED = [
    pytest.param(alert.name, repair.original, repair.annotation, id=alert.name)
    for rules in ours()
    for alert in rules.alerts
    for repair in alert.repairs
    if repair.annotation
]


def written(folder: Path, rules: Rules) -> list[str]:
    """Files of cases with the rules that they try; returns the former."""
    found = []
    for number, part in enumerate(parts(rules)):
        files = [f"rules{number}.yml", f"originals{number}.yml"]
        dump(folder / files[0], rendered(part, settings.ours()))
        dump(folder / files[1], originals(part))
        dump(folder / f"cases{number}.yml", document(part, files, vocabulary.ours().bounds))
        found.append(str(folder / f"cases{number}.yml"))
    return found


def dump(path: Path, content: dict[str, Any]) -> None:
    path.write_text(yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, width=10**6), encoding="utf-8")


def tried(promtool: str, cases: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([promtool, "test", "rules", *cases], capture_output=True, text=True, timeout=360)


def checked(promtool: str, path: Path) -> subprocess.CompletedProcess[str]:
    command = [promtool, "check", "rules", "--lint-fatal", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(RULES)))
def test_a_file_of_rules_loads(programs: dict[str, str], path: Path) -> None:
    """The corrected ones and those of the documents, as they are committed."""
    told = checked(programs["promtool"], path)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("name", NAMES)
def test_each_alert_fires_when_it_should_and_only_then(programs: dict[str, str], tmp_path: Path, name: str) -> None:
    """It fires; not just below; not in a closed market; not without its series. Originals fail where they are mended."""
    [rules] = [rules for rules in ours() if rules.name == name]
    cases = written(tmp_path, rules)
    tests = [test for path in cases for test in yaml.load(Path(path).read_text(), yaml.CSafeLoader)["tests"]]
    mended = sum(repair.case is not None for alert in rules.alerts for repair in alert.repairs)
    assert 4 * len(rules.alerts) + mended == len(tests)
    told = tried(programs["promtool"], cases)
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("rust_trade", "> 80", "> 90"),
        ("rust_trade", "== 0", "== 1"),
        ("perf", "> 0.05", "> 0.005"),
        ("perf", "severity: warning", "severity: info"),
        # a guard against a closed market
        ("rust_trade", "and on (job, instance) trading_ws_connections_total > 0", ""),
    ],
)
def test_a_mistake_in_a_rule_is_found(
    programs: dict[str, str], tmp_path: Path, name: str, right: str, wrong: str
) -> None:
    """The cases above can fail."""
    [rules] = [rules for rules in ours() if rules.name == name]
    cases = written(tmp_path, rules)
    text = (tmp_path / "rules0.yml").read_text()
    assert right in text
    (tmp_path / "rules0.yml").write_text(text.replace(right, wrong))
    assert tried(programs["promtool"], cases[:1]).returncode != 0


@pytest.mark.parametrize(("alert", "expression", "annotation"), UNREPAIRED)
def test_an_original_that_is_said_not_to_load_does_not(
    programs: dict[str, str], tmp_path: Path, alert: str, expression: str, annotation: str
) -> None:
    """By its annotation: with another one it would."""
    rule = {"alert": alert, "expr": expression, "annotations": {"description": annotation}}
    dump(tmp_path / "original.yml", {"groups": [{"name": "original", "rules": [rule]}]})
    told = checked(programs["promtool"], tmp_path / "original.yml")
    assert told.returncode != 0
    assert "not defined" in told.stdout + told.stderr
    rule["annotations"] = {"description": "as it should be"}
    dump(tmp_path / "mended.yml", {"groups": [{"name": "mended", "rules": [rule]}]})
    assert checked(programs["promtool"], tmp_path / "mended.yml").returncode == 0


def test_a_short_outage_burns_fast_and_ends_soon(programs: dict[str, str], tmp_path: Path) -> None:
    """14.4 times the budget within an hour: told within minutes, and quiet soon after."""
    [rules] = [rules for rules in ours() if rules.name == "py_rt"]
    [part] = [one for one in parts(rules) if one.objectives and one.objectives[0].name == "risk_manager_availability"]
    dump(tmp_path / "rules.yml", rendered(part, settings.ours()))
    alert = 'ALERTS{alertname="PyRtRiskManagerAvailabilityBurnsFast",alertstate="firing"}'
    firing = {"expr": f"count({alert})", "exp_samples": [{"labels": "{}", "value": 1}]}
    test = {
        "name": "five minutes away after two good hours",
        "interval": "1m",
        "input_series": [{"series": 'up{job="risk-manager"}', "values": "1x120 0x4 1x60"}],
        "promql_expr_test": [
            {"expr": alert, "eval_time": "2h"},
            firing | {"eval_time": "2h3m"},
            {"expr": alert, "eval_time": "2h50m"},
        ],
    }
    dump(tmp_path / "cases.yml", {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]})
    told = tried(programs["promtool"], [str(tmp_path / "cases.yml")])
    assert told.returncode == 0, told.stdout + told.stderr
