"""Compares a registry with what was released: whoever reads telemetry must not lose a name without a deprecation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from otel_trading.catalogue.mistakes import Mistake, Notes, Place, nearest, shown
from otel_trading.catalogue.model import Attribute, Metric, Registry, Signal, Span
from otel_trading.catalogue.released import released
from otel_trading.catalogue.section import Section

KEEP = "Keep the entry, with deprecated: {reason: renamed, renamed_to: the.new.name}."


def compare(registry: Registry, directory: Path) -> tuple[list[Mistake], str]:
    """What breaks.

    Adding is never a break. Removing or renaming a metric, span, event, attribute or value is one, unless the old entry
    stays and is deprecated; so is another instrument, unit, kind or type, and an attribute that becomes required.

    Args:
        registry: as it is now.
        directory: of the registry; the list of the release stands beside it.

    Returns:
        The mistakes, and one sentence about what it was compared with.
    """
    notes = Notes()
    before = released(directory, notes)
    version = before.raw_text("version") if before else ""
    if before is None or not version:
        return notes.mistakes, "Nothing was released yet, so nothing can break."
    attributes = {attribute.key: attribute for attribute in registry.attributes}
    renamed = {key: one.deprecated.renamed_to for key, one in attributes.items() if one.deprecated}
    for kind in ("metrics", "spans", "events"):
        now = {signal.name: signal for signal in getattr(registry, kind)}
        for entry in before.sections(kind):
            _signal(entry, now, renamed, notes)
    for entry in before.sections("attributes"):
        _attribute(entry, attributes, notes)
    return sorted(set(notes.mistakes)), f"Compared with release {version}."


def _signal(entry: Section, now: Mapping[str, Signal], renamed: Mapping[str, str], notes: Notes) -> None:
    name = entry.text("name")
    found = now.get(name)
    if found is None:
        fix = nearest(name, now, "").replace("Did you mean", "Was it renamed to")
        entry.wrong("name", "still be there", f"removed: {shown(name)}", f"{fix} {KEEP}".strip())
        return
    if isinstance(found, Metric):
        _same(entry, "instrument", found.instrument, found.place, notes)
        _same(entry, "unit", found.unit, found.place, notes)
    if isinstance(found, Span):
        _same(entry, "kind", found.kind, found.place, notes)
    _uses(entry, found, renamed, notes)


def _same(entry: Section, key: str, now: str, place: Place, notes: Notes) -> None:
    before = entry.text(key)
    if before != now:
        path = f"{place.path.rpartition('.')[0]}.{key}"
        fix = "Give the new form another name, and deprecate this one."
        notes.add(Place(place.file, place.line, path), f"stay {shown(before)}", shown(now), fix)


def _uses(entry: Section, found: Signal, renamed: Mapping[str, str], notes: Notes) -> None:
    before = entry.section("attributes")
    levels = {key: str(node.value) for key, node in before.entries.items()} if before else {}
    now = {use.attribute.key: use for use in found.uses}
    for key in levels:
        if key not in now and renamed.get(key) not in now:
            path = f"{found.place.path.rpartition('.')[0]}.attributes"
            place = Place(found.place.file, found.place.line, path)
            notes.add(place, f"still have {key}", "without it", "Put it back; it may be deprecated.")
    for key, use in now.items():
        if use.required and levels.get(key) != "required":
            was = levels.get(key, "not there")
            fix = f"It was {was.replace('_', ' ')}: callers leave it out. Make it recommended."
            notes.add(use.place, "not become required", shown(key), fix)


def _attribute(entry: Section, now: Mapping[str, Attribute], notes: Notes) -> None:
    key = entry.text("name")
    found = now.get(key)
    if found is None:
        entry.wrong("name", "still be there", f"removed: {shown(key)}", KEEP)
        return
    _same(entry, "type", found.type, found.place, notes)
    values = {str(member.value) for member in found.members}
    for value in entry.values("values"):
        if str(value) not in values and found.type == "enum":
            path = f"{found.place.path.rpartition('.')[0]}.type.members"
            place = Place(found.place.file, found.place.line, path)
            notes.add(place, f"still have {value!s}", "without it", "Put the member back; it may be deprecated.")
