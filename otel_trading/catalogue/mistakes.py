"""Mistakes in a registry: each with its place, all of them at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from otel_trading.ground.errors import OtelTradingError


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands.

    Attributes:
        file: as it is shown, such as `registry/risk.yaml`.
        line: from 1.
        path: keys and positions from the top of the file, such as `metrics[3].unit`; empty for the whole file.
    """

    file: str
    line: int
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, order=True)
class Mistake:
    """One mistake.

    Attributes:
        place: where.
        rule: what it must be, continuing "must be" or "must".
        found: what was found, rendered.
        fix: what to write instead, a whole sentence.
    """

    place: Place
    rule: str
    found: str
    fix: str

    def __str__(self) -> str:
        path = f" {self.place.path}:" if self.place.path else ""
        return f"{self.place}:{path} must {self.rule}; was {self.found}. {self.fix}"


class RegistryError(OtelTradingError):
    """The registry cannot be used; `mistakes` holds every one that was found, by file and line."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes)))
        if len(self.mistakes) == 1:
            text = str(self.mistakes[0])
        else:
            text = f"{len(self.mistakes)} mistakes in the registry:\n" + "\n".join(f"  {one}" for one in self.mistakes)
        super().__init__(text)


@dataclass
class Notes:
    """Takes mistakes while the rest is still read."""

    mistakes: list[Mistake] = field(default_factory=list)

    def add(self, place: Place, rule: str, found: str, fix: str) -> None:
        """Notes one mistake; see `Mistake`."""
        self.mistakes.append(Mistake(place, rule, found, fix))


SHOWN = 80
"""Characters of a value that a message shows."""


def shown(value: object) -> str:
    """A found value in a message, in quotes where it is text, and short."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def nearest(word: object, known: Iterable[str], otherwise: str) -> str:
    """The fix of a misspelt word: the known one that is nearest, or another sentence."""
    near = difflib.get_close_matches(str(word), list(known), n=1)
    return f"Did you mean '{near[0]}'?" if near else otherwise
