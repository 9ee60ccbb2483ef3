"""Finds lost messages by the venue's own chain of sequence numbers."""

from __future__ import annotations

from otel_trading.demo.messages import Tick


class GapDetector:
    """Remembers the last number of each chain; one object a feed, used by one thread."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], int] = {}

    def missed(self, tick: Tick) -> bool:
        """Tells whether messages were lost just before this one. Kinds without a chain are never judged."""
        if tick.previous_sequence is None:
            return False
        chain = (tick.symbol, "depth" if tick.message_type == "depthUpdate" else "feed")
        last = self._last.get(chain)
        self._last[chain] = tick.sequence
        return last is not None and tick.previous_sequence != last
