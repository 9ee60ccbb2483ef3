"""Bound handles: an instrument with its attributes fixed, after the specification's experimental Bind.

Binding creates no series; the first measurement does. A handle made before `init()` or kept over a `shutdown()` is a
no-op in between and live afterwards. Handles are thread-safe and may be used after a fork once the child called
`init()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

from opentelemetry.context import Context
from opentelemetry.metrics import Counter, Histogram, UpDownCounter
from opentelemetry.util.types import Attributes

from otel_trading.ground import clock, diagnostics
from otel_trading.metrics import measurement
from otel_trading.metrics.units import seconds_like


class BoundCounter:
    """A counter, monotonic or up-down, with fixed attributes."""

    __slots__ = ("_add", "_attributes", "_monotonic", "_name")

    def __init__(self, instrument: Any, attributes: Attributes) -> None:
        self._name = str(getattr(instrument, "name", "counter"))
        self._monotonic = isinstance(instrument, Counter)
        self._attributes = attributes
        self._add = instrument.add

    def add(self, amount: int | float = 1, context: Context | None = None) -> None:
        """Adds `amount`; `context` is a candidate for the exemplar. Never raises."""
        try:
            self._add(amount, self._attributes, context)
        except Exception as error:
            diagnostics.trouble("metrics.record_failed", "%s could not be recorded: %r", self._name, error)


class BoundGauge:
    """A gauge with fixed attributes."""

    __slots__ = ("_attributes", "_name", "_set")

    def __init__(self, instrument: Any, attributes: Attributes) -> None:
        self._name = str(getattr(instrument, "name", "gauge"))
        self._attributes = attributes
        self._set = instrument.set

    def record(self, amount: int | float, context: Context | None = None) -> None:
        """Sets the value; `context` is a candidate for the exemplar. Never raises."""
        try:
            self._set(amount, self._attributes, context)
        except Exception as error:
            diagnostics.trouble("metrics.record_failed", "%s could not be recorded: %r", self._name, error)

    set = record


class BoundHistogram:
    """A histogram with fixed attributes."""

    __slots__ = ("_attributes", "_name", "_record", "_scale", "_unit")

    def __init__(self, instrument: Any, attributes: Attributes) -> None:
        # OpenTelemetry's proxies, made before any provider, keep both under an underscore
        self._name = str(getattr(instrument, "name", None) or getattr(instrument, "_name", "histogram"))
        self._unit = str(getattr(instrument, "unit", None) or getattr(instrument, "_unit", None) or "")
        self._scale = seconds_like(self._unit)
        self._attributes = attributes
        self._record = instrument.record

    def record(self, amount: int | float, context: Context | None = None) -> None:
        """Records `amount` in the instrument's unit; `context` is a candidate for the exemplar. Never raises."""
        try:
            self._record(amount, self._attributes, context)
        except Exception as error:
            diagnostics.trouble("metrics.record_failed", "%s could not be recorded: %r", self._name, error)

    def record_since(self, start_ns: int, context: Context | None = None) -> None:
        """Records the time since `start_ns = ot.now()`, converted to the instrument's unit of time.

        Another unit, or a start that is no reading of `ot.now()`, is counted, said once, and not recorded.
        """
        if self._scale is None:
            diagnostics.trouble(
                "metrics.not_a_time",
                "%s is in %r, which is no unit of time; record_since and time were not recorded",
                self._name,
                self._unit,
            )
            return
        elapsed_ns = clock.now() - start_ns if type(start_ns) is int else -1
        if elapsed_ns < 0:
            diagnostics.trouble(
                "metrics.invalid_start", "%s: the start of a duration must come from otel_trading.now()", self._name
            )
            return
        self.record(elapsed_ns * self._scale, context)

    def time(self) -> Timer:
        """A context manager that records how long its block took, also when it raises."""
        return Timer(self)


class Timer:
    """Measures one block; an object of its own, so that threads and interleaved tasks do not share a start."""

    __slots__ = ("_handle", "_start_ns")

    def __init__(self, handle: BoundHistogram) -> None:
        self._handle = handle
        self._start_ns = 0

    def __enter__(self) -> Timer:
        self._start_ns = clock.now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.record_since(self._start_ns)


def bind(instrument: Any, attributes: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
    """Binds any OpenTelemetry instrument, ours or another provider's, to attributes.

    Args:
        instrument: a synchronous instrument of OpenTelemetry's metrics API.
        attributes: the attributes; None for none.
        **more: further attributes; keywords are literal keys and never translated.

    Returns:
        BoundCounter for counters and up-down counters, BoundHistogram, or BoundGauge.

    Raises:
        TypeError: it is no synchronous instrument. Binding happens at start-up, where an error helps.
    """
    fixed = measurement.labels({**(attributes or {}), **more}, str(getattr(instrument, "name", "instrument")))
    fixed = dict(fixed) if fixed else None
    if isinstance(instrument, Histogram):
        return BoundHistogram(instrument, fixed)
    if isinstance(instrument, (Counter, UpDownCounter)):
        return BoundCounter(instrument, fixed)
    if callable(getattr(instrument, "set", None)):
        return BoundGauge(instrument, fixed)
    raise TypeError(f"bind() takes a counter, an up-down counter, a histogram or a gauge; was {instrument!r}")
