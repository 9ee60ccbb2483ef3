"""Begins the spans of one scope, with their limits."""

from __future__ import annotations

from typing import Any

from otel_trading.hotpath.twin.held import hold
from otel_trading.hotpath.twin.span import MOST_ID, MOST_TIME, MOST_TRACE_ID, PLAIN, RANDOM_BITS, Span
from otel_trading.hotpath.twin.span_arena import Arena, Writer
from otel_trading.hotpath.twin.span_ids import id_of, made
from otel_trading.hotpath.twin.span_value import MOST_REMEMBERED, Odd, name_of, text_of

_MOST_LIMIT, _MOST_BYTES, _MOST_LETTERS = 10_000, 64 << 20, 2**63 - 1
_SAMPLED, _RANDOM = 1, 2
_INTERNAL, _MOST_KIND = 1, 5
_OUTGOING = (3, 4)
_NORMAL, _HIGH = 1, 2
_NONE = 0
"""An id that is not given; compared by identity, since False is no id."""


class Recorder:
    """Begins spans that end in the arena."""

    __slots__ = (
        "arena",
        "attributes",
        "event_attributes",
        "events",
        "keep_errors",
        "keep_ticks",
        "keeps",
        "letters",
        "link_attributes",
        "links",
        "owner",
        "remembered",
        "slow_ns",
        "span_bytes",
        "span_type",
        "writer",
    )

    def __init__(
        self,
        arena: Arena,
        scope: bytes = b"",
        *,
        attributes: int = 128,
        events: int = 128,
        links: int = 128,
        event_attributes: int = 128,
        link_attributes: int = 128,
        letters: int | None = None,
        span_bytes: int = 1_048_576,
        span_type: type[Span] = Span,
        owner: Any = None,
        keep_errors: bool = False,
        slow_ns: int = 0,
        keep_ticks: bool = False,
    ) -> None:
        if not isinstance(arena, Arena) or not isinstance(scope, bytes):
            raise TypeError(f"a recorder needs an Arena of its engine, and bytes; was {arena!r}, {scope!r}")
        if not (isinstance(span_type, type) and issubclass(span_type, Span)):
            raise TypeError("span_type must be Span, or what span_type() made of it")
        self.span_type, self.owner = span_type, owner
        self.keep_errors, self.keep_ticks = bool(keep_errors), bool(keep_ticks)
        self.slow_ns = _limit("slow_ns", slow_ns, MOST_TIME)
        self.keeps = self.keep_errors or self.slow_ns > 0
        self.arena = arena
        self.writer = Writer(scope)
        self.attributes = _limit("attributes", attributes, _MOST_LIMIT)
        self.events = _limit("events", events, _MOST_LIMIT)
        self.links = _limit("links", links, _MOST_LIMIT)
        self.event_attributes = _limit("event_attributes", event_attributes, _MOST_LIMIT)
        self.link_attributes = _limit("link_attributes", link_attributes, _MOST_LIMIT)
        self.letters = _MOST_LETTERS if letters is None else _limit("letters", letters, _MOST_LETTERS)
        self.remembered = min(self.letters, MOST_REMEMBERED)
        self.span_bytes = _limit("span_bytes", span_bytes, _MOST_BYTES)

    def begin(
        self,
        name: Any,
        parent: Span | None = None,
        kind: Any = _INTERNAL,
        attributes: Any = None,
        start_time: Any = None,
        trace_id: Any = 0,
        span_id: Any = 0,
        parent_id: Any = 0,
        flags: Any = None,
        trace_state: Any = None,
        remote: Any = False,
        urgency: Any = _NORMAL,
        record: Any = False,
        threshold: Any = None,
        randomness: Any = None,
        on_exception: Any = None,
        held_with: Any = None,
    ) -> Span:
        """A span, which records if it is sampled."""
        if parent is not None and not isinstance(parent, Span):
            raise TypeError(f"a parent must be a Span of this engine; was {type(parent).__name__}")
        try:
            span = self.span_type(self, name_of(name))
        except Odd:
            self.arena.trouble("name")
            span = self.span_type(self, b"")
        span.trace_state = ""
        span._sampling = PLAIN
        span._remote = False
        if parent is not None:
            span.trace_id, span.parent_id, span.flags = parent.trace_id, parent.span_id, parent.flags
            span.trace_state = parent.trace_state
            span._sampling = (*parent._sampling[:2], *PLAIN[2:])
        else:
            self._set_trace(span, trace_id, parent_id)
            span._remote = remote is True
        span.span_id = (0 if span_id is _NONE else self._number(span_id, MOST_ID, 0)) or made(64)
        if flags is not None:
            span.flags = self._number(flags, 0xFF, span.flags)
        if trace_state is not None:
            self._set_trace_state(span, trace_state)
        span._kind = kind if kind is _INTERNAL else self._number(kind, _MOST_KIND, _INTERNAL)
        span._urgency = urgency if urgency is _NORMAL else self._number(urgency, _HIGH, _NORMAL)
        if threshold is not None or randomness is not None or on_exception is not None:
            self._set_sampling(span, threshold, randomness, on_exception)
        if not span.flags & _SAMPLED:
            beside = parent or (held_with if isinstance(held_with, Span) else None)
            self.leave_out(span, beside, record is True)
        span.begin_at(start_time, attributes)
        return span

    def _set_sampling(self, span: Span, threshold: Any, randomness: Any, on_exception: Any) -> None:
        before = span._sampling
        on_end = before[2] if on_exception is None else self._number(on_exception, before[2], before[2])
        told = before[0] if threshold is None else self._number(threshold, RANDOM_BITS, -1)
        random = before[1] if randomness is None else self._number(randomness, RANDOM_BITS, span.randomness)
        span._sampling = (told, random, on_end, before[3])

    @staticmethod
    def leave_out(span: Span, parent: Span | None, record_anyway: bool) -> None:
        """What is not sampled goes nowhere, and does not record but for requests, whose headers are guarded.

        Where errors or slow spans are kept it records, and waits with its parent, None for none of this process.
        """
        waits = hold(span, parent)
        span._sampling = (*span._sampling[:3], waits or False)
        if waits is None and not record_anyway and span._kind not in _OUTGOING:
            span.stop_recording()

    def _number(self, given: Any, most: int, otherwise: int) -> int:
        """An int from 0 to `most`; `otherwise` for None, and for what is none."""
        if given is None:
            return otherwise
        found = id_of(given, most)
        if found is None:
            self.arena.trouble("ids")
            return otherwise
        return found

    def _set_trace(self, span: Span, trace_id: Any, parent_id: Any) -> None:
        found = 0 if trace_id is _NONE else self._number(trace_id, MOST_TRACE_ID, 0)
        span.trace_id, span.flags = (found, _SAMPLED) if found else (made(128), _SAMPLED | _RANDOM)
        span.parent_id = 0 if parent_id is _NONE else self._number(parent_id, MOST_ID, 0)

    def _set_trace_state(self, span: Span, given: Any) -> None:
        try:
            span.trace_state = text_of(given).decode()
        except Odd:
            return


def _limit(name: str, value: int, most: int) -> int:
    if not 0 <= value <= most:
        raise ValueError(f"{name} must be 0 to {most}; was {value}")
    return value
