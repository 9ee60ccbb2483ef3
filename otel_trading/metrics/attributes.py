"""Attributes of a series: which are kept, and what makes two sets the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from opentelemetry.util.types import AttributeValue

from otel_trading.metrics.live import Pairs

Filter = Callable[[Mapping[str, AttributeValue]], Mapping[str, AttributeValue]]
"""From the attributes of a measurement to those of its series."""

OTHER = "other"
"""What a value becomes that an allow-list does not have."""

OVERFLOW: Pairs = (("otel.metric.overflow", True),)
"""The attributes of the series that takes what goes over the cardinality limit."""


def everything(attributes: Mapping[str, AttributeValue]) -> Mapping[str, AttributeValue]:
    """Keeps all."""
    return attributes


def filtering(kept: Iterable[str] | None, allowed: Mapping[str, Iterable[AttributeValue]] | None = None) -> Filter:
    """Makes a filter.

    Args:
        kept: keys that stay, anything with `in`; None for all.
        allowed: by key, the values that stay as they are; others become `other`.
    """
    lists = {key: frozenset(map(typed, values)) for key, values in (allowed or {}).items()}
    if kept is None and not lists:
        return everything
    if not lists:
        keys = cast("frozenset[str]", kept)
        return lambda attributes: {key: value for key, value in attributes.items() if key in keys}

    def limited(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
        return {
            key: value if key not in lists or typed(value) in lists[key] else OTHER
            for key, value in attributes.items()
            if kept is None or key in cast("frozenset[str]", kept)
        }

    return limited


def typed(value: Any) -> Any:
    """A value that tells True, 1 and 1.0 apart, and can be hashed."""
    if type(value) is str:
        return value
    if isinstance(value, (list, tuple)):
        return (list, *map(typed, value))
    return (type(value), value)


def key_of(attributes: Mapping[str, AttributeValue]) -> tuple[Any, ...]:
    """What two equal sets have in common, in any order."""
    if len(attributes) == 1:
        ((key, value),) = attributes.items()
        return (key, typed(value))
    return tuple((key, typed(attributes[key])) for key in sorted(attributes))


def split(attributes: Mapping[str, AttributeValue]) -> tuple[tuple[str, ...], tuple[AttributeValue, ...]]:
    """Keys, sorted, and their values; lists become tuples, which nobody can change any more."""
    keys = tuple(sorted(attributes))
    return keys, tuple([fixed(attributes[key]) for key in keys])


def fixed(value: Any) -> Any:
    """A value as a series keeps it."""
    return tuple(map(fixed, value)) if isinstance(value, (list, tuple)) else value


def same_values(these: tuple[Any, ...], those: tuple[Any, ...]) -> bool:
    """Whether they are equal one by one, of the same types."""
    return these == those and typed(these) == typed(those)
