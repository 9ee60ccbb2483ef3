"""What few spans have: a status, another name, events, links, what was dropped, a start that was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_trading.hotpath.twin.held import Hold

Told = tuple[bytes | None, int, bytes, tuple[int, int, int] | None, tuple[bytes, ...]]
"""Name if it was changed, status and its text, dropped attributes, events and links, encoded events and links."""


class Later:
    """Of one span, made when it is needed; changed by the holder of the turn, but for the size of attributes."""

    __slots__ = ("by_wall", "dropped", "events", "fate", "links", "name", "randomness", "size", "status", "status_text")

    def __init__(self) -> None:
        self.name: bytes | None = None
        self.status = 0
        self.status_text = b""
        self.events: list[bytes] = []
        self.links: list[bytes] = []
        self.dropped: list[int] | None = None
        """Attributes, events, links."""
        self.size = 0
        """Of what is encoded."""
        self.by_wall = False
        """Its start was given, so that its end is now by the wall clock."""
        self.randomness: int | None = None
        """None for that of the trace id."""
        self.fate: bool | Hold = True
        """Whether it is offered, or held."""

    def drop(self, what: int) -> None:
        """0 attributes, 1 events, 2 links; in turn."""
        if self.dropped is None:
            self.dropped = [0, 0, 0]
        self.dropped[what] += 1

    def weight(self) -> int:
        """Bytes, about."""
        return self.size + len(self.status_text) + len(self.name or b"")

    def told(self) -> Told:
        """What is encoded of it."""
        dropped = self.dropped
        counts = None if dropped is None else (dropped[0], dropped[1], dropped[2])
        return self.name, self.status, self.status_text, counts, (*self.events, *self.links)
