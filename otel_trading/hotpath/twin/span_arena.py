"""Where finished spans wait, encoded, until a worker takes them: chunks of one scope each, the oldest first.

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

_MOST_ROOM = 65_536
_MOST_TROUBLES = 1000
_MOST_WAITING = 64
"""Spans that are filed together: to take the lock costs as much as to file two."""

_REASONS = ("queue_full", "bytes_full", "after_shutdown", "no_memory")
_TROUBLES = ("attributes", "event", "link", "status", "name", "time", "ids")


class Chunk:
    """Encoded spans of one scope."""

    __slots__ = ("items", "spans", "writer")

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.items = 0
        self.spans = bytearray()


class Writer:
    """What a recorder writes on; None after it was taken."""

    __slots__ = ("chunk", "scope")

    def __init__(self, scope: bytes) -> None:
        self.scope = scope
        self.chunk: Chunk | None = None


class Arena:
    """Finished spans, encoded, until they are taken."""

    def __init__(self, max_items: int = 65_536, max_bytes: int = 16_777_216) -> None:
        if max_items < 1 or max_bytes < 1:
            raise ValueError(f"max_items and max_bytes must be at least 1; were {max_items} and {max_bytes}")
        self._most_items, self._most_bytes = max_items, max_bytes
        self._closed = False
        self._chunks: deque[Chunk] = deque()
        self.begin_anew()
        Forks.inherited.add(self)

    def begin_anew(self) -> None:
        """Empty, and with a lock that nobody holds."""
        for chunk in self._chunks:
            chunk.writer.chunk = None
        self._lock = threading.RLock()
        self._busy = False
        self._offered: deque[tuple[Writer, bytes]] = deque()
        self._chunks = deque()
        self._items = self._bytes = self._taken = 0
        self._dropped = dict.fromkeys(_REASONS, 0)
        self._troubled: deque[str] = deque()
        self._troubles = dict.fromkeys(_TROUBLES, 0)

    def offer(self, writer: Writer, span: bytes) -> None:
        """A field `spans` of ScopeSpans."""
        self._offered.append((writer, span))
        if len(self._offered) >= _MOST_WAITING:
            self._settle()

    def _settle(self) -> None:
        """Files what was offered, unless another thread does, or the one that is interrupted here."""
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
                writer, span = self._offered.popleft()
                why = self._refusal(len(span))
                if why is None:
                    self._put(writer, span)
                else:
                    self._dropped[why] += 1
        finally:
            self._busy = False

    def _refusal(self, size: int) -> str | None:
        if self._closed:
            return "after_shutdown"
        if self._items >= self._most_items:
            return "queue_full"
        return "bytes_full" if self._bytes + size > self._most_bytes else None

    def _put(self, writer: Writer, span: bytes) -> None:
        chunk = writer.chunk
        if chunk is None or len(chunk.spans) + len(span) > _MOST_ROOM:
            chunk = Chunk(writer)
            self._chunks.append(chunk)  # first, as in `take`
            writer.chunk = chunk
        chunk.spans += span
        chunk.items += 1
        self._items += 1
        self._bytes += len(span)

    def take(self) -> tuple[bytes, int, bytes] | None:
        """The oldest chunk; None if nothing waits, or in a signal handler in the middle of filing."""
        with self._lock:
            if self._busy:
                return None
            self._file()
            self._busy = True  # who interrupts this files nothing meanwhile
            try:
                return self._pop()
            finally:
                self._busy = False

    def _pop(self) -> tuple[bytes, int, bytes] | None:
        if not self._chunks:
            return None
        chunk = self._chunks[0]
        if chunk.writer.chunk is chunk:
            chunk.writer.chunk = None  # first: what a writer has is here, also in a child
        self._chunks.popleft()
        self._items -= chunk.items
        self._bytes -= len(chunk.spans)
        self._taken += chunk.items
        return chunk.writer.scope, chunk.items, bytes(chunk.spans)

    def books(self) -> dict[str, Any]:
        """What came of all that was offered: queued, taken, dropped by reason."""
        with self._lock:
            if not self._busy:
                self._file()
            items, taken, dropped = self._items, self._taken, dict(self._dropped)
            offered = items + taken + sum(dropped.values())
            return {
                "offered": offered,
                "taken": taken,
                "queued": items,
                "queued_bytes": self._bytes,
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

    def close(self) -> None:
        """From now on spans are dropped as after_shutdown; what waits can be taken."""
        self.books()  # what was offered before is filed
        self._closed = True
