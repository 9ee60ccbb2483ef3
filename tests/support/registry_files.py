"""The catalogue's YAML as it stands in the files, for tests that look at nothing else."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import yaml

CATALOGUE = files("otel_trading.catalogue")
MANIFEST = "manifest.yaml"
AREAS = (
    "market_data",
    "book",
    "signal",
    "risk",
    "order",
    "execution",
    "position",
    "exchange",
    "storage",
    "connectivity",
    "system",
    "telemetry",
)


@cache
def registry() -> dict[str, dict[str, Any]]:
    """Each definition file of the registry by its name without `.yaml`; the manifest is none."""
    names = sorted(entry.name for entry in (CATALOGUE / "registry").iterdir() if entry.name.endswith(".yaml"))
    return {name.removesuffix(".yaml"): load(f"registry/{name}") for name in names if name != MANIFEST}


def load(path: str) -> dict[str, Any]:
    """One YAML file of the catalogue."""
    found: dict[str, Any] = yaml.safe_load(CATALOGUE.joinpath(path).read_text(encoding="utf-8"))
    return found


def each(kind: str) -> list[tuple[str, dict[str, Any]]]:
    """All entries of `attributes`, `metrics`, `spans` or `events`, with the file they stand in."""
    return [(area, entry) for area, document in registry().items() for entry in document.get(kind, [])]


@cache
def attributes() -> dict[str, dict[str, Any]]:
    """Attribute definitions by key."""
    return {entry["key"]: entry for _, entry in each("attributes")}


@cache
def metrics() -> dict[str, dict[str, Any]]:
    """Metrics by name."""
    return {entry["name"]: entry for _, entry in each("metrics")}


def ours(entry: dict[str, Any]) -> dict[str, Any]:
    """What stands under `annotations: {otel_trading: ...}`."""
    found: dict[str, Any] = entry.get("annotations", {}).get("otel_trading", {})
    return found


def members(key: str) -> list[Any] | None:
    """Values of an enumeration; None if the attribute is none."""
    kind = attributes()[key]["type"]
    return [member["value"] for member in kind["members"]] if isinstance(kind, dict) else None
