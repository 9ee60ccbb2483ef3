"""Config to Resource: which service, process, host, container and desk the telemetry comes from.

Attribute names are OpenTelemetry's semantic conventions; `trading.desk`, `trading.venue` and `trading.strategy` are
ours. The command line is left out on purpose: it often carries keys.
"""

from __future__ import annotations

import os
import platform
import re
import socket
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from opentelemetry.sdk.resources import Resource

from otel_trading import sdk
from otel_trading.config.config import Config
from otel_trading.config.plan import Plan
from otel_trading.ground import diagnostics, values
from otel_trading.ground.versions import version

_SCHEMA = "https://opentelemetry.io/schemas/1.38.0"
"""Of the names that are used here."""
_CONTAINER_ID = re.compile(r"([0-9a-f]{64})")
_NAMED = {
    "service_name": "service.name",
    "namespace": "service.namespace",
    "version": "service.version",
    "instance_id": "service.instance.id",
    "environment": "deployment.environment.name",
    "desk": "trading.desk",
    "venue": "trading.venue",
    "strategy": "trading.strategy",
}
# The downward API names these variables in nearly every manifest; the specification has no detector for them.
_KUBERNETES = {
    "k8s.pod.name": ("K8S_POD_NAME", "POD_NAME"),
    "k8s.pod.uid": ("K8S_POD_UID", "POD_UID"),
    "k8s.namespace.name": ("K8S_NAMESPACE_NAME", "POD_NAMESPACE"),
    "k8s.node.name": ("K8S_NODE_NAME", "NODE_NAME"),
    "k8s.cluster.name": ("K8S_CLUSTER_NAME",),
    "k8s.deployment.name": ("K8S_DEPLOYMENT_NAME",),
    "k8s.container.name": ("K8S_CONTAINER_NAME", "CONTAINER_NAME"),
}


def create_resource(config: Config, plan: Plan) -> Resource:
    """The resource of all signals.

    Precedence: knobs named in `init()` or the environment, then `resource_attributes`, then detectors by name, then
    what is detected here. With a declarative file its `resource` section takes the place of the detected part.
    It names the schema that its parts follow.
    """
    found = [_from_file(plan, config) if plan.from_file else Resource(_detected(), _SCHEMA)]
    found += _detectors(config["resource_detectors"])
    base = {key: value for resource in found for key, value in resource.attributes.items()}
    given = {key: values.attribute(value) for key, value in config["resource_attributes"].items()}
    named = {
        attribute: config[knob]
        for knob, attribute in _NAMED.items()
        if config[knob] is not None and not _weaker_than_attributes(config, knob, attribute)
    }
    merged = {key: values.attribute(value) for key, value in {**base, **given, **named}.items()}
    return Resource(cast(Any, merged), schema_url=_schema_of(found))


def _schema_of(found: Sequence[Resource]) -> str:
    """The schema that all follow which follow one; none if they disagree, as the specification leaves it to us."""
    schemas = {resource.schema_url for resource in found if resource.schema_url}
    if len(schemas) > 1:
        diagnostics.trouble(
            "resource.schemas",
            "the parts of the resource follow several schemas, so it names none: %s",
            sorted(schemas),
        )
    return schemas.pop() if len(schemas) == 1 else ""


def _weaker_than_attributes(config: Config, knob: str, attribute: str) -> bool:
    """True where `resource_attributes` was passed as an argument and the knob only came from the environment."""
    attributes = config.settings["resource_attributes"]
    return (
        attributes.origin == "argument" and attribute in attributes.value and config.settings[knob].origin != "argument"
    )


def _from_file(plan: Plan, config: Config) -> Resource:
    try:
        told = sdk.resource_from_model(plan.resource_model)
        return Resource({**told.attributes, **_distribution()}, told.schema_url or _SCHEMA)
    except Exception as error:
        if config.file is None:
            raise
        raise config.file.cannot_serve(error, "resource") from error


def _distribution() -> dict[str, Any]:
    return {"telemetry.distro.name": "otel_trading", "telemetry.distro.version": version("otel-trading")}


def _detected() -> dict[str, Any]:
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else ""
    return {
        "service.name": f"unknown_service:{program or Path(sys.executable or 'python').name}",
        "service.instance.id": str(uuid.uuid4()),
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": version("opentelemetry-sdk"),
        **_distribution(),
        "host.name": socket.gethostname(),
        "host.arch": platform.machine(),
        "os.type": platform.system().lower(),
        "process.pid": os.getpid(),
        "process.executable.name": Path(sys.executable or "python").name,
        "process.runtime.name": sys.implementation.name,
        "process.runtime.version": platform.python_version(),
        **_container(),
        **_kubernetes(),
    }


def _container() -> dict[str, str]:
    """The container's id from cgroup version 1 or the mounts of version 2; nothing outside of a container."""
    for place in ("/proc/self/cgroup", "/proc/self/mountinfo"):
        try:
            text = Path(place).read_text(errors="replace")
        except OSError:
            continue
        for line in text.splitlines():
            if place.endswith("mountinfo") and "/containers/" not in line:
                continue
            found = _CONTAINER_ID.search(line)
            if found:
                return {"container.id": found.group(1)}
    return {}


def _kubernetes() -> dict[str, str]:
    if "KUBERNETES_SERVICE_HOST" not in os.environ:
        return {}
    found = {
        attribute: next(filter(None, map(os.environ.get, names)), None) for attribute, names in _KUBERNETES.items()
    }
    return {attribute: value for attribute, value in found.items() if value}


def _detectors(names: tuple[str, ...]) -> list[Resource]:
    """What stock or other detectors find; one that fails costs itself only."""
    found: list[Resource] = []
    for name in names:
        try:
            detected = sdk.load_entry_point(name, "opentelemetry_resource_detector")().detect()
            found.append(Resource(dict(detected.attributes), detected.schema_url))
        except LookupError:
            known = ", ".join(sorted(sdk.entry_point_names("opentelemetry_resource_detector")))
            diagnostics.trouble(f"resource.{name}", "no resource detector is called %r; there are %s", name, known)
        except Exception as error:
            diagnostics.trouble(f"resource.{name}", "the resource detector %r failed: %r", name, error)
    return found
