"""A block in which a span is the current one: `with tracer.start_as_current_span(...)`, and the decorator.

Every span of a tracer begins here, and most of what a caller pays is paid here, so that the usual way is written out in
one function: a call costs as much as twenty of its steps, a name of a class as much as ten of a module's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otel_trading.hotpath.twin import clock, current
from otel_trading.hotpath.twin.span_begun import MOST_LIGHT_LETTERS, NUMBERS
from otel_trading.hotpath.twin.span_counts import LOCAL, ROOT, SAMPLES
from otel_trading.hotpath.twin.span_ids import bits

_Given = tuple[Any, Any, Any, Any, Any, Any, Any, Any]

_RECORD_EXCEPTION, _SET_STATUS = 6, 7
_ROOT = SAMPLES + ROOT
_put = dict.setdefault


class _Again:
    """A token in a token's place: the block was entered again, and has to be left more often."""

    __slots__ = ("token",)

    def __init__(self, token: Any) -> None:
        self.token = token


class Block:
    """A span and its block; made by `Tracer.start_as_current_span`."""

    __slots__ = ("_end", "_given", "_span", "_token", "_tracer")

    _tracer: Any
    _given: _Given
    _end: Any
    _span: Any
    _token: Any
    """None outside of the block."""

    def __enter__(self, alone: bool = False) -> Any:
        """Begins the span and makes it current, unless it is to be alone."""
        if self._token is not None:
            self._token = _Again(self._token)
            return self._span
        name, context, kind, given, links, start_time, record, status = self._given
        recorder: Any
        decision: Any
        place: Any
        recorder, _, always = self._tracer.here
        before = current.get(None)
        above = before if context is None else context
        try:
            parent = above.get(current.key) if above else None
            decision = always.get(name)
        except (AttributeError, TypeError):  # no context, or none of its kind; a name that is none
            parent = decision = None
        how = None
        place = _ROOT
        if parent is not None or decision is None or kind is not None or links:
            how = self._tracer.how(self._given, before)
            if how is None:
                return self._enter_slowly(before, alone)
            recorder = how[0]
        if given is None:
            attributes = {}
        elif type(given) is dict and len(given) <= recorder.light:
            attributes = given.copy()
            for value in attributes.values():
                if type(value) is str:
                    if len(value) > MOST_LIGHT_LETTERS:
                        break
                elif type(value) not in NUMBERS:
                    break
            else:
                given = None
        else:
            attributes = {}
        make = recorder.span_type
        self._span = span = make()
        span._recorder = recorder
        span._later = None
        arena = recorder.arena
        span._open = arena.offered
        started = clock.monotonic()
        if started >= clock.until:
            started = clock.agree()
        if how is None:
            span._begun = (
                recorder.terms, name, bits(192), 0, 0, 3, 1, decision, clock.offset, started, attributes, record, status
            )  # fmt: skip
        else:
            _, parent, place, randomness, name, ids, own, parent_id, flags, number, decision = how
            span._begun = (
                recorder.terms, name, ids, own, parent_id, flags, number, decision, clock.offset, started, attributes,
                record, status,
            )  # fmt: skip
            if randomness is not None:
                span.later().randomness = randomness
        if given is None and start_time is None and place is not None:
            arena.begun.append(place)
        else:
            if given is not None:
                attributes.clear()
            recorder.settle(span, parent, ROOT if parent is None else LOCAL, given, start_time)
        if alone:
            return span
        if before:
            context = current.with_span(before, span)
        else:
            make = current.context_type
            context = make()
            _put(context, current.key, span)
        self._token = current.enter(context)
        return span

    def _enter_slowly(self, before: Any, alone: bool) -> Any:
        self._span = span = self._tracer.started_slowly(self._given)
        if not alone:
            self._token = current.enter(current.with_span(before, span))
        return span

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        token = self._token
        try:
            current.leave(token)
        except (TypeError, ValueError, RuntimeError):  # it was entered again, or is left in another context
            if type(token) is _Again:
                self._token = token.token
                return
        self._token = None
        if error is not None:
            self._note(error)
        if self._end:
            try:
                self._span.end()
            except Exception:  # a span of others
                return

    def _note(self, error: BaseException) -> None:
        given = self._given
        try:
            if isinstance(error, Exception):
                self._tracer.failed(self._span, error, bool(given[_RECORD_EXCEPTION]), bool(given[_SET_STATUS]))
        except Exception:  # the application's own passes through
            return

    def __call__(self, function: Callable[..., Any]) -> Any:
        """Decorates a function."""
        return self._tracer.decorated(function, *self._given, self._end)
