"""Instruments that outlive a shutdown: each has a table from attributes to cells, and handles that are cells."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast

from opentelemetry.context import Context
from opentelemetry.metrics import (
    CallbackOptions,
    Counter,
    Histogram,
    Meter,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    Observation,
    UpDownCounter,
)
from opentelemetry.metrics import NoOpMeter as _NoOpMeter

from otel_trading.ground import diagnostics
from otel_trading.hotpath.engine import Cell
from otel_trading.metrics import attributes as sets
from otel_trading.metrics.engine import engine
from otel_trading.metrics.feeds import Feed, Nowhere, ToAwaited
from otel_trading.metrics.handles import BoundCounter, BoundGauge, BoundHistogram
from otel_trading.metrics.measurement import keys, labels, number
from otel_trading.sdk import ApiGauge

H = TypeVar("H")

REMEMBERED = 2000
"""Sets of attributes that a table knows without asking; more are found, but slower."""
HANDLES = 10_000
"""Most handles of one instrument with attributes of their own; further ones share one."""


class _Named:
    """Name, unit and description, which OpenTelemetry's API classes do not keep."""

    def __init__(self, name: str, unit: str = "", description: str = "") -> None:
        self.name, self.unit, self.description = name, unit, description


class Synchronous(_Named, Generic[H]):
    """What all synchronous instruments share: a table, handles, and a feed that `init()` and `shutdown()` exchange."""

    kind: ClassVar[str]
    """As the declarative file names it."""
    method: ClassVar[str]
    """Of OpenTelemetry's interface: add, record or set."""
    negative: ClassVar[bool] = True

    def __init__(
        self, name: str, unit: str = "", description: str = "", attributes_advisory: Sequence[str] | None = None
    ) -> None:
        super().__init__(name, unit, description)
        self.attributes_advisory = keys(attributes_advisory, name)
        self._lock = threading.RLock()
        self.feed: Feed = Nowhere(name)
        """Where measurements go at the moment."""
        self._handles: dict[tuple[Any, ...], tuple[Mapping[str, Any], Cell]] = {}
        self._initial: tuple[Cell, ...] = ()
        self._table = engine.Table(self._find, REMEMBERED, name)
        # the engine's own method: a call of the instrument is then one call
        self.__dict__[self.method] = getattr(self._table, self.method)

    def _find(self, attributes: Any) -> Cell:
        return self.feed.cell(labels(attributes, self.name) or {}, None)

    def bind(self, attributes: Mapping[str, Any] | None = None, /, **more: Any) -> H:
        """A handle with fixed attributes; see `otel_trading.bind`.

        Views and the cardinality limit are decided here; the handle keeps its series until `shutdown()`, and gets a new
        one at the next `init()`. The same attributes give the same handle.
        """
        fixed = labels({**(attributes or {}), **more}, self.name) or {}
        key = sets.key_of(fixed)
        with self._lock:
            known = self._handles.get(key)
            if known is None and len(self._handles) >= HANDLES:
                diagnostics.trouble(
                    "metrics.too_many_handles", "%s has %d handles; more are bound together", self.name, HANDLES
                )
                fixed, key = dict(sets.OVERFLOW), sets.OVERFLOW
                known = self._handles.get(key)
            if known is None:
                known = self._handles[key] = dict(fixed), engine.Cell(self.name)
                self.feed.cell(*known)
        return known[1]  # type: ignore[return-value]  # a cell is what every kind of handle is

    def begin_with(self, sets: Iterable[Mapping[str, Any]]) -> None:
        """Lets these series be there at 0, now and after each `init()`; only the first call counts."""
        with self._lock:
            if self._initial:
                return
            self._initial = tuple([cast(Cell, self.bind(attributes)) for attributes in sets])
            self._begin()

    def _begin(self) -> None:
        """Gives the first series their 0; that of a histogram is on `/metrics` once it is bound."""
        if not self.feed.enabled or isinstance(self.feed, ToAwaited):
            return
        for cell in self._initial:
            if self.method != "record":
                getattr(cell, self.method)(0)

    def enabled(self) -> bool:
        """Whether a measurement would come out anywhere; for callers whose measurement is dear."""
        return self.feed.enabled

    def create(self, meter: Meter) -> Any:
        """The instrument of another meter with the same identity."""
        raise NotImplementedError

    def connect(self, feed: Feed) -> None:
        """Makes the instrument and all its handles record into `feed`."""
        with self._lock:
            handles = list(self._handles.values())
            # closed first: a handle that passed on to another must not do so while the other begins to pass on to it
            for _, handle in handles:
                handle.close()
            self.feed = feed
            self._table.forget()
            for attributes, handle in handles:
                feed.cell(attributes, handle)
            self._begin()

    def after_fork_in_child(self) -> None:
        """Closes everything, with a new lock: the parent's may be held for ever."""
        self._lock = threading.RLock()
        self.connect(Nowhere(self.name))


