"""Families of one naming, kept between pages: only what is new is worked out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_trading.ground import diagnostics
from otel_trading.hotpath.engine import Engine, Family, Item
from otel_trading.metrics.exposition.escaping import Scheme, escape
from otel_trading.metrics.exposition.family import TYPE_OF, Wording
from otel_trading.metrics.exposition.foreign import Stream
from otel_trading.metrics.exposition.labels import Labels, Pair, scope_pairs
from otel_trading.metrics.exposition.names import Naming, unit_word
from otel_trading.metrics.exposition.turns import Turns
from otel_trading.metrics.live import LiveStream

_Heads = tuple[bytes | None, bytes | None, bytes | None]


@dataclass(slots=True)
class _Kept:
    """A family on the pages: its wording, its heads, and the engine's family of our own cells."""

    wording: Wording
    heads: _Heads
    family: Family
    extra: list[Family] = field(default_factory=list)


@dataclass(slots=True)
class _Place:
    """Where the series of a live stream are, and how many of them."""

    kept: _Kept | None
    labels: Labels
    added: int = 0
    last: Any = None
    shapes: dict[Any, int] = field(default_factory=dict)

    def goes_on(self, series: Sequence[Any]) -> bool:
        """Whether those that were added are still the first ones."""
        return not self.added or (len(series) >= self.added and series[self.added - 1] is self.last)


