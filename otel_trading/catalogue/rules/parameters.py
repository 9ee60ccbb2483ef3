"""What a user sets in rules and dashboards, such as the largest position: read from YAML, written into expressions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeAlias

from otel_trading.catalogue.document import parsed
from otel_trading.catalogue.mistakes import Notes, Place, RegistryError, nearest, shown
from otel_trading.catalogue.section import Section, word_for

OURS = Path(__file__).parent / "parameters.yaml"
"""Every parameter there is, with its default."""
KEYS = ("name", "default", "unit", "brief", "source")
Setting: TypeAlias = str | int | float
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_REFERENCE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    Attributes:
        name: as an expression says it, `${name}`.
        default: a number, or text such as a regular expression.
        unit: UCUM, or an annotation in braces; empty for text.
        brief: what it means.
        source: where a system's document asks for it.
    """

    name: str
    default: Setting
    unit: str = ""
    brief: str = ""
    source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameters:
    """All parameters with the values that are used."""

    known: Mapping[str, Parameter]
    values: Mapping[str, Setting]

    def render(self, text: str) -> str:
        """A text with each `${name}` replaced by its value.

        Raises:
            KeyError: there is no such parameter; `unknown` tells which before.
        """
        return _REFERENCE.sub(lambda found: _written(self.values[found[1]]), text)

    def unknown(self, text: str) -> tuple[str, ...]:
        """Names that a text refers to and nobody defined."""
        return tuple(name for name in _REFERENCE.findall(text) if name not in self.values)

    def with_values(self, changes: Mapping[str, Setting]) -> Parameters:
        """The same with other values; names that are not known are added as they are."""
        return Parameters(self.known, {**self.values, **changes})


def _written(value: Setting) -> str:
    if isinstance(value, str):
        return value
    return digits(value) if isinstance(value, float) else str(value)


def digits(value: float, places: int = 12) -> str:
    """A number without an exponent, and without zeros at its end."""
    return f"{value:.{places}f}".rstrip("0").rstrip(".")


@cache
def ours() -> Parameters:
    """The parameters with their defaults."""
    return read(OURS)


def read(path: str | os.PathLike[str], base: Parameters | None = None, *, new: bool = True) -> Parameters:
    """Reads a file of parameters.

    Args:
        path: a YAML file, whose `parameters` are entries, or values by name.
        base: parameters that the file changes or adds to.
        new: whether it may add any.

    Raises:
        RegistryError: it has mistakes, each by file and line.
    """
    notes = Notes()
    found = _read(Path(path), base.known if base else {}, notes, new)
    if notes.mistakes:
        raise RegistryError(notes.mistakes)
    known = {**(base.known if base else {}), **{one.name: one for one in found}}
    values = {**(base.values if base else {}), **{one.name: one.default for one in found}}
    return Parameters(known, values)


def _read(path: Path, known: Mapping[str, Parameter], notes: Notes, new: bool) -> list[Parameter]:
    node = parsed(path, path.name if path.exists() else str(path), notes)
    if node is None:
        return []
    if not isinstance(node.value, Mapping):
        notes.add(Place(path.name, node.line), "be a mapping", word_for(node.value), "Begin with parameters:.")
        return []
    top = Section(node.value, node.line, path.name, "", notes)
    top.only("parameters")
    top.need("parameters")
    values = top.entries.get("parameters")
    if values is not None and isinstance(values.value, Mapping):
        by_name = Section(values.value, values.line, path.name, "parameters", notes)
        found = [Parameter(name, _setting(by_name, name)) for name in by_name.entries]
        places = {name: by_name.place(name) for name in by_name.entries}
    else:
        sections = list(top.sections("parameters"))
        found = list(_each(sections))
        places = {one.name: section.place("default") for one, section in zip(found, sections, strict=True)}
    for one in found:
        _compare(one, known, places[one.name], notes)
        if not new and one.name not in known:
            fix = nearest(one.name, known, "Its name must be one of otel_trading/catalogue/rules/parameters.yaml.")
            notes.add(places[one.name], "be a known parameter", one.name, fix)
    return [replace(known[one.name], default=one.default) if one.name in known else one for one in found]


def _compare(found: Parameter, known: Mapping[str, Parameter], place: Place, notes: Notes) -> None:
    """Notes a text in the place of a number, or a number in that of a text."""
    if not _NAME.fullmatch(found.name):
        fix = "Use letters, digits and underscores."
        notes.add(place, "have a name in lower case", repr(found.name), fix)
    before = known.get(found.name)
    if before is not None and isinstance(before.default, str) != isinstance(found.default, str):
        kind = "text" if isinstance(before.default, str) else "a number"
        notes.add(place, f"be {kind}", shown(found.default), f"The default is {shown(before.default)}.")


def _each(sections: Iterable[Section]) -> Iterable[Parameter]:
    seen: set[str] = set()
    for section in sections:
        section.only(*KEYS)
        section.need("name", "default")
        name = section.text("name")
        if name in seen:
            section.wrong("name", "be there once", repr(name), "Keep one of them.")
        seen.add(name)
        yield Parameter(name, _setting(section), section.text("unit"), section.text("brief"), section.texts("source"))


def _setting(section: Section, key: str = "default") -> Setting:
    node = section.entries.get(key)
    value = None if node is None else node.value
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        if node is not None and value is not None:
            section.wrong(key, "be a number or text", word_for(value), "Write one value.")
        return 0
    return value


def unknown_fix(name: str, parameters: Parameters) -> str:
    """What to write instead of a parameter that nobody defined."""
    return nearest(name, parameters.values, "Define it in parameters.yaml.")
