"""Where finished spans wait, encoded, until a worker takes them: chunks of one scope and urgency, the oldest first.

Spans are appended to a deque, one step of the interpreter, and filed into chunks by the dozen, and before each look. A
thread that does not get the lock leaves its spans to the one that has; so does a signal handler or a finaliser that
ends a span in the middle of filing. No end waits for another, and each span is counted exactly once. The bounds hold
for what is filed: some dozen spans may wait beside.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from otel_trading.hotpath.twin.forks import Forks
from otel_trading.hotpath.twin.span_wait import Bell
from otel_trading.hotpath.twin.turn import Turn

URGENCIES = 3
_MOST_ROOM = 65_536
_MOST_TROUBLES = 1000
_MOST_CHUNK_ITEMS = 2**32 - 1

_REASONS = ("queue_full", "bytes_full", "after_shutdown", "no_memory")
_TROUBLES = ("attributes", "event", "link", "status", "name", "time", "ids")


class Chunk:
    """Encoded spans of one scope and urgency."""

    __slots__ = ("items", "spans", "urgency", "writer")

    def __init__(self, writer: Writer, urgency: int) -> None:
        self.writer = writer
        self.urgency = urgency
        self.items = 0
        self.spans = bytearray()


class Writer:
    """What a recorder writes on, for each urgency; None after it was taken."""

    __slots__ = ("chunks", "scope")

    def __init__(self, scope: bytes) -> None:
        self.scope = scope
        self.chunks: list[Chunk | None] = [None] * URGENCIES


class Arena:
    """Finished spans, encoded, until they are taken."""

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
        self._most_items, self._most_bytes = _shares(max_items), _shares(max_bytes)
        self._chunk_items = chunk_items
        self._closed = False
        self._chunks: deque[Chunk] = deque()
        self.begin_anew()
        Forks.inherited.add(self)

    def begin_anew(self) -> None:
        """Empty, and with a lock that nobody holds."""
        for chunk in self._chunks:
            chunk.writer.chunks[chunk.urgency] = None
        self._lock = threading.RLock()
        self._busy = False
        self._offered: deque[tuple[Writer, int, bytes]] = deque()
        self._bell = Bell()
        self._chunks = deque()
        self._items = self._bytes = self._taken = 0
        self._dropped = dict.fromkeys(_REASONS, 0)
        self._held = self._held_forgotten = 0
        self._troubled: deque[str] = deque()
        self._troubles = dict.fromkeys(_TROUBLES, 0)

    def offer(self, writer: Writer, urgency: int, span: bytes) -> None:
        """A field `spans` of ScopeSpans."""
        self._offered.append((writer, urgency, span))
        if len(self._offered) >= self._bell.patience:
            self._settle()

    def _settle(self) -> None:
        """Files what was offered, unless another thread does, or the one that is interrupted here.

        Whoever holds the lock comes here after it, so that what others left to it wakes who waits.
        """
        while self._offered and self._lock.acquire(blocking=False):
            try:
                if self._busy:
                    return
                self._file()
            finally:
                self._lock.release()

    def _file(self) -> None:
        """All that was offered; by the holder of the lock."""
        self._busy = True
        try:
            while self._offered:
                writer, urgency, span = self._offered.popleft()
                why = self._refusal(urgency, len(span))
                if why is None:
                    self._put(writer, urgency, span)
                else:
                    self._dropped[why] += 1
            self._bell.look(self._items)
        finally:
            self._busy = False

    def _refusal(self, urgency: int, size: int) -> str | None:
        if self._closed:
            return "after_shutdown"
        if self._items >= self._most_items[urgency]:
            return "queue_full"
        return "bytes_full" if self._bytes + size > self._most_bytes[urgency] else None

    def _put(self, writer: Writer, urgency: int, span: bytes) -> None:
        chunk = writer.chunks[urgency]
        if chunk is None or chunk.items >= self._chunk_items or len(chunk.spans) + len(span) > _MOST_ROOM:
            chunk = Chunk(writer, urgency)
            self._chunks.append(chunk)  # first, as in `take`
            writer.chunks[urgency] = chunk
        chunk.spans += span
        chunk.items += 1
        self._items += 1
        self._bytes += len(span)

    def wait(self, items: int, timeout_s: float) -> bool:
        """Sleeps until so many spans wait or `wake` is called; False: time is over."""
        if items < 1 or not timeout_s >= 0:
            raise ValueError(f"items must be at least 1 and timeout_s at least 0; were {items!r} and {timeout_s!r}")
        bell = self._bell
        with bell.one_waits():
            with self._lock:
                bell.begin(items, self._items)
            self._settle()  # what was offered before whoever did saw that somebody waits
            return bell.listen(timeout_s)

    def wake(self) -> None:
        """Ends the `wait` that is under way, or the next one at once."""
        self._bell.wake()

    def take(self) -> tuple[bytes, int, bytes, int] | None:
        """The oldest chunk; None if nothing waits, or in a signal handler in the middle of filing."""
        with self._lock:
            if self._busy:
                return None
            self._file()
            self._busy = True  # who interrupts this files nothing meanwhile
            try:
                taken = self._pop()
            finally:
                self._busy = False
        self._settle()
        return taken

    def _pop(self) -> tuple[bytes, int, bytes, int] | None:
        if not self._chunks:
            return None
        chunk = self._chunks[0]
        if chunk.writer.chunks[chunk.urgency] is chunk:
            chunk.writer.chunks[chunk.urgency] = None  # first: what a writer has is here, also in a child
        self._chunks.popleft()
        self._items -= chunk.items
        self._bytes -= len(chunk.spans)
        self._taken += chunk.items
        return chunk.writer.scope, chunk.items, bytes(chunk.spans), chunk.urgency

    def books(self) -> dict[str, Any]:
        """What came of all that was offered: queued, taken, dropped by reason."""
        with self._lock:
            if not self._busy:
                self._file()
            items, taken, dropped = self._items, self._taken, dict(self._dropped)
            size, chunks = self._bytes, len(self._chunks)
        self._settle()
        return {
            "offered": items + taken + sum(dropped.values()),
            "taken": taken,
            "queued": items,
            "queued_bytes": size,
            "chunks": chunks,
            "dropped": dropped,
        }

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
        self.books()  # what was offered before is filed
        self._closed = True


def _shares(bound: int) -> tuple[int, ...]:
    """What spans of each urgency may fill: all of it for the highest, a tenth less for each below."""
    return tuple(bound - bound * (URGENCIES - 1 - urgency) // 10 for urgency in range(URGENCIES))
