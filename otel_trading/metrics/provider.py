"""The meter provider that is set once, and delegates to whatever `init()` last built."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any

from opentelemetry.metrics import Meter, MeterProvider, NoOpMeterProvider
from opentelemetry.sdk.metrics.view import View
from opentelemetry.util.types import Attributes

from otel_trading import sdk
from otel_trading.ground import diagnostics, values
from otel_trading.metrics import measurement
from otel_trading.metrics.histogram_view import HistogramView
from otel_trading.metrics.instruments import (
    Observed,
    ObservedCounter,
    ObservedGauge,
    ObservedUpDownCounter,
    TradingCounter,
    TradingGauge,
    TradingHistogram,
    TradingUpDownCounter,
)
from otel_trading.metrics.units import IncompatibleUnits

Instrument = TradingCounter | TradingUpDownCounter | TradingGauge | TradingHistogram | Observed


class DelegatingMeterProvider(MeterProvider):
    """Hands out meters whose instruments follow `delegate_to`; everything else is the current provider's own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._target: MeterProvider = NoOpMeterProvider()
        self._views: list[Any] = []
        self._wanted: Sequence[Any] = ()
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
                meter = self._meters[key] = DelegatingMeter(self, *scope)
                meter.follow(self._target)
            return meter

    def delegate_to(self, provider: MeterProvider | None, views: list[Any], wanted: Sequence[Any]) -> None:
        """Makes every instrument obtained here use `provider`, or nothing for None.

        Args:
            provider: an SDK MeterProvider.
            views: the very list that `provider` was given; the view of each histogram is added to it when the
                histogram is created, in its unit, so that no two views match one histogram.
            wanted: the user's HistogramView and SDK View objects in their order.
        """
        with self._lock:
            self._target = provider or NoOpMeterProvider()
            self._views, self._wanted = views, wanted
            for meter in list(self._meters.values()):
                meter.follow(self._target)

    def after_fork_in_child(self) -> None:
        """Makes everything a no-op without taking a lock that another thread of the parent may have held."""
        self._lock = threading.RLock()
        for meter in list(self._meters.values()):
            meter.after_fork_in_child()
        self.delegate_to(None, [], ())

    def choose_view(self, meter: str, histogram: TradingHistogram, real: Any) -> None:
        """Adds the view of one histogram: the first HistogramView that matches, unless an SDK View comes before."""
        for wanted in self._wanted:
            if isinstance(wanted, View):
                if sdk.view_matches(wanted, real):
                    return
            elif isinstance(wanted, HistogramView) and wanted.matches(histogram.name):
                if any(sdk.view_matches(view, real) for view in self._views):
                    return
                try:
                    self._views.append(wanted.sdk_view(meter, histogram.name, histogram.unit))
                except IncompatibleUnits as error:
                    diagnostics.say(
                        logging.ERROR,
                        "the view %r does not fit %s: %s. Give boundaries in the instrument's unit; its own are used.",
                        wanted.match,
                        histogram.name,
                        error,
                    )
                return

    def __getattr__(self, name: str) -> Any:
        # force_flush, add_metric_reader ...: third-party code expects the SDK's provider here
        return getattr(self.__dict__["_target"], name)


class DelegatingMeter(Meter):
    """A meter that outlives `shutdown()`."""

    def __init__(
        self,
        provider: DelegatingMeterProvider,
        name: str,
        version: str | None,
        schema_url: str | None,
        attributes: Attributes,
    ) -> None:
        super().__init__(name, version, schema_url)
        self._provider = provider
        self._scope_attributes = attributes
        self._lock = threading.RLock()
        self._instruments: dict[tuple[str, str, str, str], Instrument] = {}
        self._real: Meter

    def follow(self, provider: MeterProvider) -> None:
        """Takes the real meter and instruments from `provider`."""
        with self._lock:
            self._real = provider.get_meter(self.name, self.version, self.schema_url, self._scope_attributes)
            for instrument in list(self._instruments.values()):
                self._connect(instrument)

    def after_fork_in_child(self) -> None:
        """Replaces the lock."""
        self._lock = threading.RLock()

    def _connect(self, instrument: Instrument) -> None:
        try:
            instrument.follow(self._real)
            real = getattr(instrument, "_real", None)
            if isinstance(instrument, TradingHistogram) and hasattr(real, "instrumentation_scope"):
                self._provider.choose_view(self.name, instrument, real)
        except Exception as error:
            diagnostics.trouble(
                "metrics.create_failed", "the instrument %s could not be created: %s", instrument.name, error
            )

    def _keep(self, kind: str, made: Instrument) -> Any:
        """The instrument that already has this identity, or `made`."""
        key = (kind, made.name.lower(), made.unit, made.description)
        with self._lock:
            known = self._instruments.get(key)
            if known is not None and not isinstance(made, Observed):
                return known
            if isinstance(made, Observed) and known is not None:
                key = (kind, f"{made.name.lower()}#{len(self._instruments)}", made.unit, made.description)
            self._instruments[key] = made
            self._connect(made)
            return made

    def create_counter(self, name: str, unit: str = "", description: str = "") -> TradingCounter:
        """A counter with `bind`."""
        made: TradingCounter = self._keep("counter", TradingCounter(*_told(name, unit, description)))
        return made

    def create_up_down_counter(self, name: str, unit: str = "", description: str = "") -> TradingUpDownCounter:
        """An up-down counter with `bind`."""
        made: TradingUpDownCounter = self._keep("updown", TradingUpDownCounter(*_told(name, unit, description)))
        return made

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> TradingGauge:
        """A synchronous gauge with `bind`."""
        made: TradingGauge = self._keep("gauge", TradingGauge(*_told(name, unit, description)))
        return made

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> TradingHistogram:
        """A histogram with `bind`; advisory boundaries count where no view matches."""
        made: TradingHistogram = self._keep(
            "histogram", TradingHistogram(*_told(name, unit, description), explicit_bucket_boundaries_advisory)
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
    return values.text(name), values.text(unit or ""), values.text(description or "")
