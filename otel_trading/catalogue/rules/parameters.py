"""What a user sets in rules and dashboards, such as the largest position: read from YAML, written into expressions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeAlias

from otel_trading.catalogue.document import parsed
from otel_trading.catalogue.mistakes import Notes, Place, RegistryError, nearest
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
    return f"{value:.12f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


@cache
def ours() -> Parameters:
    """The parameters with their defaults."""
    return read(OURS)


def read(path: str | os.PathLike[str], base: Parameters | None = None) -> Parameters:
    """Reads a file of parameters.

    Args:
        path: a YAML file.
        base: parameters that the file changes or adds to.

    Raises:
        RegistryError: it has mistakes, each by file and line.
    """
    notes = Notes()
    found = _read(Path(path), notes)
    if notes.mistakes:
        raise RegistryError(notes.mistakes)
    known = {**(base.known if base else {}), **{one.name: one for one in found}}
    values = {**(base.values if base else {}), **{one.name: one.default for one in found}}
    return Parameters(known, values)


def _read(path: Path, notes: Notes) -> list[Parameter]:
    node = parsed(path, path.name, notes)
    if node is None:
        return []
    if not isinstance(node.value, Mapping):
        notes.add(Place(path.name, node.line), "be a mapping", word_for(node.value), "Begin with parameters:.")
        return []
    top = Section(node.value, node.line, path.name, "", notes)
    top.only("parameters")
    top.need("parameters")
    return list(_each(top.sections("parameters")))


def _each(sections: Iterable[Section]) -> Iterable[Parameter]:
    seen: set[str] = set()
    for section in sections:
        section.only(*KEYS)
        section.need("name", "default")
        name = section.text("name")
        if name and not _NAME.fullmatch(name):
            section.wrong("name", "be a word in lower case", repr(name), "Use letters, digits and underscores.")
        if name in seen:
            section.wrong("name", "be there once", repr(name), "Keep one of them.")
        seen.add(name)
        yield Parameter(name, _setting(section), section.text("unit"), section.text("brief"), section.texts("source"))


def _setting(section: Section) -> Setting:
    node = section.entries.get("default")
    value = None if node is None else node.value
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        if node is not None and value is not None:
            section.wrong("default", "be a number or text", word_for(value), "Write one value.")
        return 0
    return value


def unknown_fix(name: str, parameters: Parameters) -> str:
    """What to write instead of a parameter that nobody defined."""
    return nearest(name, parameters.values, "Define it in parameters.yaml.")
