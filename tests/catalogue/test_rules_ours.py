"""Our own rules: every expression and query names what exists, every alert leads to its runbook, commands are real."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_trading.catalogue import rules as catalogue
from otel_trading.catalogue.rules import ours, settings, vocabulary
from otel_trading.catalogue.rules.model import Rules
from otel_trading.catalogue.rules.promql import labels_of, mistakes
from otel_trading.cli.main import parser
from otel_trading.config.knob import PROFILES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs/runbooks").glob("*.md"))
PROMETHEUS = ROOT / "collector-config/prometheus"
COLLECTORS = re.compile(r"(otelcol|jaeger|telemetry|prometheus)[_:]\w+")
"""Series of other programs, whose names the tests of rules.yml try on the real ones."""


def known() -> dict[str, frozenset[str]]:
    """What a query may name: all metrics, and all that is recorded."""
    found = dict(vocabulary.ours().series)
    for rules in ours():
        for record in rules.records:
            found[record.name] = labels_of(record.expr, found) | frozenset(record.labels)
    return found


def fences(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.S | re.M)


def test_every_profile_has_rules_and_everybody_else_too() -> None:
    """Between 15 and 25 for who has no profile."""
    assert {*PROFILES, "trading"} == {rules.name for rules in ours()}
    [canonical] = [rules for rules in ours() if rules.name == "trading"]
    assert 15 <= len(canonical.alerts) <= 25


@pytest.mark.parametrize("rules", ours(), ids=lambda rules: rules.name)
def test_every_alert_says_what_it_means_and_what_to_do(rules: Rules) -> None:
    """In words, with a page besides where one is named."""
    for alert in rules.alerts:
        assert alert.runbook.means, alert.name
        assert alert.runbook.act, alert.name
        assert alert.summary.endswith("."), alert.name
        assert alert.runbook.see == "" or (ROOT / f"docs/runbooks/{alert.runbook.see}.md").exists(), alert.name


def written() -> list[tuple[str, dict[str, Any]]]:
    """Every rule of every committed file that is loaded."""
    files = [PROMETHEUS / "rules.yml", *sorted((PROMETHEUS / "rules").glob("*.yml"))]
    groups = [(file.stem, group) for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    return [(name, rule) for name, group in groups for rule in group["rules"] if "alert" in rule]


def test_every_alert_leads_to_a_section_of_its_own() -> None:
    """By runbook_url, which ends with the anchor that the page makes of the heading."""
    for name, rule in written():
        page = "telemetry" if name == "rules" else name
        url = f"{settings.ours().values['runbooks_url']}/{page}/#{rule['alert'].lower()}"
        assert url == rule["annotations"]["runbook_url"]
        assert f"\n## {rule['alert']}\n" in (ROOT / f"docs/runbooks/{page}.md").read_text(encoding="utf-8")


def test_every_alert_has_labels_to_route_by_and_a_name_of_its_own() -> None:
    """Those of telemetry, too."""
    names = [rule["alert"] for _, rule in written()]
    assert len(names) == len(set(names))
    for name, rule in written():
        assert {"severity", "team", "profile"} <= rule["labels"].keys(), rule["alert"]
        assert rule["labels"]["profile"] == ("telemetry" if name == "rules" else name)


def test_prometheus_loads_what_fits_everybody() -> None:
    """Rules of profiles are the user's choice, and those of a document have the names of their repaired ones."""
    loaded = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["rule_files"]
    assert ["rules.yml", "rules/trading.yml"] == loaded
    for verbatim in (PROMETHEUS / "rules/verbatim").glob("*.yml"):
        assert (PROMETHEUS / "rules" / verbatim.name).exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_query_of_a_runbook_names_what_exists(page: Path) -> None:
    """Parsed; metrics and labels are those of the registry, the profiles and the recorded series."""
    names = known()
    for query in fences(page, "promql"):
        found = [wrong for wrong, _ in mistakes(query, names)]
        assert [] == [wrong for wrong in found if not COLLECTORS.search(query)], query
        assert not any("parse" in wrong or "unexpected" in wrong for wrong in found), query


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_ours_in_a_runbook_is_one(page: Path) -> None:
    """As the command line itself reads it."""
    lines = [line for block in fences(page, "console") for line in block.splitlines()]
    for line in lines:
        if line.startswith("otel-trading "):
            assert callable(parser().parse_args(shlex.split(line)[1:]).run)


def test_runbooks_hold_queries_and_commands() -> None:
    """The two tests above look at something."""
    assert sum(len(fences(page, "promql")) for page in PAGES) > 300
    assert sum("otel-trading " in block for page in PAGES for block in fences(page, "console")) > 15


def test_the_longer_runbooks_are_there() -> None:
    """Six of the systems' documents, and one more."""
    named = {alert.runbook.see for rules in ours() for alert in rules.alerts} - {""}
    assert named == {
        "circuit-breaker", "kill-switch", "high-order-latency", "websocket-disconnection", "latency-spike", "no-fills",
        "fill-queue",
    }  # fmt: skip


def test_parameters_change_the_rules() -> None:
    """A number in an expression, an address in an annotation."""
    changed = settings.ours().with_values({"max_position_usd": 77, "runbooks_url": "https://books.example"})
    text = catalogue.files(changed)[Path("collector-config/prometheus/rules/py_rt.yml")]
    assert "abs(trading_position_value_usd) > 77" in text
    assert "runbook_url: https://books.example/py_rt/#highorderlatency" in text


def test_every_parameter_of_numbers_is_used() -> None:
    """By a rule; those of dashboards may come besides."""
    text = "".join(path.read_text() for path in (ROOT / "otel_trading/catalogue/rules").glob("*.yaml"))
    unused = {name for name in settings.ours().values if f"${{{name}}}" not in text}
    assert unused <= {"runbooks_url"}
