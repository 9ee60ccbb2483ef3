"""The meter provider that is set once, and delegates to whatever `init()` last built."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

from opentelemetry.metrics import Meter, MeterProvider, NoOpMeterProvider
from opentelemetry.util.types import Attributes

from otel_trading.ground import diagnostics, values
from otel_trading.ground.delegating import Delegating
from otel_trading.metrics import measurement
from otel_trading.metrics.awaited import AwaitedMeterProvider
from otel_trading.metrics.feeds import Feed, Nowhere, ToProvider
from otel_trading.metrics.instruments import (
    Observed,
    ObservedCounter,
    ObservedGauge,
    ObservedUpDownCounter,
    Synchronous,
    TradingCounter,
    TradingGauge,
    TradingHistogram,
    TradingUpDownCounter,
)
from otel_trading.metrics.units import seconds_like

Instrument = TradingCounter | TradingUpDownCounter | TradingGauge | TradingHistogram | Observed

METERS, INSTRUMENTS = 1000, 10_000
"""Most meters of a provider and instruments of a meter; further ones do nothing."""


@runtime_checkable
class Cells(Protocol):
    """A provider that takes our instruments as they are; see `CellMeterProvider`."""

    def asynchronous_meter(
        self, name: str, version: str | None, schema_url: str | None, attributes: Attributes
    ) -> Meter:
        """The meter of the same scope that makes asynchronous instruments."""

    def connect(self, instrument: Any, real: Any) -> Feed:
        """Where the measurements of an instrument go."""


class DelegatingMeterProvider(Delegating, MeterProvider):
    """Hands out meters whose instruments follow `delegate_to`; everything else is the current provider's own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._target: MeterProvider = NoOpMeterProvider()
        # strong, because an observable gauge is often created and not kept by the application
        self._meters: dict[object, DelegatingMeter] = {}

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> DelegatingMeter:
        """The meter of the scope; the same object for the same scope. Never raises, thread-safe."""
        safe = measurement.labels(attributes, "a meter")
        scope = (values.text(name), _text_or_none(version), _text_or_none(schema_url), safe)
        key = (*scope[:3], repr(sorted(safe.items())) if safe else "")
        with self._lock:
            meter = self._meters.get(key)
            if meter is None:
                meter = DelegatingMeter(*scope)
                if len(self._meters) >= METERS:
                    diagnostics.trouble("metrics.too_many_meters", "there are %d meters; one more does nothing", METERS)
                    meter.follow(NoOpMeterProvider())
                    return meter
                self._meters[key] = meter
                meter.follow(self._target)
            return meter

    def delegate_to(self, provider: MeterProvider | None) -> None:
        """Makes every instrument obtained here use `provider`, ours or another, or nothing for None."""
        with self._lock:
            self._target = provider or NoOpMeterProvider()
            for meter in list(self._meters.values()):
                meter.follow(self._target)

    def after_fork_in_child(self, awaken: Callable[[], object] | None = None) -> None:
        """Makes everything a no-op without taking a lock that another thread of the parent may have held.

        Args:
            awaken: called before the first measurement is taken, which `delegate_to` may lead elsewhere by then.
        """
        self._lock = threading.RLock()
        for meter in list(self._meters.values()):
            meter.after_fork_in_child()
        self.delegate_to(None if awaken is None else AwaitedMeterProvider(awaken))


