"""The files that are deployed pass the checks of the programs that read them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from backend_stores import Stack, ask
from conftest import ROOT, backends

pytestmark = pytest.mark.backends

CONFIG = ROOT / "collector-config"


def checked(*command: str | Path) -> None:
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", sorted((CONFIG / "collector").glob("*.yaml")), ids=lambda path: path.name)
def test_collector_configurations_are_valid(path: Path, programs: dict[str, str]) -> None:
    """With nothing set, so with the defaults."""
    checked(programs["otelcol-trading"], "validate", "--config", path)


def test_a_mistake_in_a_collector_configuration_is_found(tmp_path: Path, programs: dict[str, str]) -> None:
    """The check above can fail."""
    broken = tmp_path / "broken.yaml"
    broken.write_text((CONFIG / "collector/single.yaml").read_text().replace("limit_mib:", "limit_mb:"))
    done = subprocess.run([programs["otelcol-trading"], "validate", "--config", broken], capture_output=True, text=True)
    assert done.returncode != 0
    assert "limit_mb" in done.stderr


def test_prometheus_configuration_and_rules_are_valid(programs: dict[str, str]) -> None:
    """Rules and targets that the configuration names are read as well."""
    checked(programs["promtool"], "check", "config", CONFIG / "prometheus/prometheus.yml")


def test_alertmanager_configuration_is_valid(programs: dict[str, str]) -> None:
    """By Alertmanager's own tool."""
    checked(programs["amtool"], "check-config", CONFIG / "alertmanager/alertmanager.yml")


def test_the_index_template_applies_to_the_stream_of_our_logs(stack: Stack) -> None:
    """Elasticsearch's simulation of what a new stream would get."""
    url = f"{stack.servers['elasticsearch']['url']}/_index_template/_simulate_index/logs-generic.otel-default"
    properties = ask(url, method="POST")["template"]["mappings"]["properties"]
    assert properties["trace"]["properties"]["id"] == {"type": "alias", "path": "trace_id"}
    assert properties["trading"]["properties"]["order_id"]["path"] == "attributes.trading.order.id"


def test_the_stack_says_that_it_is_ready(stack: Stack) -> None:
    """`status`, with its exit code for scripts."""
    told = backends("status", "--dir", str(stack.directory))
    assert (told.returncode, told.stdout.count(": ready")) == (0, 5)


def test_a_second_stack_in_the_same_folder_is_refused(stack: Stack) -> None:
    """And the first one stays as it is."""
    told = backends("up", "--dir", str(stack.directory))
    assert told.returncode == 1
    assert "is in" in told.stderr
    assert backends("status", "--dir", str(stack.directory)).returncode == 0
