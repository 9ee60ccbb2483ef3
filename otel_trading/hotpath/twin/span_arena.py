"""Where finished spans wait until a worker takes them: as they ended at first, then encoded.

Whoever ends a span appends what it is to a deque, one step of the interpreter. The thread that waits for spans encodes
what came, and so does whoever takes them or asks for the books, for a tenth of a millisecond before others may run. If
they cannot keep up, each end encodes some of what waits: some `_most_behind` spans wait unencoded beside the bounds, a
sixteenth of them at most, or some dozen, each with a few short attributes. No end waits for a lock, but where twice as
many are behind: there it waits for moments. Each span is counted exactly once, also if a signal handler or a finaliser
ends it in the middle of encoding.
"""

from __future__ import annotations

import threading
from collections import deque
from time import monotonic, perf_counter_ns
from typing import TYPE_CHECKING, Any

from otel_trading.ground.breath import breathe
from otel_trading.hotpath.twin.forks import Forks
from otel_trading.hotpath.twin.span_begun import DECISION, TERMS
from otel_trading.hotpath.twin.span_chunks import Chunks
from otel_trading.hotpath.twin.span_counts import Counts
from otel_trading.hotpath.twin.span_message import field
from otel_trading.hotpath.twin.span_wait import Bell
from otel_trading.hotpath.twin.turn import Turn

if TYPE_CHECKING:
    from otel_trading.hotpath.twin.span import Span
    from otel_trading.hotpath.twin.span_later import Later

_MOST_TROUBLES = 1000
_MOST_CHUNK_ITEMS = 2**32 - 1
_TROUBLES = ("attributes", "event", "link", "status", "name", "time", "ids")
_NORMAL, _HIGH = 1, 2
_ERROR = 2

_PIECE_NS = 100_000
"""Others may run after so long."""
_HELP = 4
"""Spans that an end encodes where those whose work it is do not keep up,"""
_MOST_HELP = 64
"""and where it does not help either: for a piece's time at most."""
_CALL = 256
"""Unencoded spans for which the thread that waits is woken."""
_TURN_S = 0.01
"""How long an end waits for its turn, and a signal handler for what it interrupted."""
_LEAST_BEHIND, _MOST_BEHIND = 64, 4096
_BYTES_BEHIND = 1 << 15


class Offered(deque[tuple[Any, ...]]):
    """What ended and is not encoded: `Span.entry`, or scope, urgency and encoded field of a span that was held."""

    __slots__ = ("patience",)

    patience: int
    """So many call for somebody who encodes them."""


