"""Bound handles: an instrument with fixed attributes, whose records cost one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from opentelemetry.context import Context
from opentelemetry.metrics import Counter, Histogram, UpDownCounter

from otel_trading.hotpath.engine import Cell, Timer
from otel_trading.metrics import measurement
from otel_trading.metrics.engine import engine
from otel_trading.metrics.feeds import ToProvider
from otel_trading.metrics.units import seconds_like


class BoundCounter(Protocol):
    """A counter, monotonic or up-down, with fixed attributes."""

    def add(self, amount: int | float = 1, context: Context | None = None) -> None:
        """Adds `amount`; `context` is a candidate for the exemplar. Never raises."""


class BoundGauge(Protocol):
    """A gauge with fixed attributes."""

    def record(self, amount: int | float, context: Context | None = None) -> None:
        """Sets the value; `context` is a candidate for the exemplar. Never raises."""

    def set(self, amount: int | float, context: Context | None = None) -> None:
        """Sets the value, as `record` does."""


class BoundDistribution(Protocol):
    """A histogram of what is no time, with fixed attributes: to a type checker it has no timer."""

    def record(self, amount: int | float, context: Context | None = None) -> None:
        """Records `amount` in the instrument's unit; `context` is a candidate for the exemplar. Never raises."""


class BoundHistogram(BoundDistribution, Protocol):
    """A histogram with fixed attributes."""

    def record_since(self, start_ns: int, context: Context | None = None) -> None:
        """Records the time since `start_ns = ot.now()`, converted to the instrument's unit of time.

        Another unit, or a start that is no reading of `ot.now()`, is counted, said once, and not recorded.
        """

    def time(self) -> Timer:
        """A context manager that records how long its block took, also when it raises."""

    def wrap(self, function: Callable[..., Any], coroutine: bool = False, /) -> Callable[..., Any]:
        """A callable that records how long each call took; `ot.timed` is the decorator made of it."""


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
    if callable(getattr(instrument, "bind", None)):
        return instrument.bind(attributes, **more)
    method = _method(instrument)
    # OpenTelemetry's proxies, made before any provider, keep both under an underscore
    name = str(getattr(instrument, "name", None) or getattr(instrument, "_name", "instrument"))
    unit = str(getattr(instrument, "unit", None) or getattr(instrument, "_unit", None) or "")
    fixed = measurement.labels({**(attributes or {}), **more}, name) or {}
    negative = not isinstance(instrument, (Counter, Histogram))
    feed = ToProvider(name, getattr(instrument, method), seconds_like(unit) or 0.0, negative=negative)
    handle: Cell = engine.Cell(name)
    return feed.cell(fixed, handle)


def _method(instrument: Any) -> str:
    if isinstance(instrument, Histogram):
        return "record"
    if isinstance(instrument, (Counter, UpDownCounter)):
        return "add"
    if callable(getattr(instrument, "set", None)):
        return "set"
    raise TypeError(f"bind() takes a counter, an up-down counter, a histogram or a gauge; was {instrument!r}")
