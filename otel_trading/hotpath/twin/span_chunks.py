"""Encoded spans that wait, within bounds: chunks of one scope and urgency, the oldest first."""

from __future__ import annotations

from collections import deque
from typing import Any

_MOST_ROOM = 65_536
_URGENCIES = 3
_REASONS = ("queue_full", "bytes_full", "after_shutdown", "no_memory")


class Chunk:
    """Encoded spans of one scope and urgency."""

    __slots__ = ("items", "kind", "spans")

    def __init__(self, kind: tuple[bytes, int]) -> None:
        self.kind = kind
        """Scope and urgency."""
        self.items = 0
        self.spans = bytearray()


class Chunks:
    """Not thread-safe: the arena's lock is held around each call."""

    __slots__ = (
        "_bytes",
        "_chunk_items",
        "_chunks",
        "_growing",
        "_most_bytes",
        "_most_items",
        "dropped",
        "items",
        "taken",
    )

    def __init__(self, max_items: int, max_bytes: int, chunk_items: int) -> None:
        self._most_items, self._most_bytes = _shares(max_items), _shares(max_bytes)
        self._chunk_items = chunk_items
        self._chunks: deque[Chunk] = deque()
        self._growing: dict[tuple[bytes, int], Chunk] = {}
        """Those that the next span of their kind is put into."""
        self.items = self._bytes = self.taken = 0
        self.dropped = dict.fromkeys(_REASONS, 0)

    def full(self, urgency: int) -> bool:
        """Whether there is no place for one more of this urgency, however small."""
        return self.items >= self._most_items[urgency]

    def put(self, scope: bytes, urgency: int, span: bytes | str) -> None:
        """A field `spans` of ScopeSpans, for which there is a place; or why it is dropped."""
        if isinstance(span, str):
            self.dropped[span] += 1
            return
        if self._bytes + len(span) > self._most_bytes[urgency]:
            self.dropped["bytes_full"] += 1
            return
        kind = scope, urgency
        chunk = self._growing.get(kind)
        if chunk is None or chunk.items >= self._chunk_items or len(chunk.spans) + len(span) > _MOST_ROOM:
            chunk = self._growing[kind] = Chunk(kind)
            self._chunks.append(chunk)
        chunk.spans += span
        chunk.items += 1
        self.items += 1
        self._bytes += len(span)

    def ready(self) -> bool:
        """Whether the oldest one grows no more."""
        return bool(self._chunks) and self._growing.get(self._chunks[0].kind) is not self._chunks[0]

    def pop(self) -> tuple[bytes, int, bytes, int] | None:
        """The oldest one; None if nothing waits."""
        if not self._chunks:
            return None
        chunk = self._chunks.popleft()
        if self._growing.get(chunk.kind) is chunk:
            del self._growing[chunk.kind]
        self.items -= chunk.items
        self._bytes -= len(chunk.spans)
        self.taken += chunk.items
        scope, urgency = chunk.kind
        return scope, chunk.items, bytes(chunk.spans), urgency

    def books(self) -> dict[str, Any]:
        """What came of all that was put."""
        return {
            "offered": self.items + self.taken + sum(self.dropped.values()),
            "taken": self.taken,
            "queued": self.items,
            "queued_bytes": self._bytes,
            "chunks": len(self._chunks),
            "dropped": dict(self.dropped),
        }


def _shares(bound: int) -> tuple[int, ...]:
    """What spans of each urgency may fill: all of it for the highest, a tenth less for each below."""
    return tuple(bound - bound * (_URGENCIES - 1 - urgency) // 10 for urgency in range(_URGENCIES))