class Book:
    """One thread at a time; pages may be rendered from its items meanwhile."""

    def __init__(
        self,
        engine: Engine,
        naming: Naming,
        scheme: Scheme,
        scope_info: bool,
        resource: list[Pair],
        reserved: Iterable[str] = (),
    ) -> None:
        """Begins without families.

        Args:
            engine: whose cells are shown.
            naming: of metrics and labels.
            scheme: how names are escaped.
            scope_info: scope labels are added.
            resource: constant labels.
            reserved: names that no metric may have.
        """
        self._engine = engine
        self._naming = naming
        self._scheme: Scheme = scheme
        self._scope_info = scope_info
        self._resource = resource
        self._kept: dict[str, _Kept] = {}
        self._places: dict[LiveStream, _Place] = {}
        self._text_names = dict.fromkeys(reserved, "")
        self._open_names = dict.fromkeys(reserved, "")
        self._reserved = tuple(reserved)

    def label(self, key: str) -> str:
        """The name of a label."""
        name = escape(self._naming.label(key), self._scheme)
        # Prometheus keeps names that begin with two underscores for itself
        return f"_{name.lstrip('_')}" if self._scheme == "underscores" and name.startswith("__") else name

    def taken(self, names: Iterable[str], open_names: Iterable[str]) -> bool:
        """Whether one of these names of samples is on the page already."""
        return any(name in self._text_names for name in names) or any(name in self._open_names for name in open_names)

    def items(self, live: Sequence[LiveStream], foreign: Sequence[Stream]) -> list[Item]:
        """What the engine renders: our streams, what grew of them added, and those of others as they are now."""
        if self._places and not self._places.keys() <= set(live):
            self._forget()  # a stream is gone
        turns = Turns()
        for stream in live:
            self._update(stream, turns)
        added = self._add_foreign(foreign, turns)
        found = list(itertools.chain.from_iterable((kept.family, *kept.extra) for kept in self._kept.values()))
        for kept in self._kept.values():
            kept.extra.clear()
        for name in added:
            self._drop(name)
        return list(found)

    def _forget(self) -> None:
        self._kept.clear()
        self._places.clear()
        self._text_names = dict.fromkeys(self._reserved, "")
        self._open_names = dict.fromkeys(self._reserved, "")

    # ---- our own ----

    def _update(self, stream: LiveStream, turns: Turns) -> None:
        place = self._places.get(stream)
        series = stream.series
        if (
            place is not None
            and place.added
            and (len(series) < place.added or series[place.added - 1] is not place.last)
        ):
            raise Replaced
        if place is None:
            kept = self._family(stream.name, stream.unit, stream.description, stream.kind)
            place = self._places[stream] = _Place(kept, self._labels(stream.scope, self._resource, stream.kind))
        if place.kept is None:
            return
        for number in range(place.added, len(series)):  # a slice would be as long as the page is
            one = series[number]
            shared, names, values = place.labels.of(one.attributes)
            shape = place.shapes.get((shared, names))
            if shape is None:
                shape = place.kept.family.shape(stream.kind, shared, names, tuple(stream.bounds))
                place.shapes[shared, names] = shape
            if not place.kept.family.add(shape, values, one.cell, one):
                _warn_twice(place.kept.wording.name)
            place.added += 1
            place.last = one
            turns.step()

    def _labels(self, scope: InstrumentationScope, resource: list[Pair], kind: str) -> Labels:
        named: Callable[[str], str] = self._bucket_label if TYPE_OF[kind] == "histogram" else self.label
        return Labels([*(scope_pairs(scope, self.label) if self._scope_info else ()), *resource], named)

    def _bucket_label(self, key: str) -> str:
        """A histogram has a label of its own that is named `le`."""
        name = self.label(key)
        return "exported_le" if name == "le" else name

    # ---- those of others ----

    def _add_foreign(self, foreign: Sequence[Stream], turns: Turns) -> list[str]:
        """Returns names of families that are there for this page only."""
        added: list[str] = []
        for stream in foreign:
            before = len(self._kept)
            kept = self._family(stream.name, stream.unit, stream.description, stream.kind)
            if kept is None:
                continue
            if len(self._kept) > before:
                added.append(kept.wording.name)
            made = self._engine.Family(kept.wording.type, kept.heads, *kept.wording.names())
            labels = self._labels(stream.scope, stream.resource, stream.kind)
            shapes: dict[Any, int] = {}
            for point in stream.points:
                shared, names, values = labels.of(point.attributes)
                shape = shapes.get((shared, names, point.bounds))
                if shape is None:
                    shape = made.shape(stream.kind, shared, names, point.bounds)
                    shapes[shared, names, point.bounds] = shape
                if not made.add(shape, values, point.reading, point):
                    _warn_twice(kept.wording.name)
                turns.step()
            kept.extra.append(made)
        return added

    def _drop(self, name: str) -> None:
        kept = self._kept.pop(name)
        for names, samples in (
            (self._text_names, kept.wording.text_samples()),
            (self._open_names, kept.wording.open_samples()),
        ):
            for sample in samples:
                if names.get(sample) == name:
                    del names[sample]

    # ---- families ----

    def _family(self, name: str, unit: str, description: str, kind: str) -> _Kept | None:
        """The family of a stream; None if another metric has its name with another type."""
        wording = self._wording(name, unit, description, kind)
        known = self._kept.get(wording.name)
        if known is not None and known.wording.type == wording.type:
            if (known.wording.help, known.wording.unit) != (wording.help, wording.unit):
                _warn("description", f"several descriptions or units of {wording.name}; the first one is shown")
            return known
        if known is not None or any(sample in self._text_names for sample in wording.text_samples()):
            _warn(
                wording.name, f"{name} is left out: another metric is on the page as {wording.name}, with another type"
            )
            return None
        clash = any(sample in self._open_names for sample in wording.open_samples())
        if clash:
            _warn(wording.name, f"{name} is left out of OpenMetrics, where another metric has one of its names")
        else:
            self._open_names.update(dict.fromkeys(wording.open_samples(), wording.name))
        self._text_names.update(dict.fromkeys(wording.text_samples(), wording.name))
        heads: _Heads = (wording.head(), None if clash else wording.open_head(), wording.encoded_head())
        kept = _Kept(wording, heads, self._engine.Family(wording.type, heads, *wording.names()))
        self._kept[wording.name] = kept
        return kept

    def _wording(self, name: str, unit: str, description: str, kind: str) -> Wording:
        full = _encodable(escape(self._naming.metric(name, unit, kind), self._scheme))
        type = TYPE_OF[kind]
        open_name = full.removesuffix("_total") if type == "counter" else full
        word = "ratio" if kind == "gauge" and unit == "1" else unit_word(unit)
        shown = word if word and open_name.endswith(f"_{word}") else ""
        return Wording(type, full, open_name or full, _encodable(description), shown)


class Replaced(Exception):
    """The series of a stream are not those of the last page; the book begins anew."""


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _warn_twice(name: str) -> None:
    _warn(f"{name}.series", f"series of {name} that come to the same labels are left out but for the first")


def _warn(what: str, message: str) -> None:
    diagnostics.trouble(f"endpoint.names.{what}", "%s", message)
