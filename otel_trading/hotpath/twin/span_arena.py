"""Where finished spans wait until a worker takes them, who waits for them, and what goes wrong meanwhile."""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import Any

from otel_trading.ground.breath import breathe
from otel_trading.hotpath.twin.forks import Forks
from otel_trading.hotpath.twin.span_filing import MOST_BEHIND, TURN_S, Filing
from otel_trading.hotpath.twin.span_wait import Bell
from otel_trading.hotpath.twin.turn import Turn

_MOST_TROUBLES = 1000
_MOST_CHUNK_ITEMS = 2**32 - 1
_TROUBLES = ("attributes", "event", "link", "status", "name", "time", "ids")
_CALL = 256
"""Unencoded spans for which the thread that waits is woken."""


class Arena(Filing):
    """Finished spans until they are taken."""

    __slots__ = ("__weakref__", "_held", "_held_forgotten", "_most_held", "_troubled", "_troubles")

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
        super().__init__(max_items, max_bytes, chunk_items)
        Forks.inherited.add(self)

    def begin_anew(self) -> None:
        """Empty, and with a lock that nobody holds. Spans of before end where nobody looks."""
        super().begin_anew()
        self._held = self._held_forgotten = 0
        self._troubled: deque[str] = deque()
        self._troubles = dict.fromkeys(_TROUBLES, 0)

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
            self.encode_all()
            if bell.was_woken() or self._chunks.items >= items:
                return True
            left_s = until - monotonic()
            if left_s <= 0:
                return False
            offered = self.offered
            offered.patience = max(1, min(_CALL, self._most_behind, items - self._chunks.items))
            if self._busy:
                left_s = min(left_s, TURN_S)
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
                    if self._chunks.ready() or not self._work(MOST_BEHIND) or not self.offered:
                        return self._chunks.pop()
                finally:
                    self._busy = False
            breathe()

    def books(self) -> dict[str, Any]:
        """What came of all that was offered: queued, taken, dropped by reason."""
        self.encode_all()
        with self._lock:
            busy, self._busy = self._busy, True
            try:
                return self._chunks.books()
            finally:
                self._busy = busy

    def counts(self) -> dict[str, tuple[int, ...]]:
        """See `span_engine.Arena`."""
        self.encode_all()
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
        self.encode_all()  # what was offered before
        self._closed = True
