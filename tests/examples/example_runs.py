"""Runs an example as its docstring says: a process of its own, the environment only."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.children import environment, without_engine
from support.servers import Receiver

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def settings(otlp: Receiver) -> dict[str, str]:
    """An environment that sends to the receiver and takes any port."""
    return environment(OTEL_EXPORTER_OTLP_ENDPOINT=otlp.url, OTEL_EXPORTER_PROMETHEUS_PORT="0")


def start(otlp: Receiver, *command: str, **extra: str) -> subprocess.Popen[str]:
    """Starts `python examples/...`, or another command."""
    return subprocess.Popen(
        command if command[0].startswith("/") else [sys.executable, str(EXAMPLES / command[0]), *command[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**settings(otlp), **extra},
        cwd=ROOT,
    )


def ended(otlp: Receiver, *command: str, **extra: str) -> tuple[str, str]:
    """Runs an example to its end, which must be a success; returns standard output and standard error."""
    with start(otlp, *command, **extra) as child:
        try:
            out, err = child.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
    assert child.returncode == 0, err
    return out, err


def run(otlp: Receiver, *command: str) -> list[dict[str, Any]]:
    """Runs an example to its end; returns its log lines. Standard error says which engine runs, and nothing else."""
    out, err = ended(otlp, *command)
    assert without_engine(err) == ""
    return json_lines(out)


def json_lines(text: str) -> list[dict[str, Any]]:
    """The lines that are JSON objects."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def attributes(item: Any) -> dict[str, Any]:
    """The attributes of a span, a log record, a data point or a resource."""
    found = {}
    for pair in item.attributes:
        kind = pair.value.WhichOneof("value")
        found[pair.key] = getattr(pair.value, kind) if kind else None
    return found


def resources(otlp: Receiver) -> dict[str, dict[str, Any]]:
    """The resource attributes of each signal that arrived."""
    found = {}
    for path, _, message in otlp.requests:
        signal = path.rpartition("/")[2]
        parts = getattr(message, {"traces": "resource_spans"}.get(signal, f"resource_{signal}"))
        found[signal] = attributes(parts[0].resource)
    return found


def span(otlp: Receiver, name: str) -> Any:
    """The one span of this name."""
    found = [item for item in otlp.spans if item.name == name]
    assert len(found) == 1, [item.name for item in otlp.spans]
    return found[0]


def metric(otlp: Receiver, name: str) -> Any:
    """The newest collection of a metric."""
    found = [item for item in otlp.metrics if item.name == name]
    assert found, [item.name for item in otlp.metrics]
    return found[-1]


def log(otlp: Receiver, body: str) -> Any:
    """The one log record with this body."""
    found = [item for item in otlp.logs if item.body.string_value == body]
    assert len(found) == 1, [item.body.string_value for item in otlp.logs]
    return found[0]
