"""Attributes as a fuzz target wants them, and what they mean to a table.

Ordinary ones, those at the edges of what is remembered, and hostile ones.
"""

from __future__ import annotations

import datetime
import enum
import gc
import random
import struct
import types
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

MOST_PAIRS = 32
MOST_LETTERS = 1024
MOST_NESTING = 2


class Side(enum.IntEnum):
    """Neither an int nor a text to a table."""

    BUY = 1


class Venue(enum.StrEnum):
    """Known by identity."""

    BINANCE = "binance"


class Text(str):
    """A text of one's own."""

    __slots__ = ()


class Mapped(dict[Any, Any]):
    """No plain dict."""


class Hostile:
    """Runs `act` whenever it is hashed, compared, converted or freed."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def __hash__(self) -> int:
        self._act()
        return 7

    def __eq__(self, other: object) -> bool:
        self._act()
        return self is other

    def __float__(self) -> float:
        self._act()
        return 1.0

    def __bool__(self) -> bool:
        self._act()
        return True

    def __del__(self) -> None:
        self._act()


class HostileText(str):
    """A text that runs `act` whenever it is hashed or compared."""

    act: Callable[[], object]

    def __hash__(self) -> int:
        self.act()
        return str.__hash__(self)

    def __eq__(self, other: object) -> bool:
        self.act()
        return str.__eq__(self, other)


ORDINARY: list[Any] = [
    "a",
    "b",
    "binance",
    "",
    "\ud800",
    "é" * 40,
    "x" * MOST_LETTERS,
    Venue.BINANCE,
    Text("a"),
    Text("a"),
]
NUMBERS: list[Any] = [
    0,
    1,
    True,
    False,
    1.0,
    0.0,
    -0.0,
    float("nan"),
    float("inf"),
    -1,
    2**31,
    2**63 - 1,
    -(2**63),
    1e300,
]
BEYOND: list[Any] = ["x" * (MOST_LETTERS + 1), 2**63, -(2**63) - 1, None, b"a", [1], {}, 1j, Side.BUY]
MEANT_ALIKE: list[Any] = [Text("x" * (MOST_LETTERS + 1)), datetime.date(2026, 1, 1), range(3), frozenset({1})]


def any_value(draw: random.Random, act: Callable[[], object], nesting: int = 0) -> Any:
    """A value of an attribute."""
    kind = draw.random()
    if kind < 0.45:
        return draw.choice(ORDINARY)
    if kind < 0.75:
        return draw.choice(NUMBERS)
    if kind < 0.80:
        return draw.choice(BEYOND + MEANT_ALIKE)
    if kind < 0.84:
        return Hostile(act)
    if kind < 0.86:
        return hostile_text(draw.choice("ab"), act)
    if kind < 0.90:
        return draw.randrange(-(2**65), 2**65)
    size = draw.choice((0, 1, 2, 3, MOST_PAIRS, MOST_PAIRS + 1)) if nesting == 0 else draw.randrange(3)
    return tuple(any_value(draw, act, nesting + 1) for _ in range(size)) if nesting < 4 else ()


def hostile_text(text: str, act: Callable[[], object]) -> HostileText:
    """One that acts."""
    made = HostileText(text)
    made.act = act
    return made


def any_key(draw: random.Random, act: Callable[[], object]) -> Any:
    """A key of an attribute, nearly always a text."""
    kind = draw.random()
    if kind < 0.93:
        return draw.choice("abcdefgh") * draw.choice((1, 1, 1, 2))
    return draw.choice(
        (1, "k" * MOST_LETTERS, "k" * (MOST_LETTERS + 1), Text("a"), ("a",), hostile_text("h", act), None)
    )


def any_attributes(draw: random.Random, act: Callable[[], object]) -> Any:
    """A dict, or what somebody may take for one."""
    size = draw.choice((0, 1, 1, 2, 2, 2, 3, 5, MOST_PAIRS, MOST_PAIRS + 1))
    found: dict[Any, Any] = {}
    for number in range(size):
        found[any_key(draw, act) if size < MOST_PAIRS else f"k{number}"] = any_value(draw, act)
    kind = draw.random()
    if kind < 0.92:
        return found
    return draw.choice((Mapped(found), OrderedDict(found), types.MappingProxyType(found), None, [("a", 1)], 5, "a"))


def meaning(attributes: Any) -> Hashable | None:
    """What a table must know these attributes by; None if it asks each time, () for no attributes."""
    if attributes is None or (type(attributes) is dict and not attributes):
        return ()
    if type(attributes) is not dict or len(attributes) > MOST_PAIRS:
        return None
    pairs = []
    for key, value in attributes.items():
        part = _meaning_of(value, 0)
        if type(key) is not str or len(key) > MOST_LETTERS or part is None:
            return None
        pairs.append((key, part))
    return frozenset(pairs)


def _meaning_of(value: Any, nesting: int) -> Hashable | None:
    kind = type(value)
    if kind is bool:
        return "bool", bool(value)
    if kind is int:
        return ("int", value) if -(2**63) <= value < 2**63 else None
    if kind is float:
        return "float", struct.pack("d", value)
    if isinstance(value, str):
        if str.__len__(value) > MOST_LETTERS:
            return None
        return ("str", value) if kind is str else ("text", id(value))
    if kind is not tuple or nesting == MOST_NESTING or len(value) > MOST_PAIRS:
        return None
    parts = tuple(_meaning_of(item, nesting + 1) for item in value)
    return None if None in parts else ("tuple", parts)


def stir(draw: random.Random) -> None:
    """Lets the collector and the allocator do their worst."""
    if draw.random() < 0.3:
        gc.collect(draw.randrange(3))
    for _ in range(draw.randrange(4)):
        Mapped(a=object(), b=[1] * draw.randrange(50))
