"""One mapping of a registry file: its entries are asked for by key and type, and what is wrong is noted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from otel_trading.catalogue.document import Node
from otel_trading.catalogue.mistakes import Notes, Place, nearest, shown
from otel_trading.catalogue.model import Value

_WORDS = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}


def word_for(value: object) -> str:
    """What kind of value was found, for a message; scalars are shown themselves."""
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else shown(value)


def printable(text: str) -> bool:
    """False for control characters and lone surrogates, which no store and no file takes."""
    return all(character.isprintable() or character.isspace() for character in text)


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping with its path.

    Attributes:
        entries: nodes by key.
        line: where it begins.
        file: as it is shown.
        path: such as `metrics[3]`; empty for the whole file.
        notes: takes the mistakes.
    """

    entries: Mapping[str, Node]
    line: int
    file: str
    path: str
    notes: Notes

    def place(self, key: str = "") -> Place:
        """Of an entry, or of the section where there is none."""
        node = self.entries.get(key)
        below = f"{self.path}.{key}" if self.path and key else self.path or key
        return Place(self.file, self.line if node is None else node.line, below)

    def wrong(self, key: str, rule: str, found: str, fix: str) -> None:
        """Notes a mistake in an entry."""
        self.notes.add(self.place(key), rule, found, fix)

    def only(self, *known: str) -> None:
        """Notes each key that is not known."""
        for key in self.entries:
            if key not in known:
                fix = nearest(key, known, f"Known here: {', '.join(known) or 'none'}.")
                self.wrong(key, "be a known key", "unknown", fix)

    def need(self, *keys: str) -> None:
        """Notes each key that is missing, or that has nothing after it."""
        for key in keys:
            node = self.entries.get(key)
            if node is None:
                self.wrong(key, "be present", "missing", f"Add '{key}:'.")
            elif node.value is None or (isinstance(node.value, str) and not node.value.strip()):
                self.wrong(key, "have a value", "empty", "Write it, or remove the entry.")

    def text(self, key: str) -> str:
        """Text on one line; empty if there is none."""
        return " ".join(self.raw_text(key).split())

    def raw_text(self, key: str) -> str:
        """Text as it is written; empty if there is none."""
        node = self.entries.get(key)
        if node is None or node.value is None:
            return ""
        if not isinstance(node.value, str):
            self.wrong(key, "be text", word_for(node.value), "Write it in quotes.")
            return ""
        if not printable(node.value):
            self.wrong(key, "be printable text", shown(node.value), "Remove the control characters.")
            return ""
        return node.value

    def choice(self, key: str, words: Sequence[str], default: str) -> str:
        """One of some words; the default if there is none."""
        found = self.raw_text(key)
        if found and found not in words:
            fix = nearest(found, words, "Write one of these words.")
            self.wrong(key, f"be one of {', '.join(words)}", shown(found), fix)
        return found if found in words else default

    def flag(self, key: str) -> bool:
        """True or false; false if there is none."""
        node = self.entries.get(key)
        if node is not None and not isinstance(node.value, bool):
            self.wrong(key, "be true or false", word_for(node.value), "Write it without quotes.")
        return node is not None and node.value is True

    def section(self, key: str) -> Section | None:
        """A mapping; None if there is none."""
        node = self.entries.get(key)
        if node is None or node.value is None:
            return None
        return self._section(node, self.place(key).path)

    def sections(self, key: str) -> Iterator[Section]:
        """The mappings of a list."""
        for index, node in enumerate(self.items(key)):
            found = self._section(node, f"{self.place(key).path}[{index}]")
            if found is not None:
                yield found

    def items(self, key: str) -> Sequence[Node]:
        """The nodes of a list; empty if there is none."""
        node = self.entries.get(key)
        if node is None:
            return ()
        if isinstance(node.value, list):
            return cast("list[Node]", node.value)
        self.wrong(key, "be a list", word_for(node.value), "Begin each entry with '- '.")
        return ()

    def values(self, key: str) -> tuple[Value, ...]:
        """The scalars of a list."""
        found: list[Value] = []
        for index, node in enumerate(self.items(key)):
            if isinstance(node.value, (str, int, float, bool)) and (
                not isinstance(node.value, str) or printable(node.value)
            ):
                found.append(node.value)
            else:
                place = Place(self.file, node.line, f"{self.place(key).path}[{index}]")
                rule, fix = "be text, a number, true or false", "Write a plain value."
                self.notes.add(place, rule, word_for(node.value), fix)
        return tuple(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list."""
        found = self.values(key)
        for value in found:
            if not isinstance(value, str):
                self.wrong(key, "hold texts", shown(value), "Write it in quotes.")
        return tuple(" ".join(value.split()) for value in found if isinstance(value, str))

    def _section(self, node: Node, path: str) -> Section | None:
        if isinstance(node.value, Mapping):
            return Section(node.value, node.line, self.file, path, self.notes)
        place = Place(self.file, node.line, path)
        self.notes.add(place, "be a mapping", word_for(node.value), "Check the nesting.")
        return None
