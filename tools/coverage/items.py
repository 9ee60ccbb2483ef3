"""The items of the five systems: read from the list of all that they contain, each with a key of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LIST = Path(__file__).resolve().parents[3] / "shared/catalogue/seed-catalogue.yaml"


@dataclass(frozen=True, slots=True)
class Item:
    """One item.

    Attributes:
        kind: the part of the list it stands in.
        seed: number of the system.
        section: of its document; empty where the list has none.
        name: what it is called there.
        about: the metric or query that a baseline speaks of.
    """

    kind: str
    seed: str
    section: str
    name: str
    about: str = ""

    @property
    def key(self) -> str:
        """As `docs/reference/coverage.yaml` names it."""
        return f"{self.seed} {self.name}"


def _joined(*parts: object) -> str:
    return " ".join(str(part) for part in parts if part is not None) or "-"


def _alert_row(row: Mapping[str, Any]) -> str:
    return row["name"] or f"{row['metric']}: {row['condition']}"


_NAMES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "metrics": lambda row: row["name"],
    "alert_rules": lambda row: row["alert"],
    "recording_rules": lambda row: row["record"],
    "alert_table": _alert_row,
    "slo": lambda row: row["name"],
    "dashboards": lambda row: row["title"],
    "panels": lambda row: row.get("title") or row["dashboard"],
    "dashboard_queries": lambda row: f"{row['panel']}: {row['expr']}",
    "runbooks": lambda row: row["title"],
    "log_queries": lambda row: f"{row['name']}: {row.get('lucene') or row['grep']}",
    "health": lambda row: _joined(row["path"]),
    "ports": lambda row: _joined(row["service"], row["port"]),
    "scrape": lambda row: _joined(row["job"]),
    "config": lambda row: row["key"],
    "log_format": lambda row: _joined(row["kind"]),
    "api": lambda row: row["name"],
    "baseline": lambda row: f"{_joined(row['name'], row['quantile'])}: {row['value']}",
}
KINDS = tuple(_NAMES)


def read(path: Path = LIST) -> Iterator[Item]:
    """Every item, in the order of the list, kind by kind; panels without a dashboard are its example queries."""
    listed = yaml.safe_load(path.read_text(encoding="utf-8"))
    for kind, name in _NAMES.items():
        for row in listed[kind]:
            section = row.get("section") or row.get("component") or ""
            about = row["metric"] if kind == "baseline" else ""
            yield Item(kind, row["seed"], str(section), str(name(row)), about)
