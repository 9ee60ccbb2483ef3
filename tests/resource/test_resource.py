"""Resource: which service, process, host, container, pod and desk."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource, ResourceDetector

import otel_trading as ot
from otel_trading import resource, sdk
from otel_trading.ground import diagnostics


def attributes(**knobs: Any) -> dict[str, Any]:
    with ot.init(stdout="off", **knobs) as telemetry:
        return dict(telemetry.resource.attributes)


def test_named_knobs_become_semantic_conventions() -> None:
    """And the trading desk, venue and strategy."""
    told = attributes(
        service_name="risk", namespace="trading", version="1.4.2", instance_id="i-1", environment="prod",
        desk="eq", venue="binance", strategy="mm", resource_attributes={"team": "alpha"},
    )  # fmt: skip
    expected = {
        "service.name": "risk", "service.namespace": "trading", "service.version": "1.4.2",
        "service.instance.id": "i-1", "deployment.environment.name": "prod", "trading.desk": "eq",
        "trading.venue": "binance", "trading.strategy": "mm", "team": "alpha",
        "telemetry.sdk.language": "python", "telemetry.distro.name": "otel_trading", "process.pid": os.getpid(),
    }  # fmt: skip
    assert expected.items() <= told.items()
    assert "host.name" in told
    assert "process.command_line" not in told


def test_without_a_name_the_service_is_unknown_with_the_programs_name() -> None:
    """As the specification says; the instance is a random UUID."""
    told = attributes()
    assert str(told["service.name"]).startswith("unknown_service:")
    assert uuid.UUID(str(told["service.instance.id"]))


def test_attributes_from_the_environment_are_weaker_than_knobs(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME."""
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "service.name=low,service.version=9,region=fra%201")
    assert attributes()["service.name"] == "low"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "high")
    told = attributes(version="1")
    assert (told["service.name"], told["service.version"], told["region"]) == ("high", "1", "fra 1")


def test_a_pod_tells_itself_by_the_downward_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only inside Kubernetes."""
    monkeypatch.setenv("POD_NAME", "risk-0")
    assert "k8s.pod.name" not in attributes()
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("POD_NAMESPACE", "trading")
    told = attributes()
    assert (told["k8s.pod.name"], told["k8s.namespace.name"]) == ("risk-0", "trading")


ID = "a" * 63 + "1"


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("/proc/self/cgroup", f"12:cpu:/docker/{ID}\n"),
        ("/proc/self/cgroup", f"0::/kubepods.slice/cri-containerd-{ID}.scope\n"),
        ("/proc/self/mountinfo", f"1 2 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw\n"),
    ],
)
def test_a_container_tells_its_id(monkeypatch: pytest.MonkeyPatch, place: str, text: str) -> None:
    """cgroup version 1, and the mounts of version 2."""
    real = Path.read_text

    def read_text(self: Path, *a: Any, **k: Any) -> str:
        if str(self) in ("/proc/self/cgroup", "/proc/self/mountinfo"):
            return text if str(self) == place else "0::/\n"
        return real(self, *a, **k)

    monkeypatch.setattr(Path, "read_text", read_text)
    assert resource._container() == {"container.id": ID}


def test_stock_detectors_are_added_by_name_and_an_unknown_one_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """One that does not exist costs itself only."""
    told = attributes(resource_detectors=["os", "nobody"])
    assert "os.type" in told
    assert "no resource detector is called 'nobody'; there are" in caplog.text


def test_a_detector_that_fails_costs_itself_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted."""

    class Fails(ResourceDetector):
        def detect(self) -> Resource:
            raise RuntimeError("no")

    monkeypatch.setattr(sdk, "load_entry_point", lambda name, *groups: Fails)
    assert resource._detectors(("fails",)) == []
    assert diagnostics.troubles()["resource.fails"] == 1


OURS = "https://opentelemetry.io/schemas/1.38.0"


@pytest.mark.parametrize(
    ("schemas", "expected"),
    [((), OURS), (("",), OURS), ((OURS, ""), OURS), (("https://example.org/1",), ""), ((OURS, "https://x.org/1"), "")],
)
def test_the_schema_is_that_of_all_parts_or_none(
    monkeypatch: pytest.MonkeyPatch, schemas: tuple[str, ...], expected: str
) -> None:
    """What detectors found is kept in any case, and a difference is said."""

    real = sdk.load_entry_point

    def detector(name: str, *groups: str) -> Any:
        if groups != ("opentelemetry_resource_detector",):
            return real(name, *groups)
        schema = schemas[int(name)]

        class Finds(ResourceDetector):
            def detect(self) -> Resource:
                return Resource({f"found.{name}": True}, schema)

        return Finds

    monkeypatch.setattr(sdk, "load_entry_point", detector)
    names = [str(number) for number in range(len(schemas))]
    with ot.init(stdout="off", traces_exporter="none", logs_exporter="none", resource_detectors=names) as telemetry:
        found = telemetry.resource
        assert diagnostics.troubles().get("resource.schemas", 0) == (not expected)
    assert found.schema_url == expected
    assert {f"found.{name}" for name in names} <= set(found.attributes)
