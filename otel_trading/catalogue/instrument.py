"""What generated instruments stand on: they are made when they are first used, and translate keywords to attributes.

A wrong value never raises: one that a closed enumeration does not have is counted, said once and recorded as `other`;
one that is not on an allow-list becomes `other` in silence, which is what the list is for. A misspelt or missing
keyword is Python's own TypeError, at the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar, get_args

from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation

from otel_trading import providers
from otel_trading.ground import diagnostics
from otel_trading.metrics.attributes import OTHER, typed
from otel_trading.metrics.handles import BoundCounter, BoundGauge, BoundHistogram
from otel_trading.metrics.instruments import Synchronous, harmless
from otel_trading.metrics.provider import DelegatingMeter

H = TypeVar("H", BoundCounter, BoundGauge, BoundHistogram)
Values = tuple[Any, ...]
"""Of the attributes, in the order of the keys; None for one that was not given."""
REMEMBERED = 2000
"""Sets of attributes that an instrument translates once; more are translated at each call."""
Observe = Callable[[CallbackOptions], Iterable[Observation]]


class Scope(NamedTuple):
    """The instrumentation scope of all instruments of a registry: name, version, schema URL."""

    name: str
    version: str
    schema_url: str

    def meter(self) -> DelegatingMeter:
        """The meter of the scope; the same object each time."""
        return providers.meters.get_meter(*self)


class Instrument(Generic[H]):
    """One metric of a registry. Making it costs nothing: OpenTelemetry's instrument is made at the first use.

    It lives as long as the process, before `init()` and after `shutdown()` too, and may be used by any thread and after
    a fork.

    Attributes:
        name: of the metric.
        unit: of what is recorded.
        description: the registry's brief.
        boundaries: advised bucket boundaries in `unit`; empty for the default.
    """

    kind = ""
    """As meters name it: `create_<kind>`."""

    def __init__(
        self,
        scope: Scope,
        name: str,
        unit: str,
        description: str,
        *,
        keys: Sequence[str] = (),
        required: Iterable[str] = (),
        closed: Mapping[str, Any] | None = None,
        allow: Mapping[str, Sequence[Any]] | None = None,
        initial: Sequence[Mapping[str, Any]] = (),
        boundaries: Sequence[float] = (),
    ) -> None:
        """Remembers what the registry says.

        Args:
            scope: of the registry.
            name: of the metric.
            unit: UCUM, or an annotation in braces.
            description: the registry's brief.
            keys: of all attributes it may have.
            required: keys that have to be there.
            closed: the Literal of an enumeration, or its values, by key; others are mistakes.
            allow: values by key; others become `other`.
            initial: sets of attributes whose series are there at 0 from the first use.
            boundaries: of a histogram, in `unit`.
        """
        self.name, self.unit, self.description = name, unit, description
        self.boundaries = tuple(boundaries)
        self._scope, self._keys, self._initial = scope, tuple(keys), tuple(initial)
        self._required = frozenset(required)
        self._closed, self._allow = closed or {}, allow or {}
        self._made: Synchronous[H] | None = None
        self._remembered: dict[Values, dict[str, Any]] = {}

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name} in {self.unit}>"

    @property
    def instrument(self) -> Synchronous[H]:
        """OpenTelemetry's instrument, made now if nobody used it before."""
        # without a lock: the meter gives two threads the same object, and no fork can leave it locked
        made = self._made
        if made is None:
            made = self._create(self._scope.meter())
            made.begin_with(self._initial)
            self._made = made
        return made

    @cached_property
    def _known(self) -> dict[str, frozenset[object]]:
        """The values that stay, by key."""
        listed = {key: get_args(values) or values for key, values in self._closed.items()}
        return {key: frozenset(map(typed, values)) for key, values in {**self._allow, **listed}.items()}

    def enabled(self) -> bool:
        """Whether a measurement would come out anywhere; for callers whose measurement is dear."""
        return self.instrument.enabled()

    def _create(self, meter: DelegatingMeter) -> Synchronous[H]:
        create: Callable[..., Synchronous[H]] = getattr(meter, f"create_{self.kind}")
        return create(self.name, self.unit, self.description, attributes_advisory=self._keys)

    def _bind(self, values: Values) -> H:
        return self.instrument.bind(self._attributes(values))

    def _attributes(self, values: Values) -> dict[str, Any]:
        """Attributes as they are recorded; nobody changes them."""
        try:
            return self._remembered[values]
        except Exception:  # not seen before, or an object whose hash or comparison fails
            return self._translated(values)

    def _translated(self, values: Values) -> dict[str, Any]:
        found: dict[str, Any] = {}
        usual = True
        for key, value in zip(self._keys, values, strict=True):
            if value is None:
                usual &= key not in self._required
                continue
            # only texts: 1 and True are one key, and a trouble has to be counted each time
            fits = self._fits(key, value)
            usual &= type(value) is str and (fits or key not in self._closed)
            found[key] = value if fits else OTHER
        if usual:
            if len(self._remembered) < REMEMBERED:
                self._remembered[values] = found
        else:
            self._tell(values)
        return found

    def _fits(self, key: str, value: object) -> bool:
        """Whether a value stays as it is. Never raises."""
        known = self._known.get(key)
        try:
            return known is None or typed(value) in known
        except Exception:  # it cannot be hashed or compared
            return False

    def _tell(self, values: Values) -> None:
        """Counts what is wrong."""
        for key, value in zip(self._keys, values, strict=True):
            if value is None and key in self._required:
                diagnostics.trouble("catalogue.missing_attribute", "%s needs %s; was None", self.name, key)
            elif value is not None and key in self._closed and not self._fits(key, value):
                message = "%s: %s has no value %r; 'other' was recorded"
                diagnostics.trouble("catalogue.unknown_value", message, self.name, key, value)


