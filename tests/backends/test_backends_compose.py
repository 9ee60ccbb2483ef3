"""`compose.yaml`, understood by the parser of `docker compose` itself; nothing is started, for want of containers."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from backend_tools import CONFIG, ROOT, elasticsearch, go_programs, program

pytestmark = pytest.mark.backends

FILE = CONFIG / "compose.yaml"
PASSWORDS = {"ELASTICSEARCH_PASSWORD": "e", "KIBANA_PASSWORD": "k", "GRAFANA_PASSWORD": "g"}
ONCE = {"templates", "searches", "queue-owner"}
"""What ends once its work is done."""
VARIABLE = re.compile(r"\$\{env:([A-Z_]+)|\$\{?([A-Z][A-Z_]+)")


def understood(path: Path, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    checker = program("compose-check")
    return subprocess.run([checker, path], env=variables, capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    told = understood(FILE, PASSWORDS)
    assert told.returncode == 0, told.stderr
    found: dict[str, Any] = json.loads(told.stdout)["services"]
    return found


@pytest.mark.parametrize("missing", PASSWORDS)
def test_a_password_that_is_not_given_is_asked_for(missing: str) -> None:
    """And everything else has a default: the fixture gives nothing but passwords."""
    told = understood(FILE, {name: value for name, value in PASSWORDS.items() if name != missing})
    assert (told.returncode, f"required variable {missing}" in told.stderr) == (1, True)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("depends_on:", "depend_on:"),
        ("condition: service_healthy", "condition: healthy"),
        ("- prometheus:/prometheus", "- metrics:/prometheus"),
    ],
)
def test_a_mistake_is_found(tmp_path: Path, right: str, wrong: str) -> None:
    """The parser is strict, and it follows references."""
    broken = tmp_path / "compose.yaml"
    text = FILE.read_text()
    assert right in text
    broken.write_text(text.replace(right, wrong))
    assert understood(broken, PASSWORDS).returncode == 1


def test_every_file_that_is_mounted_is_there(services: dict[str, Any]) -> None:
    """From this folder, and read-only."""
    mounts = [mount for one in services.values() for mount in one.get("volumes", []) if mount["type"] == "bind"]
    assert len(mounts) > 8
    for mount in mounts:
        assert Path(mount["source"]).exists(), mount
        assert mount["read_only"], mount
        assert mount["source"] == "/" or Path(mount["source"]).is_relative_to(CONFIG)


def test_every_file_that_a_command_names_is_mounted(services: dict[str, Any]) -> None:
    """By the path that it has within the container."""
    named = 0
    for name, one in services.items():
        words = [*(one["command"] or []), *(one["entrypoint"] or []), *one.get("environment", {}).values()]
        for path in re.findall(r"/etc/\S+\.(?:ya?ml|json|sh)", " ".join(words)):
            [mount] = [mount for mount in one["volumes"] if path.startswith(f"{mount['target']}/")]
            assert Path(mount["source"] + path.removeprefix(mount["target"])).is_file(), (name, path)
            named += 1
    assert named >= 10


def test_nothing_listens_but_on_loopback(services: dict[str, Any]) -> None:
    """Whoever wants more puts something with TLS and logins before it."""
    ports = {(port["host_ip"], port["published"]) for one in services.values() for port in one.get("ports", [])}
    usual = {"3000", "4317", "4318", "5601", "9090", "9093", "9200", "13133", "16686"}
    assert ports == {("127.0.0.1", port) for port in usual}


def test_versions_are_those_that_are_tested(services: dict[str, Any]) -> None:
    """Pinned, and equal to those of `tools/`."""
    built = {program.name: program.version.lstrip("v") for program in go_programs.PROGRAMS}
    manifest = yaml.safe_load((CONFIG / "builder.yaml").read_text())
    jaeger_module = re.search(r"jaegertracing/jaeger v(\S+)", (ROOT / "tools/jaeger/go.mod").read_text())
    assert jaeger_module
    images = {one["image"].rpartition(":")[0]: one["image"].rpartition(":")[2] for one in services.values()}
    assert images.pop("grafana/grafana")
    assert images == {
        "otel/opentelemetry-collector-contrib": re.sub("^v", "", manifest["dist"]["version"]),
        "jaegertracing/jaeger": built["jaeger"],
        "jaegertracing/jaeger-es-index-cleaner": jaeger_module[1],
        "docker.elastic.co/elasticsearch/elasticsearch": elasticsearch.VERSION,
        "docker.elastic.co/kibana/kibana": elasticsearch.VERSION,
        "prom/prometheus": f"v{built['prometheus']}",
        "prom/alertmanager": f"v{built['alertmanager']}",
    }


def test_every_container_is_limited_watched_and_unprivileged(services: dict[str, Any]) -> None:
    """The collector's image cannot be asked from within: another container asks it."""
    for name, one in services.items():
        assert (one["cap_drop"], one["security_opt"]) == (["ALL"], ["no-new-privileges:true"]), name
        assert int(one["mem_limit"]) > 0, name
        assert re.fullmatch(r"\d+:\d+", one["user"]), name
        assert (name == "queue-owner") == one["user"].startswith("0:"), name
    unwatched = {name for name, one in services.items() if "healthcheck" not in one}
    assert unwatched == {*ONCE, "collector", "jaeger-cleaner"}
    assert "http://collector:13133/" in services["ready"]["healthcheck"]["test"]


