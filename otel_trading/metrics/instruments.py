"""Instruments that outlive a shutdown: each delegates to the current provider's, and checks what is recorded."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

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
from otel_trading.metrics import handles
from otel_trading.metrics.handles import BoundCounter, BoundGauge, BoundHistogram
from otel_trading.metrics.measurement import labels, number
from otel_trading.sdk import ApiGauge

H = TypeVar("H")
_inside = threading.local()


class _Named:
    """Name, unit and description, which OpenTelemetry's API classes do not keep."""

    def __init__(self, name: str, unit: str = "", description: str = "") -> None:
        self.name, self.unit, self.description = name, unit, description


class _Synchronous(_Named, Generic[H]):
    """What all synchronous instruments share: a real one to delegate to, checks, and `bind`."""

    _real: Any = None
    _not_negative = False

    def bind(self, attributes: Mapping[str, Any] | None = None, /, **more: Any) -> H:
        """The instrument with fixed attributes; see `handles.bind`."""
        bound: H = handles.bind(self, attributes, **more)
        return bound

    def _measure(self, method: str, amount: object, attributes: object, context: Context | None) -> None:
        """Passes a checked measurement on; wrong values are counted and said once, never raised."""
        if getattr(_inside, "busy", False):
            # the SDK's aggregations hold plain locks: a handler of a signal that came in the middle would wait for ever
            diagnostics.trouble("metrics.reentered", "%s was recorded inside another recording; dropped", self.name)
            return
        try:
            value = number(amount, self.name, monotonic=self._not_negative)
            if value is not None and self._real is not None:
                _inside.busy = True
                getattr(self._real, method)(value, labels(attributes, self.name), context)
        except Exception as error:
            diagnostics.trouble("metrics.record_failed", "%s could not be recorded: %r", self.name, error)
        finally:
            _inside.busy = False


class TradingCounter(_Synchronous[BoundCounter], Counter):
    """A monotonic counter."""

    _not_negative = True

    def add(self, amount: int | float, attributes: Any = None, context: Context | None = None) -> None:
        """Adds a number that is not negative. Never raises."""
        self._measure("add", amount, attributes, context)

    def follow(self, meter: Meter) -> None:
        """Takes the real instrument from `meter`."""
        self._real = meter.create_counter(self.name, self.unit, self.description)


class TradingUpDownCounter(_Synchronous[BoundCounter], UpDownCounter):
    """An up-down counter."""

    def add(self, amount: int | float, attributes: Any = None, context: Context | None = None) -> None:
        """Adds a number. Never raises."""
        self._measure("add", amount, attributes, context)

    def follow(self, meter: Meter) -> None:
        """Takes the real instrument from `meter`."""
        self._real = meter.create_up_down_counter(self.name, self.unit, self.description)


class TradingGauge(_Synchronous[BoundGauge], ApiGauge):
    """A synchronous gauge."""

    def set(self, amount: int | float, attributes: Any = None, context: Context | None = None) -> None:
        """Sets the value. Never raises."""
        self._measure("set", amount, attributes, context)

    def follow(self, meter: Meter) -> None:
        """Takes the real instrument from `meter`."""
        self._real = meter.create_gauge(self.name, self.unit, self.description)


class TradingHistogram(_Synchronous[BoundHistogram], Histogram):
    """A histogram; OpenTelemetry's take no negative values."""

    _not_negative = True

    def __init__(self, name: str, unit: str, description: str, advisory: Sequence[float] | None) -> None:
        super().__init__(name, unit, description)
        self.advisory = advisory

    def record(self, amount: int | float, attributes: Any = None, context: Context | None = None) -> None:
        """Records a number in the instrument's unit. Never raises."""
        self._measure("record", amount, attributes, context)

    def follow(self, meter: Meter) -> None:
        """Takes the real instrument from `meter`."""
        self._real = meter.create_histogram(
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
