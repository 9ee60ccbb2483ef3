"""Numbers as pages have them: the shortest decimal, an exponent where Prometheus writes one."""

from __future__ import annotations

import math


def render_number(value: float, pointed: bool = False, /) -> str:
    """A float as text; `pointed`: never without point or exponent, as OpenMetrics wants it."""
    value = math.ldexp(value, 0)  # float() would take a text as well
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign = "-" if math.copysign(1.0, value) < 0 else ""
    if value == 0.0:
        return f"{sign}0.0" if pointed else f"{sign}0"
    digits, point = _decimal(abs(value))
    if point - 1 < -4 or point - 1 >= 6:
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{sign}{digits[0]}{rest}e{'-' if point < 1 else '+'}{abs(point - 1):02d}"
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if len(digits) <= point:
        return f"{sign}{digits.ljust(point, '0')}{'.0' if pointed else ''}"
    return f"{sign}{digits[:point]}.{digits[point:]}"


def _decimal(value: float) -> tuple[str, int]:
    """Digits, and where the point is in them."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    leading = len(whole + fraction) - len(digits)
    return digits.rstrip("0"), len(whole) - leading + int(exponent or 0)


def amount(value: int | float, pointed: bool) -> str:
    """An int with all its digits, or a float."""
    return str(value) if isinstance(value, int) else render_number(value, pointed)


def seconds(ns: int) -> str:
    """Nanoseconds as seconds, exactly."""
    whole, rest = divmod(ns, 1_000_000_000)
    return f"{whole}.{f'{rest:09d}'.rstrip('0') or '0'}"
