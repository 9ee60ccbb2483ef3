"""References to attributes and to groups of them, resolved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from otel_trading.catalogue.mistakes import Place, nearest, shown
from otel_trading.catalogue.model import Attribute, Level, Use
from otel_trading.catalogue.reading_attributes import allowed, deprecated, our_annotations, stability
from otel_trading.catalogue.section import Section, word_for

LEVELS = ("required", "recommended", "opt_in")
CONDITIONS = ("conditionally_required", "recommended", "opt_in")


@dataclass
class Resolver:
    """Knows all attributes and groups.

    Attributes:
        attributes: by key, those of the base included.
        groups: sections by id.
    """

    attributes: Mapping[str, Attribute]
    groups: Mapping[str, Section]
    _made: dict[str, tuple[Use, ...]] = field(default_factory=dict)
    _inside: list[str] = field(default_factory=list)

    def uses(self, section: Section) -> tuple[Use, ...]:
        """The attributes that a section lists, groups expanded; a later entry counts over those of a group."""
        found: dict[str, Use] = {}
        direct: set[str] = set()
        for one in section.sections("attributes"):
            if "ref_group" in one.entries:
                for use in self._group(one):
                    found.setdefault(use.attribute.key, use)
                continue
            made = self._use(one)
            if made is None:
                continue
            if made.attribute.key in direct:
                one.wrong("ref", "be there once", "repeated", "Keep one of them.")
            direct.add(made.attribute.key)
            found[made.attribute.key] = made
        return tuple(found.values())

    def _use(self, section: Section) -> Use | None:
        section.only(
            "ref", "requirement_level", "brief", "note", "examples", "deprecated", "stability", "annotations",
            "sampling_relevant",
        )  # fmt: skip
        section.need("ref")
        stability(section)
        deprecated(section)
        key = section.text("ref")
        attribute = self.attributes.get(key)
        if attribute is None:
            if key:
                fix = nearest(key, self.attributes, "Define it under 'attributes'.")
                section.wrong("ref", "refer to an attribute that is defined", shown(key), fix)
            return None
        ours = our_annotations(section, "allow", "source")
        allow = allowed(ours, attribute.type) if ours and "allow" in ours.entries else attribute.allow
        brief, note = section.text("brief") or attribute.brief, section.text("note") or attribute.note
        return Use(attribute, *_level(section), brief, note, allow, section.place("ref"))

    def _group(self, section: Section) -> tuple[Use, ...]:
        section.only("ref_group")
        name = section.text("ref_group")
        group = self.groups.get(name)
        if group is None:
            fix = nearest(name, self.groups, "Define it under 'attribute_groups'.")
            section.wrong("ref_group", "refer to a group that is defined", shown(name), fix)
            return ()
        if name in self._inside:
            section.wrong("ref_group", "not lead back to its own group", shown(name), "Take it out.")
            return ()
        if name not in self._made:
            self._inside.append(name)
            self._made[name] = self.uses(group)
            self._inside.pop()
        return self._made[name]


def _level(section: Section) -> tuple[Level, str]:
    """The requirement level and its condition."""
    node = section.entries.get("requirement_level")
    if node is None or isinstance(node.value, str) or node.value is None:
        return cast(Level, section.choice("requirement_level", LEVELS, "recommended")), ""
    found = section.section("requirement_level")
    if found is None:
        return "recommended", ""
    found.only(*CONDITIONS)
    if len(found.entries) != 1:
        rule, fix = "have one key", "Write {conditionally_required: the condition}."
        section.wrong("requirement_level", rule, word_for(node.value), fix)
    for name in CONDITIONS:
        if name in found.entries:
            return cast(Level, name), found.text(name)
    return "recommended", ""


def groups(sections: list[Section], taken: dict[str, Place]) -> dict[str, Section]:
    """The sections of `attribute_groups` by id."""
    found: dict[str, Section] = {}
    for section in sections:
        section.only("id", "visibility", "attributes", "brief", "note", "stability", "deprecated", "annotations")
        section.need("id", "visibility")
        if section.choice("visibility", ("internal", "public"), "internal") == "public":
            section.need("brief", "stability")
        stability(section)
        deprecated(section)
        name = section.text("id")
        if name in found:
            section.wrong("id", "be a name of its own", f"that of {taken[name]}", "Rename one of them.")
        elif name:
            found[name], taken[name] = section, section.place("id")
    return found
