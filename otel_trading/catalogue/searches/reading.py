"""Saved searches from their YAML files, which are part of the package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

SETS = ("ours", "py_rt", "bog")


@dataclass(frozen=True, slots=True)
class Source:
    """The query of a system's document.

    Attributes:
        seed: number of the system.
        name: what the document, or the list of all it contains, calls it.
        query: as it is written there.
        repair: why ours is another; empty where it is the same, or asks the same in Kibana's words.
    """

    seed: str
    name: str
    query: str
    repair: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """One saved search.

    Attributes:
        id: of the saved object; links name it.
        language: kuery or lucene.
        columns: names of fields.
        sort: a field and `asc` or `desc`.
        last: how far back it looks, such as `10m`; empty leaves it to the person.
        refresh_s: how often it asks again; 0 for never.
    """

    id: str
    title: str
    query: str
    columns: tuple[str, ...]
    description: str = ""
    language: str = "kuery"
    sort: tuple[str, str] = ("@timestamp", "desc")
    last: str = ""
    refresh_s: int = 0
    source: Source | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a dashboard: a search, or how many records there are over time by the values of a field."""

    width: int
    height: int
    search: str = ""
    over_time: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard of Kibana; 48 units are its width."""

    id: str
    title: str
    description: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Searches:
    """What one file has."""

    name: str
    searches: tuple[Search, ...]
    dashboard: Dashboard | None


def read(name: str) -> Searches:
    """A set of the package.

    Args:
        name: one of SETS: `ours`, or a profile whose document has log queries.
    """
    import yaml  # slow, and only who generates needs it

    file = files("otel_trading") / "catalogue" / "searches" / f"{name}.yaml"
    document: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    found = document.get("dashboard")
    return Searches(
        name,
        tuple(_search(entry) for entry in document["searches"]),
        Dashboard(**{**found, "panels": tuple(Panel(**one) for one in found["panels"])}) if found else None,
    )


def _search(entry: Mapping[str, Any]) -> Search:
    given = {**entry, "columns": tuple(entry["columns"])}
    if "sort" in entry:
        field, direction = entry["sort"].split()
        given["sort"] = (field, direction)
    if "source" in entry:
        given["source"] = Source(**entry["source"])
    return Search(**given)
