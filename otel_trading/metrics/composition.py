"""`view_matching_mode: composable`: SDK Views that match an instrument and name the same stream make it together."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, TypeVar, cast

from opentelemetry.sdk.metrics.view import View

from otel_trading import sdk
from otel_trading.sdk import ViewSettings

T = TypeVar("T")


def composed(views: Sequence[View], instrument: str, fitting: Callable[[View], bool]) -> list[View]:
    """One View for each stream of an instrument.

    A View without a name has part in every named stream; if none has a name there is one stream, named as the
    instrument. Of a stream the last View that says something about an aspect decides it, and an attribute key stays if
    every View keeps it: lists of kept keys intersect, lists of excluded ones unite.

    Args:
        views: those that match the instrument, in the user's order.
        instrument: its name.
        fitting: whether the instrument can have the aggregation of a View; otherwise that aspect is passed over.
    """
    told = [(sdk.view_settings(view), fitting(view)) for view in views]
    named: dict[str, str] = {}
    for settings, _ in told:
        if settings.name is not None:  # names of streams are the same in any case, as those of instruments
            named.setdefault(settings.name.lower(), settings.name)
    if not named:
        return [_together(told, instrument, None)] if told else []
    return [
        _together([one for one in told if one[0].name is None or one[0].name.lower() == key], instrument, name)
        for key, name in named.items()
    ]


def _together(told: Sequence[tuple[ViewSettings, bool]], instrument: str, name: str | None) -> View:
    settings = [one for one, _ in told]
    lists = [one.keys for one in settings if one.keys is not None]
    view = View(
        instrument_name=instrument,
        name=name,
        description=_last(one.description for one in settings),
        attribute_keys=cast("set[str]", _InAll(lists)) if lists else None,
        aggregation=_last(one.aggregation for one, fits in told if fits),
        exemplar_reservoir_factory=_last(one.reservoir for one in settings),
    )
    return sdk.StreamView(view, _last(one.cardinality_limit for one in settings), ())


def _last(found: Iterable[T | None]) -> T | None:
    return next((one for one in reversed(list(found)) if one is not None), None)


class _InAll:
    """What every one of several containers has, by `in`."""

    def __init__(self, containers: Sequence[Container[Any]]) -> None:
        self._containers = tuple(containers)

    def __contains__(self, key: object) -> bool:
        return all(key in container for container in self._containers)
