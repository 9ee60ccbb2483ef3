"""One exported metric: what came in for this page, and the family that is rendered of it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterable, Mapping
from typing import Any

from otel_trading.ground import diagnostics
from otel_trading.hotpath.engine import Engine, Family
from otel_trading.metrics.boundaries import rounded
from otel_trading.metrics.exposition.family import Wording
from otel_trading.metrics.live import Recorded
from otel_trading.metrics.profiles.derived import Derived
from otel_trading.metrics.profiles.model import Exported, Source
from otel_trading.metrics.profiles.totals import Holder, Numbers, Total, cut

_KIND = {"counter": "counter", "gauge": "gauge", "histogram": "explicit"}
_ACCEPTED = {"counter": ("counter",), "gauge": ("gauge", "up_down"), "histogram": ("explicit", "exponential")}
_DERIVED_FROM = {"share": ("explicit",), "max": ("explicit",), "quantile": ("explicit",)}
_OF_BUCKETS = ("max", "quantile")
Values = tuple[str, ...]


class Output:
    """Thread-safe by its caller: one gathering at a time; families are read while the next one is gathered."""

    def __init__(self, exported: Exported, now_ns: int) -> None:
        """Nothing came in yet.

        Args:
            exported: what the profile says.
            now_ns: of the monotonic clock; what is derived begins here.
        """
        name = exported.name
        open_name = name.removesuffix("_total") if exported.type == "counter" else name
        self.exported = exported
        self.wording = Wording(exported.type, name, open_name, exported.help, "")
        self.totals: dict[Values, Total] = {}
        self.shown: tuple[float, ...] | None = exported.buckets or None
        self.derived = Derived(exported.derive, now_ns) if exported.derive is not None else None
        self._heads = self.wording.head(), self.wording.open_head(), self.wording.encoded_head()
        self._names = self.wording.names()

    @property
    def accepted(self) -> tuple[str, ...]:
        """Kinds of streams that it can be made of."""
        if self.exported.derive is None:
            return _ACCEPTED[self.exported.type]
        return _DERIVED_FROM.get(self.exported.derive.kind, ("counter",))

    @property
    def bucketed(self) -> bool:
        """Whether it needs the counts of buckets, all of them."""
        derive = self.exported.derive
        return self.exported.type == "histogram" or (derive is not None and derive.kind in _OF_BUCKETS)

    def begin(self) -> None:
        """A new page: nothing but the zero series."""
        self.totals = {values: Total(untouched=True) for values in self.exported.zero}

    def narrow(self, bounds: Iterable[float], stream: str) -> None:
        """Shows those buckets only that a stream has; what is missing is said once."""
        if not self.bucketed:
            return
        found = set(bounds)
        if self.shown is None:
            self.shown = tuple(sorted(found))
            return
        missing = [bound for bound in self.shown if bound not in found]
        self.shown = tuple(bound for bound in self.shown if bound in found)
        if missing and self.exported.type == "histogram":
            diagnostics.say(
                logging.WARNING,
                "%s is shown without the buckets %s: %s does not have them. Add them to its view or its boundaries.",
                self.exported.name,
                ", ".join(f"{bound:g}" for bound in missing),
                stream,
            )

    def family(self, engine: Engine, now_ns: int, wall_ns: int) -> Family | None:
        """What the engine renders; None without a series."""
        numbers = self.numbers(now_ns, wall_ns)
        if not numbers:
            return None
        made = engine.Family(self.exported.type, self._heads, *self._names)
        bounds = self.shown or () if self.exported.type == "histogram" else ()
        shape = made.shape(_KIND[self.exported.type], (), self.exported.labels, bounds)
        for values, (reading, holder) in numbers.items():
            made.add(shape, values, reading, holder)
        return made

    def numbers(self, now_ns: int, wall_ns: int) -> dict[Values, tuple[Numbers, Holder | None]]:
        """What is shown, by the values of the labels."""
        if self.derived is None:
            return {values: self._numbers(total) for values, total in self.totals.items()}
        rows = self.derived.values(self.totals, self.shown or (), now_ns, wall_ns)
        return {values: ((0, 1, self._scaled(value), None), None) for values, value in rows.items()}

    def _numbers(self, total: Total) -> tuple[Numbers, Holder | None]:
        detail: Any = None
        if self.exported.type == "histogram":
            detail = tuple(total.counts) or (0,) * (len(self.shown or ()) + 1)
        holder = Holder(total.spots) if total.spots else None
        count = sum(detail) if detail is not None else total.count + total.untouched
        return (total.started_ns, count, self._scaled(total.sum), detail), holder

    def _scaled(self, value: int | float) -> int | float:
        derive = self.exported.derive
        if derive is not None and derive.kind in _OF_BUCKETS:  # bounds are scaled already
            return value
        return _times(value, self.exported.scale)


class Outlet:
    """From one canonical stream, by one source, to an output."""

    def __init__(self, output: Output, source: Source, stream: str, factor: float, bounds: Iterable[float]) -> None:
        """Says once what the stream does not have.

        Args:
            output: where it goes.
            source: which series, under which labels.
            stream: name of the stream, for messages.
            factor: from its unit to the canonical one.
            bounds: float[n_bounds] of its buckets, in its unit.
        """
        self.output = output
        self.source = source
        self.factor = factor
        scale = 1.0 if source.within is not None else output.exported.scale
        self._places = {rounded(bound * factor * scale): index for index, bound in enumerate(bounds)}
        output.narrow(self._places, stream)
        self._cut_for: tuple[float, ...] | None = None
        self._cut: list[int] = []
        self.usable = source.within is None or rounded(source.within) in self._places
        if not self.usable:
            diagnostics.say_once(
                f"profiles.within {output.exported.name} {stream}",
                "%s leaves out %s, which has no bucket that ends at %g. Add it to its view or its boundaries.",
                output.exported.name,
                stream,
                source.within,
            )

    def values(self, attributes: Mapping[str, str], resource: Mapping[str, str]) -> Values | None:
        """Values of the labels; None if the series is not meant."""
        for key, wanted in self.source.where:
            if attributes.get(key) != wanted:
                return None
        found: list[str] = []
        for label in self.source.labels:
            if label.attribute:
                text = attributes.get(label.attribute, "")
            else:
                text = resource.get(label.resource, "") if label.resource else label.constant
            found.append((label.values or {}).get(text, text))
        return tuple(found)

    def add(self, values: Values, numbers: Numbers, kind: str, *, fresh: bool) -> Total | None:
        """Takes the numbers of a series; None for a gauge that was never set."""
        started_ns, count, amount, detail = numbers
        if kind == "gauge" and not count:
            return None
        total = self.output.totals.get(values)
        if total is None:
            total = self.output.totals[values] = Total()
        total.began(started_ns)
        total.fresh &= fresh
        amount = amount if self.factor == 1 else amount * self.factor
        if kind in ("explicit", "exponential"):
            self._add_histogram(total, count, amount, detail, kind)
        elif self.output.exported.type == "gauge" and self.output.derived is None:
            total.merge(amount, "sum" if kind == "up_down" else self.output.exported.merge)
        elif self.source.role == "denominator":
            total.other += amount
        else:
            total.sum += amount
            total.count += count
        return total

    def _add_histogram(self, total: Total, count: int, amount: int | float, detail: Any, kind: str) -> None:
        total.count += count
        total.sum += amount
        total.add_counts(cut(detail, self._cuts()) if kind == "explicit" else (*(0 for _ in self._cuts()), count))

    def _cuts(self) -> list[int]:
        within = self.source.within
        wanted = (rounded(within),) if within is not None else self.output.shown or ()
        if wanted != self._cut_for:
            self._cut_for, self._cut = wanted, [self._places[bound] for bound in wanted]
        return self._cut

    def add_exemplars(self, total: Total, found: Mapping[int, Recorded]) -> None:
        """Those of a series, in the exported unit."""
        by = self.factor * self.output.exported.scale
        for one in [*found.values()]:
            total.spots[len(total.spots)] = dataclasses.replace(one, value=_times(one.value, by))


def _times(value: int | float, by: float) -> int | float:
    """In another unit, without the noise of the last digit; an int stays one where the unit does."""
    return value if by == 1 else float(f"{value * by:.15g}")