class _Observable(Instrument[H]):
    """An instrument that may be read by callbacks instead of being recorded."""

    _callbacks: list[Observe]

    def observe(self, callback: Observe) -> Callable[[], None]:
        """Lets a callback tell the values at each collection, instead of recording them.

        Use one of both ways for a metric. The OpenTelemetry instrument is made at the first call; one instrument asks
        all callbacks. What a callback raises or wrongly returns costs its own values only.

        Args:
            callback: gets OpenTelemetry's CallbackOptions and returns Observations, as `observation` makes them.

        Returns:
            A function that ends it.
        """
        guarded = harmless(callback, self.name, self.kind == "counter")
        callbacks: list[Observe] = []
        known = self.__dict__.setdefault("_callbacks", callbacks)  # atomic: one of two threads makes the instrument
        known.append(guarded)
        if known is callbacks:
            create = getattr(self._scope.meter(), f"create_observable_{self.kind}")
            create(self.name, [self._ask], self.unit, self.description)

        def end() -> None:
            if guarded in known:
                known.remove(guarded)

        return end

    def _ask(self, options: CallbackOptions) -> list[Observation]:
        return [found for callback in self._callbacks[:] for found in callback(options)]

    def _observation(self, value: int | float, values: Values) -> Observation:
        return Observation(value, self._attributes(values))


class _Adding(_Observable[BoundCounter]):
    def _add(self, amount: int | float, values: Values, context: Context | None) -> None:
        made: Any = self._made or self.instrument
        made.add(amount, self._attributes(values), context)


class Counter(_Adding):
    """A counter that only goes up."""

    kind = "counter"


class UpDownCounter(_Adding):
    """A counter that goes up and down."""

    kind = "up_down_counter"


class Gauge(_Observable[BoundGauge]):
    """The value of now."""

    kind = "gauge"

    def _set(self, amount: int | float, values: Values, context: Context | None) -> None:
        made: Any = self._made or self.instrument
        made.set(amount, self._attributes(values), context)


class Histogram(Instrument[BoundHistogram]):
    """A distribution."""

    kind = "histogram"

    def _create(self, meter: DelegatingMeter) -> Synchronous[BoundHistogram]:
        return meter.create_histogram(
            self.name,
            self.unit,
            self.description,
            explicit_bucket_boundaries_advisory=self.boundaries or None,
            attributes_advisory=self._keys,
        )

    def _record(self, amount: int | float, values: Values, context: Context | None) -> None:
        made: Any = self._made or self.instrument
        made.record(amount, self._attributes(values), context)
