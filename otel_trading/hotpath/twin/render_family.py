"""A metric family as it is prepared for pages: what is said about it, and its series with their labels."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import Any

from otel_trading.hotpath.twin.cell import Cell
from otel_trading.hotpath.twin.plan import KINDS
from otel_trading.hotpath.twin.render_number import render_number

TYPES = {"counter": 0, "gauge": 1, "unknown": 3, "histogram": 4}
FORMATS = ("text", "openmetrics", "protobuf")
VALUE, BUCKET, SUM, COUNT, CREATED = range(5)
SAMPLES = 5

_PLAIN = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def escaped(text: str) -> str:
    """A label's value as text."""
    return text.translate(_ESCAPES)


def label(name: str, value: str) -> str:
    """A label as text, the name in quotes where it is none that was always allowed."""
    shown = name if _PLAIN.fullmatch(name) else f'"{escaped(name)}"'
    return f'{shown}="{escaped(value)}"'


@dataclass(frozen=True, slots=True)
class Shape:
    """What series with the same label names have in common."""

    kind: str
    constants: tuple[str, ...]
    names: tuple[str, ...]
    bounds: tuple[float, ...]
    le: tuple[tuple[str, ...], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A series: where its numbers come from, and its labels."""

    shape: Shape
    values: tuple[str, ...]
    source: Any
    holder: Any

    def labels(self) -> list[tuple[str, str]]:
        """All of them, the constant ones first."""
        constants = self.shape.constants
        return [*zip(constants[::2], constants[1::2], strict=True), *zip(self.shape.names, self.values, strict=True)]


class Family:
    """A metric family, prepared for pages. Prepared by one thread at a time, rendered by any."""

    def __init__(
        self,
        type: str,
        heads: tuple[bytes | None, bytes | None, bytes | None],
        text_names: tuple[bytes, ...],
        open_names: tuple[bytes, ...],
    ) -> None:
        if type not in TYPES:
            raise ValueError(f"no family is of the type '{type}'")
        if len(text_names) != SAMPLES or len(open_names) != SAMPLES:
            raise ValueError("names are those of value, bucket, sum, count and created")
        if not all(isinstance(name, bytes) for name in (*text_names, *open_names)):
            raise TypeError("names are bytes")
        if not all(head is None or isinstance(head, bytes) for head in heads):
            raise TypeError("heads are bytes or None")
        self.type = type
        self.heads = dict(zip(FORMATS, heads, strict=True))
        self.names = {
            "text": [name.decode() for name in text_names],
            "openmetrics": [name.decode() for name in open_names],
        }
        self.entries: list[Entry] = []
        self._shapes: list[Shape] = []
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._known: set[tuple[int, tuple[str, ...]]] = set()

    def __len__(self) -> int:
        return len(self.entries)

    def __sizeof__(self) -> int:
        return object.__sizeof__(self) + sum(map(sys.getsizeof, (self.entries, self._shapes, self._known)))

    def shape(self, kind: str, constants: tuple[str, ...], names: tuple[str, ...], bounds: tuple[float, ...], /) -> int:
        """What series have in common; the same for the same arguments."""
        for given in (constants, names, bounds):
            if not isinstance(given, tuple):
                raise TypeError(f"shape() takes tuples, not {type(given).__name__}")
        if kind not in KINDS[2:7]:
            raise ValueError(f"no series are of the kind '{kind}'")
        if len(constants) % 2:
            raise ValueError("constants are names and values in turn")
        key = (kind, constants, names, bounds)
        if key not in self._numbers:
            own = tuple(map(float, bounds)) if kind == "explicit" else ()
            uppers = (*own, float("inf")) if kind == "explicit" else ()
            le = (
                tuple(render_number(upper) for upper in uppers),
                tuple(render_number(upper, True) for upper in uppers),
            )
            self._shapes.append(Shape(kind, constants, names, own, le))
            self._numbers[key] = len(self._shapes) - 1
        return self._numbers[key]

    def add(self, shape: int, values: tuple[str, ...], source: Any, holder: Any = None, /) -> bool:
        """A series; False if there is one with these labels already."""
        if not isinstance(values, tuple):
            raise TypeError("add takes a shape, a tuple of values, a source and a holder of exemplars")
        if not isinstance(source, (Cell, tuple)):
            raise TypeError("the source of a series is a Cell or a tuple")
        if not 0 <= shape < len(self._shapes) or len(self._shapes[shape].names) != len(values):
            raise ValueError("the shape is not one of this family with as many names as there are values")
        for value in values:
            value.encode()
        if (shape, values) in self._known:
            return False
        self._known.add((shape, values))
        self.entries.append(Entry(self._shapes[shape], values, source, holder))
        return True
