"""What an engine offers for sampling, as types: the native module and the Python twin both do.

`otel_trading.traces.sampler` is the definition of every decision; an engine takes the same ones in nanoseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

NEVER = 1 << 56
"""The threshold that no randomness reaches."""
NONE_TOLD = -1
"""No threshold: the parent's state has none, or the span's tells none."""
IN_STATE = -2
"""As a parent's threshold: it, and `rv` in place of the randomness, are read from the parent's state."""
LOW, NORMAL, HIGH = 0, 1, 2
"""Urgencies: ticks, the rest, what is kept always."""
MOST_RULES = 64

Value = str | bool | int | float
Parent = tuple[bool, int, str | None]
"""Whether it was sampled, its threshold, and its trace state as in the header."""
Decision = tuple[bool, int, int, str | None]
"""Whether the span is sampled, its urgency, the threshold that its state tells, and that state as in the header."""


class Rule(NamedTuple):
    """One rule of a sampler. What it says of names is what `classify` answers; all that it says must hold.

    Attributes:
        always: spans that match are kept before the parent is asked; the threshold means nothing.
        kinds: a bit `1 << kind` for each kind of span as OTLP counts; 0 for any.
        keys: beginnings of attribute keys, one of which one attribute must have; () if none is asked for.
        equals: attributes that must be there. Texts are compared as texts, numbers as numbers; True is not 1.
        threshold: spans that begin a trace are kept if their randomness reaches it; NEVER for none.
        low: spans whose name matches are of low urgency, unless they are kept always.
    """

    always: bool
    kinds: int
    keys: tuple[str, ...]
    equals: tuple[tuple[str, Value], ...]
    threshold: int
    low: bool


class Sampler(Protocol):
    """Decides whether spans are kept.

    Thread-safe. A forked child goes on with its own copy. Texts over 1,024 letters are not remembered.
    """

    @property
    def known(self) -> int:
        """How many names are remembered, 4,096 at most."""

    def decide(
        self, name: str, kind: int, attributes: object, randomness: int, parent: Parent | None = None, /
    ) -> Decision | None:
        """Whether a span is kept; None if that has to be decided in Python.

        Args:
            name: of the span; what is no plain str is decided in Python.
            kind: as OTLP counts, 1 to 5.
            attributes: a plain dict with plain texts as keys, or None; anything else is decided in Python if a rule
                asks for attributes.
            randomness: 56 bits, of the trace id or of `rv`.
            parent: None if a trace begins.
        """

    def capped(self, threshold: int, /) -> int:
        """Counts one span that would be kept with this threshold; the threshold that keeps to the cap, not below it."""

    def set_thresholds(self, thresholds: Sequence[int], /) -> None:
        """Others, one a rule.

        Raises:
            ValueError: of another number, or one is not 0 to NEVER.
        """


class SamplerEngine(Protocol):
    """The names of an engine, for sampling."""

    def Sampler(
        self,
        classify: Callable[[str], int],
        tell: Callable[[str | None, int, bool], str | None],
        read: Callable[[str], tuple[int, int]],
        rules: Sequence[Rule],
        per_second: float = 0.0,
    ) -> Sampler:
        """A sampler.

        Args:
            classify: asked once a name: the rules whose patterns match, bit 0 for the first.
            tell: asked once, while remembered, for each state of a parent (None for none), threshold (NONE_TOLD for
                none) and whether the span is sampled: the span's state.
            read: asked once, while remembered, for each state: its threshold and `rv`, -1 for none.
            rules: in their order, the first that matches counts; those that keep always stand before all others.
            per_second: cap on what begins a trace and is kept by a threshold; 0 for none.

        Raises:
            TypeError: an argument or a rule is of another type.
            ValueError: more than 64 rules, or a threshold out of range.
        """
