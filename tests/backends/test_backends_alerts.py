"""The alerts on telemetry itself: each rule by itself, and one all the way from a lost document to Alertmanager."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from backend_stores import ask, wait_until
from backend_tools import CONFIG
from conftest import running, service
from support.children import without_engine

pytestmark = pytest.mark.backends

RULES = CONFIG / "prometheus/rules.yml"
CASES = Path(__file__).with_name("rules_test.yml")

SERVICE = """
    import sys
    import otel_trading as ot

    with ot.init("careless", otlp_endpoint=sys.argv[1], metrics_exporter=["none"], stdout="off") as telemetry:
        ot.get_logger().info("a number", leverage=10)
        assert telemetry.flush(20)
        ot.get_logger().info("a number that is none", leverage="tenfold")
        assert telemetry.flush(20)
"""


def tried(promtool: str, folder: Path, rules: str) -> subprocess.CompletedProcess[str]:
    """The cases against a set of rules; promtool reads the rules beside the cases."""
    (folder / "rules.yml").write_text(rules)
    shutil.copy(CASES, folder)
    command = [promtool, "test", "rules", str(folder / CASES.name)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_each_alert_fires_when_it_should_and_only_then(programs: dict[str, str], tmp_path: Path) -> None:
    """By Prometheus' own tool for rules."""
    told = tried(programs["promtool"], tmp_path, RULES.read_text())
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("expr: up == 0", "expr: up == 1"),
        ("> 0.5", "> 0.05"),
        ('!="409"', '!="410"'),
        # rate() alone does not see the first failure of all
        ("(otelcol_exporter_send_failed_spans_total{", "(absent_total{"),
    ],
)
def test_a_mistake_in_a_rule_is_found(programs: dict[str, str], tmp_path: Path, right: str, wrong: str) -> None:
    """The cases above can fail."""
    rules = RULES.read_text()
    assert right in rules
    assert tried(programs["promtool"], tmp_path, rules.replace(right, wrong)).returncode != 0


def test_no_alert_is_without_a_case_of_each_kind() -> None:
    """One in which it fires, one in which it does not."""
    alerts = {
        rule["alert"]
        for group in yaml.safe_load(RULES.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    cases = [case for test in yaml.safe_load(CASES.read_text())["tests"] for case in test.get("alert_rule_test", [])]
    assert alerts == {case["alertname"] for case in cases if case.get("exp_alerts")}
    assert alerts == {case["alertname"] for case in cases if not case.get("exp_alerts")}


def test_a_document_that_elasticsearch_refuses_reaches_alertmanager() -> None:
    """The rules, Prometheus and Alertmanager as they are deployed, nothing shortened."""
    with running() as stack:
        with service(SERVICE, stack.otlp) as sender:
            _, complaints = sender.communicate(timeout=60)
        assert (sender.returncode, without_engine(complaints)) == (0, "")
        url = f"{stack.servers['alertmanager']['url']}/api/v2/alerts"
        wait_until(lambda: ask(url), 45)
        [alert] = ask(url)
        assert (alert["labels"]["alertname"], alert["labels"]["job"]) == (
            "LogRecordsRefusedByElasticsearch",
            "collector",
        )
        assert "document_parsing_exception" in alert["annotations"]["summary"]
        assert alert["status"]["state"] == "active"
        assert ["a number"] == [line["body"]["text"] for line in stack.logs("service.name:careless")]
