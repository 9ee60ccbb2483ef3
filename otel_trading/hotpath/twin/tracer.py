"""A tracer: it begins spans with the current one as their parent, for as long as the process lives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from otel_trading.hotpath.sampler_engine import NONE_TOLD, NORMAL, Decision, Parent
from otel_trading.hotpath.twin import current
from otel_trading.hotpath.twin.block import Block
from otel_trading.hotpath.twin.sampler import Sampler
from otel_trading.hotpath.twin.span import Span
from otel_trading.hotpath.twin.span_begun import DECISION, FLAGS, IDS, MOST_NAME, RANDOM, SAMPLED, span_id
from otel_trading.hotpath.twin.span_counts import LOCAL, ROOT, SAMPLES
from otel_trading.hotpath.twin.span_facts import RANDOM_BITS
from otel_trading.hotpath.twin.span_ids import bits
from otel_trading.hotpath.twin.span_recorder import Recorder
from otel_trading.hotpath.twin.span_value import Odd, text_of

_KINDS = 5
_INTERNAL = 1

How = tuple[Recorder, Span | None, int | None, int | None, str | bytes, int, int, int, int, int, Decision]
"""Recorder and parent; the place of `span_counts` if it is sampled; randomness if it is not the trace id's; NAME, IDS,
OWN, ABOVE, FLAGS, KIND and DECISION of `span_begun`.
"""


class Tracer:
    """Begins spans. A subclass has `start_slowly`, `failed` and `decorated`; see `span_engine.Tracer`."""

    _kinds: dict[Any, int] = {}  # of all tracers; replaced as a whole

    def __init__(self) -> None:
        self.here: tuple[Recorder | None, Sampler | None, dict[str, Decision]] = (None, None, {})
        """Where spans begin, who decides which, and what it decided for good."""

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
        self.here = (recorder, sampler, {} if recorder is None or sampler is None else sampler.always)

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
        block = Block()
        block._tracer, block._token = self, None
        block._given = (name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        return block.__enter__(True)

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
        block = Block()
        block._tracer = self
        block._given = (name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception)
        block._end = end_on_exit
        block._token = None
        return block

    def how(self, given: tuple[Any, ...], before: Any) -> How | None:
        """How a span begins whose name alone does not tell; None if Python has to decide.

        Args:
            given: as to `start_span`.
            before: the current context.
        """
        name, context, kind, attributes, links, _, _, _ = given
        recorder, sampler, always = self.here
        if recorder is None or links or type(name) is not str or not (context is None or isinstance(context, dict)):
            return None
        number = _INTERNAL if kind is None else self._kinds.get(kind) if kind.__hash__ else None
        parent = current.span_in(before if context is None else context)
        if number is None or not (parent is None or isinstance(parent, Span)):
            return None
        told: Parent | None = None
        inherited: int | None = None
        if parent is None:
            ids, own, above, flags = bits(192), 0, 0, RANDOM
        else:
            begun = parent._begun
            ids, own, above, flags = begun[IDS], bits(64) or 1, span_id(begun), begun[FLAGS]
            told = flags & SAMPLED == SAMPLED, begun[DECISION][2], begun[DECISION][3] or None
            inherited = None if parent._later is None else parent._later.randomness
        decision: Decision | None
        if sampler is None:
            decision = (True, NORMAL, NONE_TOLD, None) if told is None else (True, NORMAL, told[1], told[2])
        elif (told is None or told[2] is None) and name in always:
            decision = always[name]
        else:
            randomness = ids >> 64 & RANDOM_BITS if inherited is None else inherited
            decision = sampler.decided(name, number, attributes, randomness, told)
        if decision is None:
            return None
        try:
            named = name if len(name) <= MOST_NAME else text_of(name)
        except Odd:
            return None
        flags = flags & RANDOM | (SAMPLED if decision[0] else 0)
        place = (SAMPLES + (ROOT if parent is None else LOCAL)) if decision[0] else None
        return recorder, parent, place, inherited, named, ids, own, above, flags, number, decision

    def started_slowly(self, given: tuple[Any, ...]) -> Any:
        """What the subclass begins."""
        name, context, kind, *others = given
        if kind is None and self._kinds:
            kind = next(iter(self._kinds))
        return self.start_slowly(name, context, kind, *others)  # type: ignore[attr-defined]
