"""Unsampled spans that are kept if something goes wrong: what ended of a trace waits while a span of it is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_trading.hotpath.twin.forks import Forks
from otel_trading.hotpath.twin.span_arena import Arena
from otel_trading.hotpath.twin.span_begun import ABOVE, ATTRIBUTES, DECISION, TERMS
from otel_trading.hotpath.twin.turn import Turn

if TYPE_CHECKING:
    from otel_trading.hotpath.twin.span import Span

GROUP_BYTES = 65_536
"""Of one trace's finished spans: a root that lives for long must not take the memory of others."""
_ERROR, _LOW, _NORMAL = 2, 0, 1


class Group:
    """The unsampled spans of one trace in this process, open and finished; shared by them."""

    __slots__ = ("arena", "finished", "fork", "incomplete", "keeps", "open", "size")

    def __init__(self, arena: Arena, incomplete: bool) -> None:
        self.arena = arena
        self.incomplete = incomplete
        """Something of the trace that should be here is not."""
        self.fork = Forks.count
        self.finished: list[tuple[bytes, bytes]] = []
        self.size = self.open = 0
        self.keeps = 0
        """How often a span that was to be kept ended."""

    def take(self) -> list[tuple[bytes, bytes]]:
        """What waits, and its memory is given back."""
        with Turn.lock:
            taken, size = self.finished, self.size
            self.finished, self.size = [], 0
            if self.fork == Forks.count:
                self.arena.hold_less(size)
        return taken

    def put(self, scope: bytes, field: bytes) -> None:
        """Lets a span wait.

        If it does not fit, what waited is forgotten: the newest is nearest to what may go wrong.
        """
        with Turn.lock:
            if self._fits(scope, field):
                return
            self.incomplete = True
            forgotten = len(self.take())
            if not self._fits(scope, field):
                forgotten += 1
            self.arena.forget_held(forgotten)

    def _fits(self, scope: bytes, field: bytes) -> bool:
        size = len(field)
        if self.size + size > GROUP_BYTES or not self.arena.hold_more(size):
            return False
        self.finished.append((scope, field))
        self.size += size
        return True

    def close(self, sent: bool) -> None:
        """One span less is open. What waits can come to nothing once none is: it is let go."""
        with Turn.lock:
            self.open -= 1
            if self.open == 0:
                self.take()
                self.incomplete |= not sent


class Hold:
    """What a held span knows of its group."""

    __slots__ = ("apart", "fork", "group", "kept_before", "open", "sent")

    def __init__(self, group: Group | None, apart: bool) -> None:
        self.group = group
        self.apart = apart
        """What is above it in its trace is not here."""
        self.fork = Forks.count
        self.open = True
        self.sent = False
        """It stood alone, ended, and was kept."""
        self.kept_before = 0
        if group is not None:
            with Turn.lock:
                group.open += 1
                self.kept_before = group.keeps

    def share(self, arena: Arena) -> Group | None:
        """The group for a child; None if there is none any more."""
        with Turn.lock:
            if self.group is None and self.open:
                self.group = Group(arena, self.apart)
                self.group.open = 1
            return self.group

    def end(self, span: Span) -> None:
        """The span has ended: it is offered with what waits, waits, or is let go."""
        kept = _reason(span)
        with Turn.lock:
            self.open = False
            group = self.group
            self.sent = group is None and kept is not None
        if group is None:
            if kept:
                _tell(span, kept, self.apart)
                _offer(span)
            return
        with Turn.lock:
            group.keeps += kept is not None
            sent = group.keeps != self.kept_before
            others = group.open > 1
        if sent:
            for scope, field in group.take():
                group.arena.offer((scope, _NORMAL, field), len(field))
            _tell(span, kept, group.incomplete)
            _offer(span)
        elif others:
            group.put(span._begun[TERMS][0], span.field())
        group.close(sent)

    def __del__(self) -> None:
        if self.open and self.group is not None:
            self.group.close(False)


def hold(span: Span, parent: Span | None) -> Hold | None:
    """Holds an unsampled span that begins, if it is to be held; with its parent, None for none of this process.

    It is held as its parent is; where none is here, ticks are left out unless they are wanted: they are many.
    """
    recorder = span._recorder
    if not recorder.keeps:
        return None
    fate = True if parent is None else parent.fate
    if parent is not None and isinstance(fate, Hold) and not fate.sent:
        group = fate.share(parent._recorder.arena) if fate.fork == Forks.count else None
        return Hold(group, group is None)
    if fate is False or (span._begun[DECISION][1] == _LOW and not recorder.keep_ticks):
        return None
    return Hold(None, parent is None and bool(span._begun[ABOVE]))


def _reason(span: Span) -> str | None:
    """Why a span is kept: what its attribute says."""
    recorder, later = span._recorder, span.later()
    if later.status == _ERROR and recorder.keep_errors:
        return "error"
    return "slow" if recorder.slow_ns and span.end_ns - span.start_ns >= recorder.slow_ns else None


def _tell(span: Span, kept: str | None, incomplete: bool) -> None:
    """In the place of what the application says under these names; limits do not count here."""
    attributes = span._begun[ATTRIBUTES]
    told: list[tuple[str, Any]] = [("otel_trading.kept", kept)] if kept else []
    if incomplete:
        told.append(("otel_trading.incomplete", True))
    for key, value in told:
        attributes[key] = value


def _offer(span: Span) -> None:
    """Of normal urgency, so that an order finds room beside it."""
    field = span.field()
    span._recorder.arena.offer((span._begun[TERMS][0], _NORMAL, field), len(field))
