"""Finished spans as they ended, and how they get into chunks, encoded.

Whoever ends a span appends what it is to a deque, one step of the interpreter. The thread that waits for spans encodes
what came, and so does whoever takes them or asks for the books, for a tenth of a millisecond before others may run. If
they cannot keep up, each end encodes some of what waits. So some `_most_behind` spans wait unencoded beside the bounds,
a sixteenth of them at most or some dozen, each with a few short attributes, or less if they have more. No end waits for
a lock, but where twice as many are behind: there it waits for moments. Each span is counted exactly once, also if a
signal handler or a finaliser ends it in the middle of encoding.
"""

from __future__ import annotations

import threading
from collections import deque
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from otel_trading.ground.breath import breathe
from otel_trading.hotpath.twin.span_begun import DECISION, TERMS
from otel_trading.hotpath.twin.span_chunks import Chunks
from otel_trading.hotpath.twin.span_counts import Counts
from otel_trading.hotpath.twin.span_message import field
from otel_trading.hotpath.twin.span_wait import Bell

if TYPE_CHECKING:
    from otel_trading.hotpath.twin.span import Span
    from otel_trading.hotpath.twin.span_later import Later

_HIGH, _ERROR = 2, 2

_PIECE_NS = 100_000
"""Others may run after so long."""
_HELP = 4
"""Spans that an end encodes where those whose work it is do not keep up,"""
_MOST_HELP = 64
"""and where it does not help either: for a piece's time at most."""
TURN_S = 0.01
"""How long an end waits for its turn, and a signal handler for what it interrupted."""
_LEAST_BEHIND, MOST_BEHIND = 64, 4096
_BYTES_BEHIND = 1 << 15


class Offered(deque[tuple[Any, ...]]):
    """What ended and is not encoded: `Span.entry`, or scope, urgency and encoded field of a span that was held."""

    __slots__ = ("patience",)

    patience: int
    """So many call for somebody who encodes them."""


class Filing:
    """Takes what ends, and encodes it into chunks."""

    __slots__ = (
        "_bell",
        "_bounds",
        "_busy",
        "_chunks",
        "_closed",
        "_counts",
        "_heavy",
        "_lock",
        "_most_behind",
        "_most_heavy",
        "begun",
        "offered",
    )

    def __init__(self, max_items: int, max_bytes: int, chunk_items: int) -> None:
        self._bounds = max_items, max_bytes, chunk_items
        self._most_behind = max(_LEAST_BEHIND, min(MOST_BEHIND, max_items >> 4, max_bytes // _BYTES_BEHIND))
        self._most_heavy = max_bytes >> 5
        self._closed = False
        self.offered = Offered()
        self.begin_anew()

    def begin_anew(self) -> None:
        """Empty, and with a lock that nobody holds. Spans of before end where nobody looks."""
        self.offered.clear()
        self.offered.patience = 1 << 62
        self._lock = threading.RLock()
        self._busy = False
        self._bell = Bell()
        self._chunks = Chunks(*self._bounds)
        self._heavy = 0
        self._counts = Counts()
        self.begun = self._counts.begun
        """A place of `span_counts` for each sampled span that began; of others see `began`."""
        made = Offered()
        made.patience = self._most_behind
        self.offered = made

    def began(self, place: int) -> None:
        """Counts one."""
        self.begun.append(place)
        self._count()

    def _count(self) -> None:
        if self._counts.many() and self._lock.acquire(blocking=False):
            try:
                self._counts.settle()
            finally:
                self._lock.release()

    def finish(self, offered: Offered, span: Span, later: Later) -> None:
        """What ended is offered, or held, or goes nowhere."""
        if offered is not self.offered:
            return  # the parent's
        fate = later.fate
        if fate is True:
            self.offer(span.entry(), later.weight())
            return
        self._counts.unsampled_ended.append(None)
        self._count()
        if fate:
            fate.end(span)

    def offer(self, entry: tuple[Any, ...], weight: int) -> None:
        """As in `Offered`; `weight` are bytes that it has already."""
        offered = self.offered
        offered.append(entry)
        self._heavy += weight
        if len(offered) >= offered.patience or self._heavy > self._most_heavy:
            self.press(offered)

    def press(self, offered: Offered) -> None:
        """Much waits unencoded: who waits for spans is called, or else some are encoded here."""
        late = len(offered) >= 2 * self._most_behind or self._heavy > 2 * self._most_heavy
        if offered.patience < self._most_behind and self._bell.somebody_waits:
            offered.patience = self._most_behind
            self._bell.ring()
            if not late:
                return
        if self._lock.acquire(timeout=TURN_S if late else 0):
            try:
                self._encode(_MOST_HELP if late else _HELP)
            finally:
                self._lock.release()

    def _encode(self, most: int) -> int:
        """Some of what waits, for no longer than a piece; how many. By the holder of the lock."""
        if self._busy:
            return 0
        self._busy = True
        try:
            return self._work(most)
        finally:
            self._busy = False

    def _work(self, most: int) -> int:
        """As `_encode`, by who is busy: nobody that interrupts touches anything meanwhile."""
        offered, done = self.offered, 0
        until = perf_counter_ns() + _PIECE_NS
        while offered and done < most:
            entry = offered[0]  # it stays until it is encoded, whatever interrupts
            scope, urgency, encoded = self._encoded(entry)
            offered.popleft()
            self._chunks.put(scope, urgency, encoded)
            if type(entry[2]) is not bytes:
                self._counts.sampled_ended()
            done += 1
            if perf_counter_ns() > until:
                break
        if not offered:
            self._heavy = 0
        self._counts.settle()
        if self._chunks.items >= self._bell.wanted:
            self._bell.ring()
        return done

    def _encoded(self, entry: tuple[Any, ...]) -> tuple[bytes, int, bytes | str]:
        """Scope, urgency, and the field `spans` of ScopeSpans, or why there is none."""
        first, second, last = entry
        held = type(last) is bytes
        if held:
            scope, urgency = first, second
        else:
            scope, urgency = first[TERMS][0], _HIGH if last is not None and last[1] == _ERROR else first[DECISION][1]
        if self._closed:
            return scope, urgency, "after_shutdown"
        if self._chunks.full(urgency):
            return scope, urgency, "queue_full"
        try:
            return scope, urgency, last if held else field(first, second, last)
        except Exception:  # whatever is told can be encoded, given memory
            return scope, urgency, "no_memory"

    def encode_all(self) -> None:
        """What waits now, in pieces; a signal handler in the middle of one leaves it to who is at it."""
        left = len(self.offered)
        while True:
            with self._lock:
                done = self._encode(left)
            left -= done
            if left <= 0 or not done:
                return
            breathe()
