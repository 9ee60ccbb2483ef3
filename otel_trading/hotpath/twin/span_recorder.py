"""Begins the spans of one scope, with their limits."""

from __future__ import annotations

from typing import Any

from otel_trading.hotpath.sampler_engine import NONE_TOLD, Decision
from otel_trading.hotpath.twin import clock
from otel_trading.hotpath.twin.held import hold
from otel_trading.hotpath.twin.span import MOST_TIME, Span
from otel_trading.hotpath.twin.span_arena import Arena
from otel_trading.hotpath.twin.span_begun import (
    DECISION,
    IDS,
    KIND,
    LIGHT_ROOM,
    MOST_LIGHT,
    MOST_LIGHT_LETTERS,
    MOST_NAME,
    OFFSET,
    RANDOM,
    REMOTE,
    SAMPLED,
    STARTED,
)
from otel_trading.hotpath.twin.span_counts import LEFT_OUT, LOCAL, RECORDS, ROOT, SAMPLES
from otel_trading.hotpath.twin.span_counts import REMOTE as FROM_REMOTE
from otel_trading.hotpath.twin.span_facts import RANDOM_BITS, RECORD_EXCEPTION, SET_STATUS
from otel_trading.hotpath.twin.span_ids import MOST_ID, MOST_TRACE_ID, id_of, made
from otel_trading.hotpath.twin.span_value import Odd, text_of

_MOST_LIMIT, _MOST_BYTES, _MOST_LETTERS = 10_000, 64 << 20, 2**63 - 1
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
        "light",
        "link_attributes",
        "links",
        "owner",
        "room",
        "short",
        "slow_ns",
        "span_type",
        "terms",
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
        self.attributes = _limit("attributes", attributes, _MOST_LIMIT)
        self.events = _limit("events", events, _MOST_LIMIT)
        self.links = _limit("links", links, _MOST_LIMIT)
        self.event_attributes = _limit("event_attributes", event_attributes, _MOST_LIMIT)
        self.link_attributes = _limit("link_attributes", link_attributes, _MOST_LIMIT)
        self.letters = _MOST_LETTERS if letters is None else _limit("letters", letters, _MOST_LETTERS)
        self.terms = scope, self.letters
        span_bytes = _limit("span_bytes", span_bytes, _MOST_BYTES)
        roomy = span_bytes >= 2 * LIGHT_ROOM and self.letters >= MOST_LIGHT_LETTERS
        self.light = min(self.attributes, MOST_LIGHT) if roomy else 0
        """Attributes that wait as they are."""
        self.short = MOST_LIGHT_LETTERS
        self.room = span_bytes - LIGHT_ROOM if roomy else span_bytes
        """Bytes of what is encoded at once."""

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
        named = self._name(name)
        state, before = "", parent.threshold if parent else NONE_TOLD
        if parent is not None:
            trace, above, bits, state = parent._begun[IDS], parent.span_id, parent.flags, parent.trace_state
            random, remote = parent.randomness, False
        else:
            trace, above, bits = self._trace(trace_id, parent_id)
            random, remote = trace >> 64 & RANDOM_BITS, remote is True
        own = (0 if span_id is _NONE else self._number(span_id, MOST_ID, 0)) or made(64)
        bits = bits if flags is None else self._number(flags, 0xFF, bits)
        if trace_state is not None:
            state = self._state(trace_state, state)
        told = before if threshold is None else self._number(threshold, RANDOM_BITS, NONE_TOLD)
        number = kind if kind is _INTERNAL else self._number(kind, _MOST_KIND, _INTERNAL)
        urged = urgency if urgency is _NORMAL else self._number(urgency, _HIGH, _NORMAL)
        ends = 3 if on_exception is None else self._number(on_exception, 3, 3)
        decision: Decision = (bool(bits & SAMPLED), urged, told, state)
        flagged = bits | REMOTE if remote else bits
        span = self.span_type()
        span._recorder, span._later, span._open = self, None, self.arena.offered
        span._begun = (
            self.terms, named, trace, own, above, flagged, number, decision, *self.start(), {},
            bool(ends & RECORD_EXCEPTION), bool(ends & SET_STATUS),
        )  # fmt: skip
        if randomness is not None:
            random = self._number(randomness, RANDOM_BITS, random)
        if random != span.randomness:
            span.later().randomness = random
        origin = FROM_REMOTE if remote and above else LOCAL if above else ROOT
        beside = parent or (held_with if isinstance(held_with, Span) else None)
        self.settle(span, beside, origin, attributes, start_time, record is True)
        return span

    @staticmethod
    def start() -> tuple[int, int]:
        """OFFSET and STARTED of a span that begins now."""
        now = clock.monotonic()
        if now >= clock.until:
            now = clock.agree()
        return clock.offset, now

    def settle(
        self,
        span: Span,
        parent: Span | None,
        origin: int,
        attributes: Any,
        start_time: Any,
        record_anyway: bool = False,
    ) -> None:
        """A span that is made begins to record, or does not; its start and its attributes, None for what is told.

        What is not sampled goes nowhere, and does not record but for requests, whose headers are guarded. Where errors
        or slow spans are kept it records, and waits with its parent, None for none of this process.
        """
        result = SAMPLES
        if not span._begun[DECISION][0]:
            waits = hold(span, parent)
            if waits is not None or record_anyway or span._begun[KIND] in _OUTGOING:
                result = RECORDS
                span.later().fate = waits or False
            else:
                result = LEFT_OUT
                span.stop_recording()
        self.arena.began(result + origin)
        if start_time is not None:
            span.later().by_wall = True
            begun = span._begun
            start_ns = self.time_of(start_time, clock.Clocks.wall())
            span._begun = (*begun[:OFFSET], 0, start_ns, *begun[STARTED + 1 :])
        if attributes is not None:
            span.set_attributes(attributes)

    def time_of(self, given: Any, now: int) -> int:
        """UTC nanoseconds that were given; now for what is none."""
        if type(given) is int and 0 <= given <= MOST_TIME:
            return given
        self.arena.trouble("time")
        return now

    def _name(self, given: Any) -> str | bytes:
        if type(given) is str and len(given) <= MOST_NAME:
            return given
        try:
            return text_of(given)
        except Odd:
            self.arena.trouble("name")
            return b""

    def _number(self, given: Any, most: int, otherwise: int) -> int:
        """An int from 0 to `most`; `otherwise` for None, and for what is none."""
        if given is None:
            return otherwise
        found = id_of(given, most)
        if found is None:
            self.arena.trouble("ids")
            return otherwise
        return found

    def _trace(self, trace_id: Any, parent_id: Any) -> tuple[int, int, int]:
        """The trace's id at its place in IDS, the parent's, flags."""
        found = 0 if trace_id is _NONE else self._number(trace_id, MOST_TRACE_ID, 0)
        bits = SAMPLED if found else SAMPLED | RANDOM
        return (found or made(128)) << 64, 0 if parent_id is _NONE else self._number(parent_id, MOST_ID, 0), bits

    @staticmethod
    def _state(given: Any, before: str) -> str:
        try:
            return text_of(given).decode()
        except Odd:
            return before


def _limit(name: str, value: int, most: int) -> int:
    if not 0 <= value <= most:
        raise ValueError(f"{name} must be 0 to {most}; was {value}")
    return value
