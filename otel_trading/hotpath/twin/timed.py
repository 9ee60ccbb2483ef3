"""Callables that record how long each call took."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from otel_trading.hotpath.twin.clock import Clocks

if TYPE_CHECKING:
    from otel_trading.hotpath.twin.cell import Cell


def wrapped(cell: Cell, function: Callable[..., Any], coroutine: bool) -> Callable[..., Any]:
    """The callable; `coroutine`: `function` is a coroutine function, measured from the first step to the last."""
    if not callable(function):
        raise TypeError("wrap takes a callable and whether it is a coroutine function")
    made = _coroutine(cell, function) if coroutine else _function(cell, function)
    return functools.update_wrapper(made, function)


def _function(cell: Cell, function: Callable[..., Any]) -> Callable[..., Any]:
    def measured(*args: Any, **kwargs: Any) -> Any:
        start_ns = Clocks.now()
        try:
            return function(*args, **kwargs)
        finally:
            cell._record_ns(max(0, Clocks.now() - start_ns))

    return measured


def _coroutine(cell: Cell, function: Callable[..., Any]) -> Callable[..., Any]:
    async def measured(*args: Any, **kwargs: Any) -> Any:
        start_ns = Clocks.now()
        try:
            return await function(*args, **kwargs)
        finally:
            cell._record_ns(max(0, Clocks.now() - start_ns))

    return measured
