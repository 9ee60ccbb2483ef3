"""Units that can be converted into each other: time, bytes, ratios. All others convert only into themselves."""

from __future__ import annotations

_TIME_NS = {"ns": 1.0, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "min": 6e10, "h": 3.6e12, "d": 8.64e13}
_BYTES = {
    "By": 1.0,
    "kBy": 1e3,
    "MBy": 1e6,
    "GBy": 1e9,
    "KiBy": 1024.0,
    "MiBy": 1024.0**2,
    "GiBy": 1024.0**3,
}
_RATIO = {"1": 1.0, "%": 1e-2, "bps": 1e-4, "{bps}": 1e-4, "[bps]": 1e-4}
_FAMILIES = (_TIME_NS, _BYTES, _RATIO)


class IncompatibleUnits(ValueError):
    """There is no factor between the two units."""


def factor(source: str, target: str) -> float:
    """What a number in `source` is multiplied by to become one in `target`.

    Args:
        source: a UCUM unit, such as `us`.
        target: a UCUM unit, such as `s`.

    Raises:
        IncompatibleUnits: the two measure different things.
    """
    if source == target:
        return 1.0
    for family in _FAMILIES:
        if source in family and target in family:
            return family[source] / family[target]
    raise IncompatibleUnits(f"{source!r} cannot be converted to {target!r}")


def seconds_like(unit: str) -> float | None:
    """What nanoseconds are multiplied by to become `unit`; None if it is no unit of time."""
    return 1.0 / _TIME_NS[unit] if unit in _TIME_NS else None
