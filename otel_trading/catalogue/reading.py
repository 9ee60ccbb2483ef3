"""Reads a registry directory: YAML of Weaver's format `definition/2`, every mistake of all files at once."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TypeVar

from otel_trading.catalogue.checking import check
from otel_trading.catalogue.document import parsed
from otel_trading.catalogue.mistakes import Notes, Place, RegistryError, shown
from otel_trading.catalogue.model import Registry
from otel_trading.catalogue.reading_attributes import STABILITIES, attribute
from otel_trading.catalogue.reading_signals import event, metric, span
from otel_trading.catalogue.reading_uses import Resolver, groups
from otel_trading.catalogue.section import Section, word_for

OURS = Path(__file__).parent / "registry"
"""The directory of our own registry; its files are data of the package."""
FORMAT = "definition/2"
MANIFESTS = ("manifest.yaml", "manifest.yml", "registry_manifest.yaml")
KEYS = ("file_format", "attributes", "metrics", "spans", "events", "attribute_groups", "imports", "entities",
        "entity_refinements", "event_refinements", "metric_refinements", "span_refinements")  # fmt: skip
"""Of a file. What is no attribute, group, metric, span or event is left to Weaver."""
_SCHEMA_URL = re.compile(r"https?://[^/\s]+(?:/[^/\s]+)+/\d+\.\d+\.\d+(?:-[\w.]+)?")
_SCHEMA_URL_FIX = "Write it as 'https://example.com/schemas/my-desk/1.0.0'."

Made = TypeVar("Made")
Progress = Callable[[str], None]


@cache
def ours() -> Registry:
    """The registry of otel_trading itself; read once, and only by tools."""
    return read(OURS)


def read(directory: str | os.PathLike[str], base: Registry | None = None, progress: Progress | None = None) -> Registry:
    """Reads and checks a directory and what is below it.

    Args:
        directory: with a manifest and at least one file of definitions.
        base: a registry whose attributes may be referred to, and whose names may not be defined again.
        progress: gets the name of each file before it is read.

    Raises:
        RegistryError: it has mistakes; all that can be found are listed by file and line.
    """
    notes = Notes()
    root = Path(directory)
    files = list(_files(root, notes))
    tops: dict[str, Section] = {}
    manifest: Section | None = None
    for path in files:
        named = f"{root.resolve().name}/{path.relative_to(root).as_posix()}"
        if progress:
            progress(named)
        found = _top(path, named, notes)
        if found is not None and path.name in MANIFESTS:
            manifest = found
        elif found is not None:
            tops[named] = found
    found_registry = _registry(tops, _manifest(manifest, root, notes), base, notes)
    check(found_registry, notes)
    if notes.mistakes:
        raise RegistryError(notes.mistakes)
    return found_registry


def _files(root: Path, notes: Notes) -> Iterator[Path]:
    if not root.is_dir():
        notes.add(Place(str(root), 1), "be a directory", "none", "Check the path.")
        return
    yield from sorted(path for path in root.rglob("*") if path.suffix in (".yaml", ".yml") and path.is_file())


def _top(path: Path, named: str, notes: Notes) -> Section | None:
    node = parsed(path, named, notes)
    if node is None:
        return None
    if isinstance(node.value, dict):
        return Section(node.value, node.line, named, "", notes)
    notes.add(Place(named, node.line), "be a mapping", word_for(node.value), f"Begin with file_format: {FORMAT}.")
    return None


def _manifest(section: Section | None, root: Path, notes: Notes) -> tuple[str, str]:
    """Schema URL and description."""
    if section is None:
        if root.is_dir():
            place = Place(f"{root.resolve().name}/{MANIFESTS[0]}", 1)
            notes.add(place, "be there", "missing", f"Write a file with schema_url. {_SCHEMA_URL_FIX}")
        return "", ""
    section.only("schema_url", "description", "stability", "dependencies")
    section.need("schema_url")
    section.choice("stability", STABILITIES, "development")
    url = section.text("schema_url")
    if url and not _SCHEMA_URL.fullmatch(url):
        section.wrong("schema_url", "be a URL that ends with a name and a version", shown(url), _SCHEMA_URL_FIX)
    return url, section.text("description")


def _registry(tops: dict[str, Section], manifest: tuple[str, str], base: Registry | None, notes: Notes) -> Registry:
    for section in tops.values():
        section.only(*KEYS)
        section.need("file_format")
        section.choice("file_format", (FORMAT,), FORMAT)
    attributes = tuple(attribute(one) for top in tops.values() for one in top.sections("attributes"))
    known = {found.key: found for found in base.used()} if base else {}
    known |= {found.key: found for found in attributes}
    listed = [one for top in tops.values() for one in top.sections("attribute_groups")]
    resolver = Resolver(known, groups(listed, {}))
    for one in listed:
        resolver.uses(one)
    return Registry(
        *manifest,
        attributes,
        _each(tops, "metrics", metric, resolver),
        _each(tops, "spans", span, resolver),
        _each(tops, "events", event, resolver),
        base,
    )


def _each(
    tops: dict[str, Section], key: str, make: Callable[[Section, str, Resolver], Made], resolver: Resolver
) -> tuple[Made, ...]:
    return tuple(make(one, Path(named).stem, resolver) for named, top in tops.items() for one in top.sections(key))
