"""A YAML document as a tree in which each value knows its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import yaml

from otel_trading.catalogue.mistakes import Notes, Place, shown
from otel_trading.ground.yaml_core import CORE, TAG, CoreLoader

MOST_LEVELS = 50
Scalar: TypeAlias = "str | int | float | bool | None"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its line; that of an entry of a mapping is the line of its key.

    Attributes:
        value: a scalar, a list of nodes, or a mapping from keys to nodes.
        line: from 1.
    """

    value: Scalar | Sequence[Node] | Mapping[str, Node]
    line: int

    def plain(self, levels: int = MOST_LEVELS) -> object:
        """The value without lines."""
        if isinstance(self.value, Mapping):
            return {key: node.plain(levels - 1) for key, node in self.value.items()} if levels else {}
        if isinstance(self.value, (list, tuple)):
            return [node.plain(levels - 1) for node in self.value] if levels else []
        return self.value


def parsed(path: Path, shown_as: str, notes: Notes) -> Node | None:
    """The tree of a file; None if it is no YAML document, which is then noted."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        notes.add(Place(shown_as, 1), "be a readable file", error.strerror or "unreadable", "Check the path.")
        return None
    except ValueError:  # a UnicodeDecodeError
        notes.add(Place(shown_as, 1), "be UTF-8 text", "other bytes", "Save it as UTF-8.")
        return None
    return parsed_text(text, shown_as, notes)


def parsed_text(text: str, shown_as: str, notes: Notes) -> Node | None:
    """The tree of a text; see `parsed`."""
    loader: CoreLoader | None = None
    try:
        loader = CoreLoader(text)
        root = loader.get_single_node()
        if root is None:
            notes.add(Place(shown_as, 1), "be a YAML mapping", "empty", "Begin with file_format: definition/2.")
            return None
        return _Tree(loader, shown_as, notes).node(root, "", 0)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        found, fix = str(error.problem or error.context), "Mend the syntax at that line."
        notes.add(Place(shown_as, line), "be valid YAML", found, fix)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found, fix = f"the character U+{ord(text[error.position]):04X}", "Remove it, or escape it in double quotes."
        notes.add(Place(shown_as, line), "be valid YAML", found, fix)
    except RecursionError:
        line = 1 if loader is None else loader.get_mark().line + 1
        notes.add(Place(shown_as, line), f"be at most {MOST_LEVELS} levels deep", "deeper", "Check the nesting.")
    except Exception as error:  # whatever else a parser may think of: what was written is wrong, not the program
        line = 1 if loader is None else loader.get_mark().line + 1
        found = shown(f"{type(error).__name__}: {error}")
        notes.add(Place(shown_as, line), "be valid YAML", found, "Mend the syntax at that line.")
    return None


class _Tree:
    """Turns PyYAML's nodes into ours. An alias is the node of its anchor, so that none is turned twice."""

    def __init__(self, loader: CoreLoader, shown_as: str, notes: Notes) -> None:
        self._loader, self._file, self._notes = loader, shown_as, notes
        self._done: dict[int, Node | None] = {}

    def node(self, found: yaml.Node, path: str, level: int, line: int | None = None) -> Node:
        line = line or found.start_mark.line + 1
        if level > MOST_LEVELS:
            raise RecursionError
        if id(found) in self._done:
            known = self._done[id(found)]
            if known is None:
                mark = found.start_mark
                raise yaml.constructor.ConstructorError(None, None, "an alias inside of its own anchor", mark)
            return known
        self._done[id(found)] = None
        made = self._done[id(found)] = Node(self._value(found, path, level), line)
        return made

    def _value(self, found: yaml.Node, path: str, level: int) -> Scalar | Sequence[Node] | Mapping[str, Node]:
        if isinstance(found, yaml.SequenceNode):
            return [self.node(item, f"{path}[{index}]", level + 1) for index, item in enumerate(found.value)]
        if not isinstance(found, yaml.MappingNode):
            scalar: Scalar = self._loader.construct_object(found)
            return scalar
        entries: dict[str, Node] = {}
        for key, value in found.value:
            name, line = _key(key), key.start_mark.line + 1
            below = f"{path}.{name}" if path else name
            if name in entries:
                self._notes.add(Place(self._file, line, below), "be there once", "repeated", "Keep one of them.")
            entries[name] = self.node(value, below, level + 1, line)
        return entries


def _key(key: yaml.Node) -> str:
    """Makes keys such as `on:`, `1:` and `null:` text."""
    if isinstance(key, yaml.ScalarNode) and key.tag.removeprefix(TAG) in (*CORE, "str", "merge"):
        return str(key.value)
    raise yaml.constructor.ConstructorError(None, None, "a key that is no text", key.start_mark)
