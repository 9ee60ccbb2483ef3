"""Measures one block: an object of its own, so that threads and interleaved tasks do not share a start."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from otel_trading.hotpath.twin.clock import Clocks

if TYPE_CHECKING:
    from otel_trading.hotpath.twin.cell import Cell


class Timer:
    """Made by `Cell.time()`."""

    __slots__ = ("_cell", "_start_ns")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._start_ns: int | None = None

    def __enter__(self) -> Timer:
        self._start_ns = Clocks.now()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._start_ns is not None:
            self._cell._record_ns(max(0, Clocks.now() - self._start_ns))