def test_the_collector_refuses_before_it_is_killed(services: dict[str, Any]) -> None:
    """Its own limit lies below that of its container, with room for what it does not count."""
    collector = services["collector"]
    assert int(collector["environment"]["COLLECTOR_MEMORY_MIB"]) * 2**20 * 1.25 <= int(collector["mem_limit"])


def test_what_ends_by_itself_is_waited_for(services: dict[str, Any]) -> None:
    """Or `up --wait` says that it has failed."""
    conditions = {
        (name, wanted["condition"]) for one in services.values() for name, wanted in one.get("depends_on", {}).items()
    }
    assert {name for name, condition in conditions if condition == "service_completed_successfully"} == ONCE


def test_templates_are_loaded_before_anything_is_written(services: dict[str, Any]) -> None:
    """A record that finds no template is stored without the names of orders."""
    assert services["collector"]["depends_on"]["templates"]["condition"] == "service_completed_successfully"
    assert services["templates"]["depends_on"]["elasticsearch"]["condition"] == "service_healthy"


@pytest.mark.parametrize("name", ["collector", "jaeger", "templates", "searches", "grafana"])
def test_variables_are_those_that_the_files_read(services: dict[str, Any], name: str) -> None:
    """A name that is misspelt here would be ignored there."""
    one = services[name]
    words = " ".join([*(one["command"] or []), *(one["entrypoint"] or [])])
    files = [path for mount in one["volumes"] for path in _read(mount, words)]
    read = {first or second for path in files for first, second in VARIABLE.findall(path.read_text())}
    own = {"OTEL_TRACES_SAMPLER"} | {variable for variable in one["environment"] if variable.startswith("GF_")}
    assert set(one["environment"]) - own <= read
    # and what has no default is given
    bare = {variable for path in files for variable in re.findall(r"\$\{env:([A-Z_]+)\}", path.read_text())}
    assert bare <= set(one["environment"])


def test_the_collector_takes_its_command_and_its_variables(services: dict[str, Any], programs: dict[str, str]) -> None:
    """The files in the order of the command, by the collector's own check."""
    collector = services["collector"]
    files = [word.replace("=/etc/otel-trading/", f"={CONFIG}/") for word in collector["command"]]
    command = [programs["otelcol-trading"], "validate", *files]
    variables = {**collector["environment"], "COLLECTOR_HOST_ROOT": "/"}
    told = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr


def test_prometheus_is_told_of_containers(services: dict[str, Any]) -> None:
    """The same jobs as elsewhere, at the containers' names and ports."""
    folder = CONFIG / "prometheus/targets-compose"
    assert {path.name for path in folder.iterdir()} == {path.name for path in (CONFIG / "prometheus/targets").iterdir()}
    targets = {path.stem: json.loads(path.read_text())[0]["targets"] for path in folder.iterdir()}
    # they send their metrics by OTLP
    assert [] == targets.pop("services")
    assert targets == {
        "collector": [f"collector:{services['collector']['environment']['COLLECTOR_METRICS_PORT']}"],
        "collected": ["collector:8889"],
        "prometheus": ["prometheus:9090"],
        "alertmanager": ["alertmanager:9093"],
        "jaeger": [f"jaeger:{services['jaeger']['environment']['JAEGER_METRICS_PORT']}"],
    }


def _read(mount: dict[str, Any], words: str) -> list[Path]:
    """The mounted files that a container reads: those that its command names, or all if it names none."""
    if mount["type"] != "bind" or mount["source"] == "/":
        return []
    paths = [path for path in Path(mount["source"]).rglob("*") if path.is_file()]
    named = [path for path in paths if f"{mount['target']}/{os.path.relpath(path, mount['source'])}" in words]
    return named or [path for path in paths if "/etc/grafana" in mount["target"]]