class TradingCounter(Synchronous[BoundCounter], Counter):
    """A monotonic counter."""

    kind = "counter"
    method = "add"
    negative = False

    def add(self, amount: int | float, attributes: Any = None, context: Context | None = None) -> None:
        """Adds a number that is not negative. Never raises."""
        self._table.add(amount, attributes, context)

    def create(self, meter: Meter) -> Any:
        """See `Synchronous.create`."""
        return meter.create_counter(self.name, self.unit, self.description)


class TradingUpDownCounter(Synchronous[BoundCounter], UpDownCounter):
    """An up-down counter."""

    kind = "up_down_counter"
    method = "add"

    def add(self, amount: int | float, attributes: Any = None, context: Context | None = None) -> None:
        """Adds a number. Never raises."""
        self._table.add(amount, attributes, context)

    def create(self, meter: Meter) -> Any:
        """See `Synchronous.create`."""
        return meter.create_up_down_counter(self.name, self.unit, self.description)


class TradingGauge(Synchronous[BoundGauge], ApiGauge):
    """A synchronous gauge."""

    kind = "gauge"
    method = "set"

    def set(self, amount: int | float, attributes: Any = None, context: Context | None = None) -> None:
        """Sets the value. Never raises."""
        self._table.set(amount, attributes, context)

    def create(self, meter: Meter) -> Any:
        """See `Synchronous.create`."""
        return meter.create_gauge(self.name, self.unit, self.description)


class TradingHistogram(Synchronous[BoundHistogram], Histogram):
    """A histogram. It takes negative values only where a bucket boundary is below 0."""

    kind = "histogram"
    method = "record"
    negative = False

    def __init__(
        self,
        name: str,
        unit: str,
        description: str,
        attributes_advisory: Sequence[str] | None,
        advisory: Sequence[float] | None,
    ) -> None:
        super().__init__(name, unit, description, attributes_advisory)
        self.advisory = advisory

    def record(self, amount: int | float, attributes: Any = None, context: Context | None = None) -> None:
        """Records a number in the instrument's unit. Never raises."""
        self._table.record(amount, attributes, context)

    def create(self, meter: Meter) -> Any:
        """See `Synchronous.create`."""
        return meter.create_histogram(
            self.name, self.unit, self.description, explicit_bucket_boundaries_advisory=self.advisory
        )


class Observed(_Named):
    """An asynchronous instrument: it is created again with each provider, its callbacks made harmless."""

    def __init__(
        self, create: str, name: str, callbacks: Sequence[Any] | None, unit: str = "", description: str = ""
    ) -> None:
        """Remembers what to create.

        Args:
            create: the meter's method, such as `create_observable_gauge`.
            name: of the instrument.
            callbacks: functions or generators that return Observations.
            unit: of the instrument.
            description: of the instrument.
        """
        super().__init__(name, unit, description)
        self._create = create
        monotonic = create == "create_observable_counter"
        listed = [callbacks] if callable(callbacks) else callbacks or ()
        self._callbacks = [harmless(callback, name, monotonic) for callback in listed]

    def follow(self, meter: Meter) -> None:
        """Creates the real instrument in `meter`."""
        if not isinstance(meter, _NoOpMeter):
            getattr(meter, self._create)(
                self.name, callbacks=self._callbacks, unit=self.unit, description=self.description
            )


class ObservedCounter(Observed, ObservableCounter):
    """An observable counter."""


class ObservedUpDownCounter(Observed, ObservableUpDownCounter):
    """An observable up-down counter."""


class ObservedGauge(Observed, ObservableGauge):
    """An observable gauge."""


Callback = Callable[[CallbackOptions], Iterable[Observation]]


def harmless(callback: Any, name: str, monotonic: bool) -> Callback:
    """A callback that costs itself only: SystemExit would end the reader's thread, a bad value every later export."""
    generator = callback if hasattr(callback, "send") else None
    if generator is not None:
        next(generator, None)  # the API's generators wait for their options at the first yield

    def observe(options: CallbackOptions) -> Iterable[Observation]:
        try:
            found = generator.send(options) if generator is not None else callback(options)
            return [checked for item in found if (checked := _observation(item, name, monotonic)) is not None]
        except BaseException as error:
            diagnostics.trouble("metrics.callback_failed", "a callback of %s failed: %r", name, error)
            return []

    return observe


def _observation(item: object, name: str, monotonic: bool) -> Observation | None:
    if not isinstance(item, Observation):
        diagnostics.trouble(
            "metrics.invalid_observation", "a callback of %s must give Observations; was %r", name, item
        )
        return None
    value = number(item.value, name, monotonic=monotonic)
    return None if value is None else Observation(value, labels(item.attributes, name), item.context)
