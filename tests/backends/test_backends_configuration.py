"""The files that are deployed pass the checks of the programs that read them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from backend_stores import Stack, ask
from backend_tools import free_addresses, running_program
from conftest import ROOT, backends

from otel_trading.ground.order_ids import TABLE

pytestmark = pytest.mark.backends

CONFIG = ROOT / "collector-config"


COMBINATIONS = [
    "single",
    "single logs-from-files",
    "single metrics-by-otlp",
    "single metrics-by-otlp remote-write",
    "single metrics-by-otlp influxdb",
    "gateway",
    "gateway remote-write",
    "agent",
    "agent logs-from-files metrics-by-otlp",
    "agent metrics-by-otlp influxdb",
    "agent gateways-by-dns",
]
"""Files that are given together, after components.yaml."""

NEEDED = {"COLLECTOR_GATEWAYS_NAME": "localhost"}
"""The only variable without a default."""


def checked(*command: str | Path) -> None:
    done = subprocess.run(
        [str(one) for one in command], capture_output=True, text=True, timeout=60, env={**os.environ, **NEEDED}
    )
    assert done.returncode == 0, done.stdout + done.stderr


def files(combination: str) -> list[str]:
    return [f"--config={CONFIG / 'collector' / name}.yaml" for name in ["components", *combination.split()]]


def test_every_file_is_in_a_combination() -> None:
    """What is deployed is tried."""
    assert {"components"} | {name for one in COMBINATIONS for name in one.split()} == {
        path.stem for path in (CONFIG / "collector").glob("*.yaml")
    }


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_collector_configurations_are_valid(combination: str, programs: dict[str, str]) -> None:
    """With nothing set, so with the defaults."""
    checked(programs["otelcol-trading"], "validate", *files(combination))


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_collectors_start(combination: str, programs: dict[str, str], tmp_path: Path) -> None:
    """A bad condition of tail sampling, for one, shows only then."""
    *addresses, metrics = free_addresses(len(ADDRESSES) + 1)
    variables = {
        **{f"COLLECTOR_{name}_ADDRESS": address for name, address in zip(ADDRESSES, addresses, strict=True)},
        "COLLECTOR_METRICS_PORT": metrics.split(":")[1],
        "COLLECTOR_QUEUE_DIRECTORY": str(tmp_path / "queue"),
        **NEEDED,
    }
    health = f"http://{variables['COLLECTOR_HEALTH_ADDRESS']}/"
    with running_program([programs["otelcol-trading"], *files(combination)], tmp_path, health, **variables):
        assert (tmp_path / "queue").is_dir()


ADDRESSES = ("OTLP_GRPC", "OTLP_HTTP", "SECOND_HOP", "HEALTH", "EXPORT")


def test_a_mistake_in_a_collector_configuration_is_found(tmp_path: Path, programs: dict[str, str]) -> None:
    """The check above can fail."""
    broken = tmp_path / "broken.yaml"
    broken.write_text((CONFIG / "collector/agent.yaml").read_text().replace("limit_mib:", "limit_mb:"))
    command = [programs["otelcol-trading"], "validate", *files(""), f"--config={broken}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "limit_mb" in done.stderr


def test_the_built_collector_has_exactly_the_components_that_are_used(programs: dict[str, str]) -> None:
    """The manifest names nothing else, and the module that is built was made from it."""
    used: dict[str, set[str]] = {}
    for path in (CONFIG / "collector").glob("*.yaml"):
        content = yaml.safe_load(path.read_text())
        for kind in ("receivers", "processors", "exporters", "connectors", "extensions"):
            used.setdefault(kind, set()).update([name.split("/")[0] for name in content.get(kind, {})])
    told = subprocess.run([programs["otelcol-trading"], "components"], capture_output=True, text=True, check=True)
    has = yaml.safe_load(told.stdout)
    assert {kind: {one["name"] for one in has[kind]} for kind in used} == used


def test_the_manifest_is_what_the_module_was_made_from() -> None:
    """Every module of the manifest at its version, and no other component's."""
    manifest = yaml.safe_load((CONFIG / "builder.yaml").read_text())
    kinds = ("receivers", "processors", "exporters", "connectors", "extensions", "providers")
    modules = {one["gomod"] for kind in kinds for one in manifest[kind]}
    required = (ROOT / "tools/collector/go.mod").read_text()
    assert [module for module in modules if f"\t{module}\n" not in required] == []
    imported = (ROOT / "tools/collector/components.go").read_text()
    paths = [module.split(" ")[0] for module in modules if "/provider/" not in module]
    assert [path for path in paths if f'"{path}"' not in imported] == []
    assert len(re.findall(r'^\t"[^"]+":', imported, re.M)) <= len(modules)


def test_the_names_of_orders_are_moved_as_the_catalogue_says() -> None:
    """Between the JSON line of a file and the attribute of OTLP."""
    text = (CONFIG / "collector/logs-from-files.yaml").read_text()
    moved = dict(re.findall(r"from: attributes\.(\w+), to: 'attributes\[\"([\w.]+)\"\]'", text))
    assert moved == {row.json_field: row.attribute for row in TABLE}


def test_the_conditions_that_make_an_order_are_the_same_on_both_sides() -> None:
    """What goes around the sampling is what is taken out behind it."""
    gateway = yaml.safe_load((CONFIG / "collector/gateway.yaml").read_text())["processors"]
    [only] = gateway["filter/only_orders"]["trace_conditions"]
    [without] = gateway["filter/without_orders"]["trace_conditions"]
    assert only == f"not ({without})"
    assert gateway["tail_sampling"]["policies"][0]["ottl_condition"]["span"] == [without]


def test_prometheus_configuration_and_rules_are_valid(programs: dict[str, str]) -> None:
    """Rules and targets that the configuration names are read as well."""
    checked(programs["promtool"], "check", "config", CONFIG / "prometheus/prometheus.yml")


@pytest.mark.parametrize("file", sorted((CONFIG / "prometheus/profiles").glob("*.yml")), ids=lambda file: file.stem)
def test_scrape_jobs_of_profiles_are_valid(programs: dict[str, str], file: Path) -> None:
    """Each file is a configuration by itself, and one that another names."""
    checked(programs["promtool"], "check", "config", file)


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
