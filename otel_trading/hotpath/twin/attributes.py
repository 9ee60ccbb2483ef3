"""Attributes as a key: the pairs of a plain dict, whatever their order, with values told apart by type."""

from __future__ import annotations

from typing import Any

from otel_trading.hotpath.twin.number import LEAST, MOST

MOST_PAIRS = 32
MOST_LETTERS = 1024
MOST_NESTING = 2


class _Odd(Exception):
    """The attributes cannot be remembered."""


def key_of(attributes: dict[Any, Any]) -> frozenset[Any] | None:
    """The key, or None if they do not qualify; of a dict that nobody else has."""
    if len(attributes) > MOST_PAIRS:
        return None
    try:
        return frozenset((_name(name), *_part(value, 0)) for name, value in attributes.items())
    except _Odd:
        return None


def _name(name: Any) -> str:
    if type(name) is not str or len(name) > MOST_LETTERS:
        raise _Odd
    return name


def _part(value: Any, nesting: int) -> tuple[Any, ...]:
    kind = type(value)
    if kind is bool:
        return kind, value
    if kind is int and LEAST <= value <= MOST:
        return kind, value
    if kind is float:
        return kind, value.hex()  # NaN is itself, and -0.0 is not 0.0
    if isinstance(value, str) and len(value) <= MOST_LETTERS:
        return (kind, value) if kind is str else (kind, id(value))  # members of enumerations
    if kind is tuple and nesting < MOST_NESTING and len(value) <= MOST_PAIRS:
        return kind, tuple(_part(item, nesting + 1) for item in value)
    raise _Odd
