"""Where an instrument's measurements go: nowhere, to cells, or to an application's own provider."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from opentelemetry.context import Context
from opentelemetry.util.types import AttributeValue

from otel_trading.ground import diagnostics
from otel_trading.hotpath.engine import Cell
from otel_trading.metrics.engine import engine
from otel_trading.metrics.stream import Stream

Measured = Mapping[str, AttributeValue]


class Feed(Protocol):
    """Answers the question which cell takes the measurements with some attributes."""

    @property
    def enabled(self) -> bool:
        """Whether a measurement can come out anywhere."""

    def cell(self, measured: Measured, handle: Cell | None) -> Cell:
        """The cell; it is `handle` if there is one."""


class Nowhere:
    """Before `init()` and after `shutdown()`: records are refused, which costs as little as recording."""

    enabled = False

    def __init__(self, name: str) -> None:
        """Takes the instrument's name."""
        self._closed = engine.Cell(name)

    def cell(self, measured: Measured, handle: Cell | None) -> Cell:
        """A closed cell."""
        return self._closed if handle is None else handle


class ToStreams:
    """To the streams that views made of the instrument."""

    def __init__(self, name: str, streams: Sequence[Stream], per_ns: float) -> None:
        """Takes the instrument's name, its streams, and what nanoseconds are multiplied by."""
        self.streams = tuple(streams)
        self.enabled = bool(streams)
        self._per_ns = per_ns
        self._name = name
        self._dropped = engine.Cell(name)
        self._dropped.configure("dropped", per_ns=per_ns)

    def cell(self, measured: Measured, handle: Cell | None) -> Cell:
        """The cell of the one stream; one that calls those of several streams in turn."""
        if len(self.streams) == 1:
            return self.streams[0].cell(measured, handle)
        if not self.streams:
            if handle is not None:
                handle.configure("dropped", per_ns=self._per_ns)
            return handle or self._dropped
        # cells of their own: those of the series may be handles with other attributes than these
        fixed = dict(measured)
        cells = [stream.cell(fixed, engine.Cell(self._name)) for stream in self.streams]

        def each(value: int | float, context: Context | None) -> None:
            for cell in cells:
                cell.record(value, context)

        fan = handle or engine.Cell(self._name)
        fan.configure("forwarded", owner=each, negative=True, per_ns=self._per_ns)
        return fan


class ToProvider:
    """To the instrument of a provider that is not ours."""

    enabled = True

    def __init__(self, name: str, record: Callable[..., Any], per_ns: float, *, negative: bool) -> None:
        """Takes the other instrument's method, and whether it takes negative numbers."""
        self._name = name
        self._record = record
        self._per_ns = per_ns
        self._negative = negative

    def cell(self, measured: Measured, handle: Cell | None) -> Cell:
        """A cell that calls the other instrument."""
        record, name, attributes = self._record, self._name, dict(measured) or None

        def forward(value: int | float, context: Context | None) -> None:
            if getattr(_inside, "busy", False):
                # the SDK's aggregations hold plain locks: a handler of a signal in the middle would wait for ever
                diagnostics.trouble("metrics.reentered", "%s was recorded inside another recording; dropped", name)
                return
            _inside.busy = True
            try:
                record(value, attributes, context)
            finally:
                _inside.busy = False

        cell = handle or engine.Cell(name)
        cell.configure("forwarded", owner=forward, negative=self._negative, per_ns=self._per_ns)
        return cell


class ToAwaited(ToProvider):
    """To whatever provider a measurement finds once it has waited for it; see `metrics.awaited`."""


_inside = threading.local()
