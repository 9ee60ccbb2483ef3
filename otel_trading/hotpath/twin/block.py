"""A block in which a span is the current one: `with tracer.start_as_current_span(...)`, and the decorator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otel_trading.hotpath.twin.current import Current, attach, context_now, context_with, detach

_RECORD_EXCEPTION, _SET_STATUS = 6, 7
_Entered = tuple[Any, Any]


class Block:
    """A span and its block; made by `Tracer.start_as_current_span`."""

    __slots__ = ("_depth", "_end", "_entered", "_given", "_tracer")

    def __init__(self, tracer: Any, given: tuple[Any, ...], end_on_exit: Any) -> None:
        self._tracer, self._given, self._end = tracer, given, end_on_exit
        self._depth = 0
        self._entered: _Entered | None = None

    def __enter__(self) -> Any:
        entered = self._entered
        if self._depth and entered is not None:
            self._depth += 1
            return entered[0]
        span = self._tracer.start_span(*self._given)
        token = None if Current.variable is None else attach(context_with(context_now(), span))
        self._entered, self._depth = (span, token), 1
        return span

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        entered = self._entered
        self._depth -= 1
        if self._depth or entered is None:
            return
        self._entered = None
        span, token = entered
        if token is not None:
            detach(token)
        if isinstance(error, Exception):
            self._note(span, error)
        if self._end:
            self._ended(span)

    def _note(self, span: Any, error: Exception) -> None:
        given = self._given
        try:
            self._tracer.failed(span, error, bool(given[_RECORD_EXCEPTION]), bool(given[_SET_STATUS]))
        except Exception:  # the application's own passes through
            return

    @staticmethod
    def _ended(span: Any) -> None:
        try:
            span.end()
        except Exception:  # a span of others
            return

    def __call__(self, function: Callable[..., Any]) -> Any:
        """Decorates a function."""
        return self._tracer.decorated(function, *self._given, self._end)
