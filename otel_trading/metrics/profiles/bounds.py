"""Buckets that cells must have so that each profile finds its own."""

from __future__ import annotations

from collections.abc import Iterable

from otel_trading.metrics.boundaries import Boundaries, rounded
from otel_trading.metrics.profiles.model import Exported, Profile, Source


def wanted(profiles: Iterable[Profile]) -> dict[str, Boundaries]:
    """Boundaries by the canonical name in lower case, in the canonical unit; those of all profiles together."""
    found: dict[str, set[float]] = {}
    units: dict[str, str] = {}
    for exported in (exported for profile in profiles for exported in profile.metrics):
        for source in exported.sources:
            name = source.canonical.lower()
            found.setdefault(name, set()).update(_of(exported, source))
            units[name] = source.unit
    return {name: Boundaries(tuple(sorted(bounds)), units[name]) for name, bounds in found.items() if bounds}


def _of(exported: Exported, source: Source) -> list[float]:
    shown = [rounded(bound / exported.scale) for bound in (*exported.below, *exported.buckets)]
    return shown if source.within is None else [*shown, rounded(source.within)]
