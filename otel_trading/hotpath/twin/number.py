"""From any object to a number: an int that fits int64, a finite float otherwise, or a reason why not."""

from __future__ import annotations

import math
import operator

from otel_trading.hotpath.twin import refusal

LEAST, MOST = -(2**63), 2**63 - 1
"""The range of an int64."""


def number_of(value: object) -> int | float | str:
    """The number, or the reason of the refusal, a str. Never raises."""
    if type(value) is float:
        return value if math.isfinite(value) else refusal.NOT_FINITE
    if isinstance(value, int):
        return _from_int(int.__int__(value))
    kind = type(value)
    if hasattr(kind, "__index__"):
        try:
            return _from_int(operator.index(value))  # type: ignore[arg-type]  # just looked
        except Exception:
            if not hasattr(kind, "__float__"):
                return refusal.NOT_A_NUMBER
    elif not hasattr(kind, "__float__"):
        return refusal.NOT_A_NUMBER  # a text has neither, so "1.5" is no number
    try:
        real = float(value)  # type: ignore[arg-type]  # likewise
    except Exception:
        return refusal.NOT_A_NUMBER
    return real if math.isfinite(real) else refusal.NOT_FINITE


def _from_int(value: int) -> int | float | str:
    if LEAST <= value <= MOST:
        return value
    try:
        return float(value)
    except OverflowError:
        return refusal.NOT_FINITE
