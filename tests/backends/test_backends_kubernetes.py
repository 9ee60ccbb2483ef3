"""`kubernetes/`, put together by kustomize and held against Kubernetes' own schemas; there is no cluster here."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml
from backend_tools import CONFIG, program

pytestmark = pytest.mark.backends

VERSIONS = ("1.30", "1.32", kubernetes_validate.latest_version())
UNITS = {"Mi": 1, "Gi": 1024}
Resource = dict[str, Any]


@pytest.fixture(scope="module")
def resources() -> dict[tuple[str, str], Resource]:
    """What `kubectl apply -k` would send, by kind and name; names of ConfigMaps without their hash."""
    kustomize = program("kustomize")
    built = subprocess.run([kustomize, "build", CONFIG / "kubernetes"], capture_output=True, text=True, timeout=60)
    assert (built.returncode, built.stderr) == (0, "")
    return {(one["kind"], name_of(one["metadata"]["name"])): one for one in yaml.safe_load_all(built.stdout)}


def name_of(name: str) -> str:
    return re.sub(r"-[a-z0-9]{10}$", "", name)


@pytest.fixture(params=[("DaemonSet", "agent"), ("StatefulSet", "gateway")], ids=["agent", "gateway"])
def workload(request: pytest.FixtureRequest, resources: dict[tuple[str, str], Resource]) -> Resource:
    return resources[request.param]


def pod(workload: Resource) -> Resource:
    found: Resource = workload["spec"]["template"]["spec"]
    return found


def collector(workload: Resource) -> Resource:
    [found] = pod(workload)["containers"]
    assert isinstance(found, dict)
    return found


def variables(container: Resource, resources: dict[tuple[str, str], Resource]) -> dict[str, str]:
    """The environment of a container; what the cluster fills in is a word."""
    maps = [
        resources["ConfigMap", name_of(one["configMapRef"]["name"])]["data"] for one in container.get("envFrom", [])
    ]
    own = {one["name"]: one.get("value", "filled") for one in container["env"]}
    return {name: value for values in [*maps, own] for name, value in values.items()}


def files(workload: Resource, resources: dict[tuple[str, str], Resource]) -> list[tuple[str, str]]:
    """Name and text of the files that the command names, from the ConfigMaps that are mounted."""
    mounts = {one["mountPath"]: one["name"] for one in collector(workload)["volumeMounts"]}
    maps = {one["name"]: name_of(one["configMap"]["name"]) for one in pod(workload)["volumes"] if "configMap" in one}
    paths = [Path(word.removeprefix("--config=")) for word in collector(workload)["args"]]
    return [(path.name, resources["ConfigMap", maps[mounts[str(path.parent)]]]["data"][path.name]) for path in paths]


def mebibytes(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_resource_is_valid(resources: dict[tuple[str, str], Resource], version: str) -> None:
    """Strictly: a key that Kubernetes does not know is a failure."""
    assert len(resources) >= 11
    for one in resources.values():
        kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize(("key", "value"), [("replica", 2), ("replicas", "two")])
def test_a_mistake_is_found(resources: dict[tuple[str, str], Resource], key: str, value: object) -> None:
    """The check above can fail."""
    broken = copy.deepcopy(resources["StatefulSet", "gateway"])
    broken["spec"][key] = value
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, VERSIONS[0], strict=True)


def test_the_collectors_read_the_very_files_of_this_folder(
    workload: Resource, resources: dict[tuple[str, str], Resource]
) -> None:
    """Not copies that someone must keep alike."""
    for name, text in files(workload, resources):
        [path] = CONFIG.glob(f"*/{name}") if name == "collector-login.yaml" else [CONFIG / "collector" / name]
        assert path.read_text() == text


def test_the_collectors_take_their_command_and_their_variables(
    workload: Resource, resources: dict[tuple[str, str], Resource], programs: dict[str, str], tmp_path: Path
) -> None:
    """By the collector's own check; every variable is one that the files read, and none is missing."""
    told = variables(collector(workload), resources)
    words, texts = [], ""
    for name, text in files(workload, resources):
        (tmp_path / name).write_text(text)
        words.append(f"--config={tmp_path / name}")
        texts += text
    assert set(told) <= set(re.findall(r"\$\{env:([A-Z_]+)", texts))
    assert set(re.findall(r"\$\{env:([A-Z_]+)\}", texts)) <= set(told)
    done = subprocess.run(
        [programs["otelcol-trading"], "validate", *words],
        env={**told, "COLLECTOR_HOST_ROOT": "/"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_ports_and_probes_are_those_of_the_variables(
    workload: Resource, resources: dict[tuple[str, str], Resource]
) -> None:
    """What others reach is open to others; the probes ask the health address."""
    told = variables(collector(workload), resources)
    listens = {
        value.rpartition(":")[2] for name, value in told.items() if name.endswith("_ADDRESS") and "0.0.0.0" in value
    }
    ports = {one["name"]: str(one["containerPort"]) for one in collector(workload)["ports"]}
    assert listens | {told["COLLECTOR_METRICS_PORT"]} == set(ports.values())
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert collector(workload)[probe]["httpGet"] == {"path": "/", "port": "health"}
    assert told["COLLECTOR_HEALTH_ADDRESS"] == f"0.0.0.0:{ports['health']}"


def test_the_collectors_refuse_before_they_are_killed(
    workload: Resource, resources: dict[tuple[str, str], Resource]
) -> None:
    """Their own limit is three quarters of the container's."""
    limit = mebibytes(collector(workload)["resources"]["limits"]["memory"])
    told = variables(collector(workload), resources)
    assert int(told["COLLECTOR_MEMORY_MIB"]) == limit * 3 // 4


def test_the_queue_outlives_the_pod(workload: Resource, resources: dict[tuple[str, str], Resource]) -> None:
    """On the node's disk, or on a claim of its own; and the collector may write there."""
    [mount] = [one for one in collector(workload)["volumeMounts"] if one["name"] == "queue"]
    assert variables(collector(workload), resources)["COLLECTOR_QUEUE_DIRECTORY"].startswith(f"{mount['mountPath']}/")
    if workload["kind"] == "StatefulSet":
        assert ["queue"] == [one["metadata"]["name"] for one in workload["spec"]["volumeClaimTemplates"]]
        assert pod(workload)["securityContext"]["fsGroup"] == collector(workload)["securityContext"]["runAsGroup"]
    else:
        [volume] = [one for one in pod(workload)["volumes"] if one["name"] == "queue"]
        assert volume["hostPath"]["type"] == "DirectoryOrCreate"
        [owner] = pod(workload)["initContainers"]
        user = collector(workload)["securityContext"]["runAsUser"]
        assert owner["command"] == ["chown", f"{user}:{user}", mount["mountPath"]]


def test_agents_find_the_gateways_by_the_headless_service(resources: dict[tuple[str, str], Resource]) -> None:
    """By its name and its port; behind it are the gateways, and never all of them are away at once."""
    told = variables(collector(resources["DaemonSet", "agent"]), resources)
    service = resources["Service", told["COLLECTOR_GATEWAYS_NAME"]]["spec"]
    gateway = resources["StatefulSet", "gateway"]
    assert (service["clusterIP"], gateway["spec"]["serviceName"]) == ("None", told["COLLECTOR_GATEWAYS_NAME"])
    assert told["COLLECTOR_GATEWAYS_PORT"] in [str(one["port"]) for one in service["ports"]]
    labels = gateway["spec"]["template"]["metadata"]["labels"]
    budget = resources["PodDisruptionBudget", "gateway"]["spec"]
    assert service["selector"].items() <= labels.items()
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    assert gateway["spec"]["replicas"] > budget["maxUnavailable"]


def test_containers_have_limits_and_no_privileges(resources: dict[tuple[str, str], Resource]) -> None:
    """Only the one that gives the queue to the agent runs as root, with that one right."""
    cleaner = resources["CronJob", "jaeger-cleaner"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    pods = [pod(resources["DaemonSet", "agent"]), pod(resources["StatefulSet", "gateway"]), cleaner]
    containers = [one for found in pods for one in [*found.get("initContainers", []), *found["containers"]]]
    assert len(containers) == 4
    for one in containers:
        rights = one["securityContext"]
        assert rights["capabilities"].get("add", []) == (["CHOWN"] if one["name"] == "queue-owner" else [])
        assert (rights["capabilities"]["drop"], rights["allowPrivilegeEscalation"]) == (["ALL"], False)
        assert rights["readOnlyRootFilesystem"]
        assert rights["runAsUser"] == (0 if one["name"] == "queue-owner" else 10001)
        assert one["resources"]["limits"]["memory"]
        assert one["resources"]["requests"]["cpu"]


def test_images_are_those_of_compose(resources: dict[tuple[str, str], Resource]) -> None:
    """Which are those that are tested."""
    compose = set(re.findall(r"image: (?:&\S+ )?([^*\s]+)", (CONFIG / "compose.yaml").read_text()))
    named = set(re.findall(r'"image": "([^"]+)"', json.dumps(list(resources.values()))))
    anchored = set(re.findall(r"&jaeger-image (\S+)", (CONFIG / "compose.yaml").read_text()))
    assert named <= compose | anchored


def test_no_password_stands_in_a_file(resources: dict[tuple[str, str], Resource]) -> None:
    """It is in a secret that the user makes, as the kustomization says."""
    assert "Secret" not in {kind for kind, _ in resources}
    needed = set(re.findall(r'"secretKeyRef": (\{[^}]+\})', json.dumps(list(resources.values()))))
    assert [{"name": "elasticsearch", "key": "password"}] == [json.loads(one) for one in needed]
    assert (
        "secret generic -n otel-trading elasticsearch --from-literal=password="
        in (CONFIG / "kubernetes/kustomization.yaml").read_text()
    )
