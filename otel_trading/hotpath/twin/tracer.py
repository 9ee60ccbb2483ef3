"""A tracer: it begins spans with the current one as their parent, for as long as the process lives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_trading.hotpath.twin.block import Block
from otel_trading.hotpath.twin.current import context_now, span_in
from otel_trading.hotpath.twin.sampler import Sampler
from otel_trading.hotpath.twin.span import NO_THRESHOLD, PLAIN, RECORD_EXCEPTION, SET_STATUS, Span
from otel_trading.hotpath.twin.span_ids import made
from otel_trading.hotpath.twin.span_recorder import Recorder
from otel_trading.hotpath.twin.span_value import Odd, name_of

_SAMPLED, _RANDOM = 1, 2
_KINDS = 5
_INTERNAL = 1
_NORMAL = 1


class Tracer:
    """Begins spans. A subclass has `start_slowly`, `failed` and `decorated`; see `span_engine.Tracer`."""

    _kinds: dict[Any, int] = {}  # of all tracers; replaced as a whole

    def __init__(self) -> None:
        self._here: tuple[Recorder, Sampler | None] | None = None

    @staticmethod
    def set_kinds(kinds: tuple[Any, ...], /) -> None:
        """What callers give as kind, in OTLP's order."""
        if type(kinds) is not tuple or len(kinds) != _KINDS:
            raise TypeError("five kinds of spans are needed, in OTLP's order")
        Tracer._kinds = {kind: place for place, kind in enumerate(kinds, 1)}

    def direct(self, recorder: Recorder | None, sampler: Sampler | None, /) -> None:
        """Where spans begin from now on; without a recorder Python starts them."""
        if not isinstance(recorder, Recorder | None) or not isinstance(sampler, Sampler | None):
            raise TypeError("a tracer takes a Recorder and a Sampler of its engine, or None")
        self._here = None if recorder is None else (recorder, sampler)

    def start_span(
        self,
        name: Any,
        context: Any = None,
        kind: Any = None,
        attributes: Any = None,
        links: Sequence[Any] | None = (),
        start_time: Any = None,
        record_exception: Any = True,
        set_status_on_exception: Any = True,
    ) -> Any:
        """A span whose parent is the span of the context, or of the current one."""
        here = self._here
        if here is not None and type(name) is str and not links:
            number = _INTERNAL if kind is None else self._kinds.get(kind) if kind.__hash__ else None
            if number is not None and (context is None or isinstance(context, dict)):
                parent = span_in(context_now() if context is None else context)
                if parent is None or isinstance(parent, Span):
                    flags = (RECORD_EXCEPTION if record_exception is not False else 0) | (
                        SET_STATUS if set_status_on_exception is not False else 0
                    )
                    span = _begun(here, name, parent, number, attributes, start_time, flags)
                    if span is not None:
                        return span
        if kind is None and self._kinds:
            kind = next(iter(self._kinds))
        return self.start_slowly(  # type: ignore[attr-defined]
            name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
        )

    def start_as_current_span(
        self,
        name: Any,
        context: Any = None,
        kind: Any = None,
        attributes: Any = None,
        links: Sequence[Any] | None = (),
        start_time: Any = None,
        record_exception: Any = True,
        set_status_on_exception: Any = True,
        end_on_exit: Any = True,
    ) -> Block:
        """Context manager and decorator: the span begins with the block, or with each call."""
        given = (name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        return Block(self, given, end_on_exit)


def _begun(
    here: tuple[Recorder, Sampler | None],
    name: str,
    parent: Span | None,
    kind: int,
    attributes: Any,
    start_time: Any,
    on_exception: int,
) -> Span | None:
    """A span; None if Python has to decide."""
    recorder, sampler = here
    try:
        span = recorder.span_type(recorder, name_of(name))
    except Odd:
        return None
    if parent is None:
        span.trace_id, span.parent_id, flags = made(128), 0, _RANDOM
        span._sampling, told = PLAIN, None
    else:
        span.trace_id, span.parent_id, flags = parent.trace_id, parent.span_id, parent.flags & _RANDOM
        span._sampling = parent._sampling
        told = (bool(parent.flags & _SAMPLED), parent.threshold, parent.trace_state or None)
    span.span_id, span._kind, span._remote = made(64), kind, False
    if sampler is None:
        sampled, span._urgency = True, _NORMAL
        threshold, state = (NO_THRESHOLD, None) if told is None else told[1:]
    else:
        decided = sampler.decide(name, kind, attributes, span.randomness, told)
        if decided is None:
            return None
        sampled, span._urgency, threshold, state = decided
    span.trace_state = state or ""
    span.flags = flags | _SAMPLED if sampled else flags
    span._sampling = (threshold, span._sampling[1], on_exception, sampled)
    if not sampled:
        recorder.leave_out(span, parent, False)
    span.begin_at(start_time, attributes)
    return span