class DelegatingMeter(Meter):
    """A meter that outlives `shutdown()`."""

    def __init__(
        self,
        name: str,
        version: str | None,
        schema_url: str | None,
        attributes: Attributes,
    ) -> None:
        super().__init__(name, version, schema_url)
        self._scope_attributes = attributes
        self._lock = threading.RLock()
        self._instruments: dict[tuple[str, str, str, str], Instrument] = {}
        self._first: dict[str, tuple[str, str, str]] = {}
        self._target: MeterProvider
        self._real: Meter

    def follow(self, provider: MeterProvider) -> None:
        """Takes the real meter from `provider` and connects every instrument."""
        with self._lock:
            self._target = provider
            get = provider.asynchronous_meter if isinstance(provider, Cells) else provider.get_meter
            self._real = get(self.name, self.version, self.schema_url, self._scope_attributes)
            for instrument in list(self._instruments.values()):
                self._connect(instrument)

    def after_fork_in_child(self) -> None:
        """Replaces the locks."""
        self._lock = threading.RLock()
        for instrument in list(self._instruments.values()):
            if isinstance(instrument, Synchronous):
                instrument.after_fork_in_child()

    def _connect(self, instrument: Instrument) -> None:
        try:
            if isinstance(instrument, Observed):
                instrument.follow(self._real)
            else:
                instrument.connect(self._feed(instrument))
        except Exception as error:
            if isinstance(instrument, Synchronous):
                instrument.connect(Nowhere(instrument.name))
            diagnostics.trouble(
                "metrics.create_failed", "the instrument %s could not be created: %s", instrument.name, error
            )

    def _feed(self, instrument: Synchronous[Any]) -> Feed:
        if isinstance(self._target, AwaitedMeterProvider):
            return self._target.feed(instrument)
        if isinstance(self._target, NoOpMeterProvider):
            return Nowhere(instrument.name)
        real = instrument.create(self._real)
        if isinstance(self._target, Cells):
            return self._target.connect(instrument, real)
        per_ns = seconds_like(instrument.unit) or 0.0
        record = getattr(real, instrument.method)
        return ToProvider(instrument.name, record, per_ns, negative=instrument.negative)

    def _keep(self, kind: str, made: Instrument) -> Any:
        """The instrument that already has this identity, or `made`."""
        key = (kind, made.name.lower(), made.unit, made.description)
        with self._lock:
            known = self._instruments.get(key)
            if known is not None and not isinstance(made, Observed):
                return known
            if isinstance(made, Observed) and known is not None:
                key = (kind, f"{made.name.lower()}#{len(self._instruments)}", made.unit, made.description)
            if len(self._instruments) >= INSTRUMENTS:
                diagnostics.trouble(
                    "metrics.too_many_instruments",
                    "%s has %d instruments; one more does nothing",
                    self.name,
                    INSTRUMENTS,
                )
                return made
            first = self._first.setdefault(made.name.lower(), (kind, made.unit, made.description))
            if first != (kind, made.unit, made.description):
                diagnostics.say_once(
                    "metrics.conflict",
                    "%s was created twice with another kind, unit or description; both are exported. Rename one.",
                    made.name,
                )
            self._instruments[key] = made
            self._connect(made)
            return made

    def create_counter(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> TradingCounter:
        """A counter with `bind`; `attributes_advisory` are the keys to keep where no view says otherwise."""
        made: TradingCounter = self._keep(
            "counter", TradingCounter(*_told(name, unit, description), attributes_advisory)
        )
        return made

    def create_up_down_counter(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> TradingUpDownCounter:
        """An up-down counter with `bind`."""
        made: TradingUpDownCounter = self._keep(
            "updown", TradingUpDownCounter(*_told(name, unit, description), attributes_advisory)
        )
        return made

    def create_gauge(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        attributes_advisory: Sequence[str] | None = None,
    ) -> TradingGauge:
        """A synchronous gauge with `bind`."""
        made: TradingGauge = self._keep("gauge", TradingGauge(*_told(name, unit, description), attributes_advisory))
        return made

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
        attributes_advisory: Sequence[str] | None = None,
    ) -> TradingHistogram:
        """A histogram with `bind`; what is advised, boundaries and keys, counts where no view says otherwise."""
        made: TradingHistogram = self._keep(
            "histogram",
            TradingHistogram(*_told(name, unit, description), attributes_advisory, explicit_bucket_boundaries_advisory),
        )
        return made

    def create_observable_counter(
        self, name: str, callbacks: Sequence[Any] | None = None, unit: str = "", description: str = ""
    ) -> Any:
        """An observable counter whose callbacks cannot harm the reader."""
        return self._observe(ObservedCounter, "create_observable_counter", name, callbacks, unit, description)

    def create_observable_up_down_counter(
        self, name: str, callbacks: Sequence[Any] | None = None, unit: str = "", description: str = ""
    ) -> Any:
        """An observable up-down counter whose callbacks cannot harm the reader."""
        create = "create_observable_up_down_counter"
        return self._observe(ObservedUpDownCounter, create, name, callbacks, unit, description)

    def create_observable_gauge(
        self, name: str, callbacks: Sequence[Any] | None = None, unit: str = "", description: str = ""
    ) -> Any:
        """An observable gauge whose callbacks cannot harm the reader."""
        return self._observe(ObservedGauge, "create_observable_gauge", name, callbacks, unit, description)

    def _observe(self, kind: type[Observed], create: str, name: str, callbacks: Any, unit: str, text: str) -> Any:
        told = _told(name, unit, text)
        return self._keep(create, kind(create, told[0], callbacks, told[1], told[2]))


def _text_or_none(value: object) -> str | None:
    return None if value is None else values.text(value)


def _told(name: object, unit: object, description: object) -> tuple[str, str, str]:
    return values.text(name), _text(unit), _text(description)


def _text(value: object) -> str:
    return "" if value is None else values.text(value)