class Arena:
    """Finished spans until they are taken."""

    __slots__ = (
        "__weakref__",
        "_bell",
        "_bounds",
        "_busy",
        "_chunks",
        "_closed",
        "_counts",
        "_held",
        "_held_forgotten",
        "_lock",
        "_most_behind",
        "_most_held",
        "_troubled",
        "_troubles",
        "begun",
        "offered",
    )

    def __init__(
        self,
        max_items: int = 65_536,
        max_bytes: int = 16_777_216,
        chunk_items: int = _MOST_CHUNK_ITEMS,
        held_bytes: int = 4_194_304,
    ) -> None:
        if max_items < 1 or max_bytes < 1 or chunk_items < 1:
            were = f"{max_items}, {max_bytes} and {chunk_items}"
            raise ValueError(f"max_items, max_bytes and chunk_items must be at least 1; were {were}")
        if held_bytes < 0:
            raise ValueError(f"held_bytes must be at least 0; was {held_bytes}")
        self._most_held = held_bytes
        self._bounds = max_items, max_bytes, chunk_items
        self._most_behind = max(_LEAST_BEHIND, min(_MOST_BEHIND, max_items >> 4, max_bytes // _BYTES_BEHIND))
        self._closed = False
        self.offered = Offered()
        self.begin_anew()
        Forks.inherited.add(self)

    def begin_anew(self) -> None:
        """Empty, and with a lock that nobody holds. Spans of before end where nobody looks."""
        self.offered.clear()
        self.offered.patience = 1 << 62
        self._lock = threading.RLock()
        self._busy = False
        self._bell = Bell()
        self._chunks = Chunks(*self._bounds)
        self._counts = Counts()
        self.begun = self._counts.begun
        self._held = self._held_forgotten = 0
        self._troubled: deque[str] = deque()
        self._troubles = dict.fromkeys(_TROUBLES, 0)
        made = Offered()
        made.patience = self._most_behind
        self.offered = made

    def began(self, place: int) -> None:
        """Counts one, as whoever appends to `begun` and ends a sampled span."""
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
            self.offer(span.entry())
            return
        self._counts.unsampled_ended.append(None)
        self._count()
        if fate:
            fate.end(span)

    def offer(self, entry: tuple[Any, ...]) -> None:
        """As in `Offered`."""
        offered = self.offered
        offered.append(entry)
        if len(offered) >= offered.patience:
            self.press(offered)

    def press(self, offered: Offered) -> None:
        """Much waits unencoded: who waits for spans is called, or else some are encoded here."""
        if offered.patience < self._most_behind and self._bell.somebody_waits:
            offered.patience = self._most_behind
            self._bell.ring()
            return
        late = len(offered) >= 2 * self._most_behind
        if self._lock.acquire(late, _TURN_S if late else -1):
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

    def _encode_all(self) -> None:
        """What waits now, in pieces; a signal handler in the middle of one leaves it to who is at it."""
        left = len(self.offered)
        while True:
            with self._lock:
                done = self._encode(left)
            left -= done
            if left <= 0 or not done:
                return
            breathe()

    def wait(self, items: int, timeout_s: float) -> bool:
        """Sleeps until so many spans wait or `wake` is called, and encodes what comes; False: time is over."""
        if items < 1 or not timeout_s >= 0:
            raise ValueError(f"items must be at least 1 and timeout_s at least 0; were {items!r} and {timeout_s!r}")
        bell = self._bell
        until = monotonic() + timeout_s
        with bell.one_waits(items):
            try:
                return self._wait(bell, items, until)
            finally:
                self.offered.patience = self._most_behind

    def _wait(self, bell: Bell, items: int, until: float) -> bool:
        while True:
            self._encode_all()
            if bell.was_woken() or self._chunks.items >= items:
                return True
            left_s = until - monotonic()
            if left_s <= 0:
                return False
            offered = self.offered
            offered.patience = max(1, min(_CALL, self._most_behind, items - self._chunks.items))
            if self._busy:
                left_s = min(left_s, _TURN_S)
            elif len(offered) >= offered.patience:
                continue
            bell.listen(left_s)

    def wake(self) -> None:
        """Ends the `wait` that is under way, or the next one at once."""
        self._bell.wake()

    def take(self) -> tuple[bytes, int, bytes, int] | None:
        """The oldest chunk; None if nothing waits, or in a signal handler in the middle of encoding."""
        while True:
            with self._lock:
                if self._busy:
                    return None
                self._busy = True
                try:
                    if self._chunks.ready() or not self._work(_MOST_BEHIND) or not self.offered:
                        return self._chunks.pop()
                finally:
                    self._busy = False
            breathe()

    def books(self) -> dict[str, Any]:
        """What came of all that was offered: queued, taken, dropped by reason."""
        self._encode_all()
        with self._lock:
            busy, self._busy = self._busy, True
            try:
                return self._chunks.books()
            finally:
                self._busy = busy

    def counts(self) -> dict[str, tuple[int, ...]]:
        """See `span_engine.Arena`."""
        self._encode_all()
        with self._lock:
            return self._counts.told()

    def trouble(self, what: str) -> None:
        """Counts one."""
        self._troubled.append(what)
        if len(self._troubled) > _MOST_TROUBLES:
            self.troubles()

    def troubles(self) -> dict[str, int]:
        """What was wrong with values that were given to spans, by what they were for."""
        with self._lock:
            while self._troubled:
                self._troubles[self._troubled.popleft()] += 1
            return dict(self._troubles)

    def hold_more(self, size: int) -> bool:
        """Whether there is room for so many bytes of unsampled spans, which are taken then; in turn."""
        if self._held + size > self._most_held:
            return False
        self._held += size
        return True

    def hold_less(self, size: int) -> None:
        """Gives some back; in turn."""
        self._held -= size

    def forget_held(self, spans: int) -> None:
        """Counts them; in turn."""
        self._held_forgotten += spans

    def held(self) -> dict[str, int]:
        """Bytes that unsampled spans wait in, and how many were forgotten for want of them."""
        with Turn.lock:
            return {"bytes": self._held, "forgotten": self._held_forgotten}

    def close(self) -> None:
        """From now on spans are dropped as after_shutdown; what waits can be taken."""
        self._encode_all()  # what was offered before
        self._closed = True
