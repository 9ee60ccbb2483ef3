"""Attribute definitions of a registry file."""

from __future__ import annotations

from collections.abc import Sequence

from otel_trading.catalogue.mistakes import nearest, shown
from otel_trading.catalogue.model import Attribute, Deprecated, Member, Value
from otel_trading.catalogue.naming import is_python_name, name_is_right
from otel_trading.catalogue.section import Section, word_for

STABILITIES = ("development", "alpha", "beta", "release_candidate", "stable", "deprecated")
REASONS = ("renamed", "obsoleted", "uncategorized", "unspecified")
_PLAIN = ("string", "int", "double", "boolean", "any")
_LISTS = tuple(f"{word}[]" for word in _PLAIN if word != "any")
TYPES = (*_PLAIN, *_LISTS, *(f"template[{word}]" for word in (*_PLAIN, *_LISTS)))
_PYTHON: dict[str, tuple[type, ...]] = {"string": (str,), "int": (int,), "double": (int, float), "boolean": (bool,)}


def attribute(section: Section) -> Attribute:
    """One entry of `attributes`."""
    section.only("key", "type", "brief", "note", "stability", "examples", "deprecated", "annotations")
    section.need("key", "type", "brief", "stability")
    key = section.text("key")
    if key:
        name_is_right(key, section.place("key"), section.notes)
    kind, members = _type(section)
    ours = our_annotations(section, "python", "allow", "open", "resource", "source")
    allow = allowed(ours, kind) if ours else None
    if ours and ours.flag("open") and kind != "enum":
        ours.wrong("open", "stand on an enumeration", f"an attribute of type {kind}", "Leave it out.")
    return Attribute(
        key,
        kind,
        section.text("brief"),
        stability(section),
        section.text("note"),
        _examples(section),
        members,
        bool(ours and ours.flag("open")),
        python(ours) if ours else "",
        allow,
        deprecated(section),
        section.place("key"),
        bool(ours and ours.flag("resource")),
    )


def _type(section: Section) -> tuple[str, tuple[Member, ...]]:
    """The name of the type, and the members of an enumeration."""
    node = section.entries.get("type")
    if node is None:
        return "string", ()
    if isinstance(node.value, str):
        return section.choice("type", TYPES, "string"), ()
    found = section.section("type")
    if found is None:
        return "string", ()
    found.only("members")
    found.need("members")
    members = tuple(_member(one) for one in found.sections("members"))
    if "members" in found.entries and not members:
        found.wrong("members", "have an entry", "none", "Add one, or write the type string.")
    _members_agree(found, members)
    return "enum", members


def _member(section: Section) -> Member:
    section.only("id", "value", "brief", "note", "stability", "deprecated", "annotations")
    section.need("id")
    found, value = section.text("id"), section.entries.get("value")
    if value is not None and not isinstance(value.value, (str, int, float, bool)):
        section.wrong("value", "be text, a number, true or false", word_for(value.value), "Write a plain value.")
    plain = value.value if value is not None and isinstance(value.value, (str, int, float, bool)) else found
    if isinstance(plain, str) and value is not None:
        plain = section.text("value")
    stability(section)
    return Member(
        found, plain, section.text("brief"), section.text("note"), deprecated(section), section.place("value")
    )


def _members_agree(section: Section, members: Sequence[Member]) -> None:
    """Notes values that come twice, and values of several types."""
    seen: set[tuple[type, Value]] = set()
    for member in members:
        if (type(member.value), member.value) in seen:
            fix = "Give each member a value of its own."
            section.notes.add(member.place, "be there once", shown(member.value), fix)
        seen.add((type(member.value), member.value))
        if type(member.value) is not type(members[0].value):
            rule = f"be of the type of the first, {shown(members[0].value)}"
            section.notes.add(member.place, rule, shown(member.value), "Write all values as text or all as numbers.")


def allowed(ours: Section, kind: str) -> tuple[Value, ...] | None:
    """The annotated values that stay; None for all."""
    if "allow" not in ours.entries:
        return None
    found = ours.values("allow")
    if kind == "enum":
        ours.wrong("allow", "stand on no enumeration", "one", "The members are the allowed values already.")
    expected = _PYTHON.get(kind)
    for value in found:
        if expected and not fits(kind, value):
            ours.wrong("allow", f"hold values of type {kind}", shown(value), "Write values as they are recorded.")
    if len(set(found)) < len(found):
        ours.wrong("allow", "hold each value once", "a repeated one", "Remove it.")
    return found


def fits(kind: str, value: Value) -> bool:
    """Whether a value is of an attribute's plain type."""
    expected = _PYTHON.get(kind)
    return expected is None or (isinstance(value, expected) and (kind == "boolean") == isinstance(value, bool))


def _examples(section: Section) -> tuple[object, ...]:
    node = section.entries.get("examples")
    if node is None:
        return ()
    if not isinstance(node.value, list):
        found = node.plain()
        return (found,)
    return tuple(item.plain() for item in node.value)


def stability(section: Section) -> str:
    """The level of stability."""
    return section.choice("stability", STABILITIES, "development")


def deprecated(section: Section) -> Deprecated | None:
    """Why it is deprecated; None if it is not."""
    node = section.entries.get("deprecated")
    if node is None or node.value is None:
        return None
    if isinstance(node.value, str):
        fix = "Write {reason: renamed, renamed_to: the.new.name} or {reason: obsoleted, note: ...}."
        section.wrong("deprecated", "be a mapping with a reason", shown(node.value), fix)
        return Deprecated("unspecified", "", node.value)
    found = section.section("deprecated")
    if found is None:
        return None
    found.only("reason", "renamed_to", "note")
    found.need("reason")
    reason = found.choice("reason", REASONS, "unspecified")
    if reason == "renamed":
        found.need("renamed_to")
    elif "reason" in found.entries:
        found.need("note")
        if "renamed_to" in found.entries:
            fix = "Write the reason 'renamed', or leave renamed_to out."
            found.wrong("renamed_to", "stand with the reason 'renamed'", shown(reason), fix)
    return Deprecated(reason, found.text("renamed_to"), found.text("note"))


def our_annotations(section: Section, *known: str) -> Section | None:
    """Our own annotations; those of others are left alone."""
    everybody = section.section("annotations")
    if everybody is None:
        return None
    for name in everybody.entries:
        if name != "otel_trading" and nearest(name, ["otel_trading"], ""):
            everybody.wrong(name, "be a known key", "unknown", "Did you mean 'otel_trading'?")
    found = everybody.section("otel_trading")
    if found is not None:
        found.only(*known)
    return found


def python(ours: Section) -> str:
    """The annotated name in Python; empty if there is none."""
    found = ours.text("python")
    if "python" in ours.entries and not is_python_name(found):
        fix = "Write lower-case words with underscores, such as 'check_type'."
        ours.wrong("python", "be a name that Python takes and nothing else has", shown(found), fix)
        return ""
    return found
