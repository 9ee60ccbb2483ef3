"""What may be recorded: a check that costs one comparison for ordinary numbers and never raises."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, cast

from opentelemetry.util.types import Attributes

from otel_trading.ground import diagnostics, values

_NUMBERS = frozenset((int, float, bool))
_LABEL_LIMIT = 1024
_INT64 = 2**63


def number(value: object, instrument: str, *, monotonic: bool = False) -> int | float | None:
    """The value as it may be recorded; None if it may not, which is then counted and said once.

    Args:
        value: anything; Decimal and numpy scalars become plain numbers (`ground.values.measurement`), True and False
            1 and 0, as a cell takes them.
        instrument: its name, for the message.
        monotonic: negative values are refused; so they are by counters and, in OpenTelemetry, by histograms.
    """
    plain = _plain_number(value)
    if plain is None:
        diagnostics.trouble(
            "metrics.invalid_value", "%s takes numbers; a %s was not recorded", instrument, type(value).__name__
        )
        return None
    if isinstance(plain, int) and not -_INT64 <= plain < _INT64:
        plain = float(plain) if -1e300 < plain < 1e300 else math.inf
    if not math.isfinite(plain):
        diagnostics.trouble("metrics.not_finite", "%s: a value that is not finite was not recorded", instrument)
        return None
    if monotonic and plain < 0:
        diagnostics.trouble("metrics.negative_value", "%s takes no negative values; one was not recorded", instrument)
        return None
    return plain


def _plain_number(value: object) -> int | float | None:
    if type(value) is int or type(value) is float:
        return value
    return int(value) if isinstance(value, bool) else values.measurement(value)


def _plain(value: object) -> bool:
    """True for short ASCII text and plain numbers; a lone surrogate would end every scrape."""
    if isinstance(value, str):
        return type(value) is str and len(value) < _LABEL_LIMIT and value.isascii()
    return type(value) in _NUMBERS


def _short(value: object) -> object:
    """A label of ten megabytes would be sent at every scrape."""
    return f"{value[:_LABEL_LIMIT]}…" if isinstance(value, str) and len(value) > _LABEL_LIMIT else value


def keys(advised: object, instrument: str) -> frozenset[str] | None:
    """The attribute keys that an instrument advises to keep; None for all, and for what is no list of texts."""
    if advised is None:
        return None
    if isinstance(advised, Iterable) and not isinstance(advised, (str, bytes)):
        listed = tuple(advised)
        if all(isinstance(key, str) for key in listed):
            return frozenset(listed)
    diagnostics.trouble(
        "metrics.invalid_advisory", "%s: attributes_advisory must be a list of keys; all are kept", instrument
    )
    return None


def labels(attributes: object, instrument: str) -> Attributes:
    """Attributes as they may be recorded: unusual values converted, anything but a mapping counted and left out."""
    if not attributes:
        return None
    if isinstance(attributes, Mapping):
        if all(_plain(value) for value in attributes.values()) and all(_plain(key) for key in attributes):
            return cast(Attributes, attributes)
        return {values.key(key): cast(Any, _short(values.attribute(value))) for key, value in attributes.items()}
    diagnostics.trouble(
        "metrics.invalid_attributes",
        "%s takes a mapping of attributes; was %s",
        instrument,
        type(attributes).__name__,
    )
    return None
