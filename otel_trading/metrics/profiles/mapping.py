"""Which series go into which exported metrics, found out once for each series."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from otel_trading.ground import diagnostics
from otel_trading.hotpath.engine import Cell
from otel_trading.metrics.exposition.foreign import Stream
from otel_trading.metrics.exposition.labels import Pair, value_text
from otel_trading.metrics.exposition.turns import Turns
from otel_trading.metrics.live import LiveStream, Series
from otel_trading.metrics.profiles.model import Source
from otel_trading.metrics.profiles.output import Outlet, Output, Values
from otel_trading.metrics.units import IncompatibleUnits, factor

Sinks = Mapping[str, Sequence[tuple[Output, Source]]]
"""By the canonical name in lower case."""
_Ways = tuple[tuple[Outlet, Values], ...]


@dataclass(frozen=True, slots=True)
class _Route:
    """A series and where it goes."""

    series: Series
    cell: Cell
    ways: _Ways


class Tap:
    """A live stream that a profile shows. `rest` has the series that no profile wants."""

    def __init__(self, stream: LiveStream, outlets: Sequence[Outlet], resource: Mapping[str, str]) -> None:
        """Has looked at no series yet."""
        self.rest = replace(stream, series=[])
        self.outlets = outlets
        self._stream = stream
        self._resource = resource
        self._routes: list[_Route] = []
        self._seen = 0
        self._last: Series | None = None

    def goes_on(self) -> bool:
        """Whether the series that were looked at are still the first ones."""
        series = self._stream.series
        return not self._seen or (len(series) >= self._seen and series[self._seen - 1] is self._last)

    def look(self, turns: Turns) -> None:
        """Finds the ways of the series that are new."""
        series = self._stream.series
        for number in range(self._seen, len(series)):
            one = self._last = series[number]
            ways = _ways(self.outlets, one.attributes, self._resource)
            if ways:
                self._routes.append(_Route(one, one.cell, ways))
            else:
                self.rest.series.append(one)
            self._seen += 1
            turns.step()

    def pour(self, turns: Turns, *, exemplars: bool, only: Container[Output] | None = None) -> None:
        """Adds what was recorded to the outputs.

        Args:
            turns: gives the GIL away.
            exemplars: they are wanted too, and the next page wants newer ones.
            only: the outputs that get something; None for all.
        """
        kind = self._stream.kind
        for route in self._routes:
            ways = route.ways if only is None else [way for way in route.ways if way[0].output in only]
            if not ways:
                continue
            count, amount, _, _, detail = route.cell.snapshot()
            numbers = route.cell.started_ns, count, amount, detail
            for outlet, values in ways:
                total = outlet.add(values, numbers, kind, fresh=True)
                if exemplars and total is not None and route.series.exemplars:
                    outlet.add_exemplars(total, route.series.exemplars)
            if exemplars and route.series.exemplars:
                route.cell.arm()
            turns.step()


class Poured:
    """Series of others as they were at the last page: another sample before the next one finds them unchanged."""

    def __init__(self) -> None:
        """Nothing was there."""
        self._kept: list[tuple[Outlet, Values, Any, str]] = []

    def take(self, stream: Stream, outlets: Sequence[Outlet], resource: Mapping[str, str]) -> Stream:
        """Adds the series that a profile shows, and gives the stream of the others."""
        rest = []
        bounds = stream.points[0].bounds if stream.points else ()
        for point in stream.points:
            # a point with other buckets than the first cannot be added to it
            ways = _ways(outlets, point.attributes, resource) if point.bounds == bounds else ()
            if not ways:
                rest.append(point)
            for outlet, values in ways:
                total = outlet.add(values, point.reading, stream.kind, fresh=False)
                if total is not None and point.exemplars:
                    outlet.add_exemplars(total, point.exemplars)
                self._kept.append((outlet, values, point.reading, stream.kind))
        return replace(stream, points=rest)

    def repeat(self, only: Container[Output]) -> None:
        """Adds to some outputs what was there at the last page."""
        for outlet, values, reading, kind in self._kept:
            if outlet.output in only:
                outlet.add(values, reading, kind, fresh=False)

    def forget(self) -> None:
        """A new page."""
        self._kept.clear()


def outlets(sinks: Sinks, name: str, unit: str, kind: str, bounds: Iterable[float]) -> list[Outlet]:
    """Those of a stream; none if no profile shows it or it is not what its name says."""
    bounds = tuple(bounds)
    found: list[Outlet] = []
    for output, source in sinks.get(name.lower(), ()):
        if kind not in output.accepted:
            _warn(name, output, f"it is a {kind}")
            continue
        try:
            by = 1.0 if unit in ("", source.unit) else factor(unit, source.unit)
        except IncompatibleUnits as error:
            _warn(name, output, str(error))
            continue
        made = Outlet(output, source, name, by, bounds)
        if made.usable:
            found.append(made)
    return found


def _warn(name: str, output: Output, why: str) -> None:
    exported = output.exported.name
    diagnostics.say_once(
        f"profiles.unfit {exported} {name}",
        "%s is not shown as %s: %s. Create it with the kind and the unit of the catalogue.",
        name,
        exported,
        why,
    )


def _ways(outlets: Sequence[Outlet], attributes: Iterable[Pair], resource: Mapping[str, str]) -> _Ways:
    texts = {str(key): value_text(value) for key, value in attributes}
    found = ((outlet, outlet.values(texts, resource)) for outlet in outlets)
    return tuple((outlet, values) for outlet, values in found if values is not None)
