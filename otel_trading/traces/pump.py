"""Moves finished spans from the arena to the workers, from a thread of its own.

The arena is the queue, where a span costs its bytes and the bounds tell ticks from orders; a worker gets what it can
send next. So the spans that a receiver keeps waiting wait in the arena, unless another receiver is faster.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from otel_trading.delivery.lasting import LastingThread
from otel_trading.delivery.span_chunk import Source, SpanChunk
from otel_trading.delivery.urgency import Urgency
from otel_trading.delivery.worker import Worker
from otel_trading.ground.breath import rested, step
from otel_trading.ground.clock import Deadline
from otel_trading.hotpath.span_engine import Arena

_LONG_S = 3600.0
_NEVER = 1 << 62
_LEAST_DELAY_S = 0.001


def _nothing() -> None:
    pass


class Pump:
    """The thread, and the one way out of the arena for others too."""

    def __init__(
        self, arena: Arena, source: Source, workers: Sequence[Worker[Any]], items: int, delay_s: float
    ) -> None:
        """Starts the thread.

        Args:
            arena: where the spans are.
            source: whose.
            workers: those that get each chunk.
            items: spans that are worth to be moved at once.
            delay_s: longest wait of a span in the arena while a worker is hungry.
        """
        self._arena = arena
        self._origin = source
        self._workers = workers
        self._items = items if delay_s >= _LEAST_DELAY_S else 1
        self._delay_s = delay_s if delay_s >= _LEAST_DELAY_S else _LONG_S
        self.turn = threading.RLock()
        """Held while a chunk is on its way: for whoever must see it on one side only."""
        self.moved = 0
        """Chunks that left the arena; read and written in `turn`."""
        self._blocked = False
        self._over = False
        self._thread = LastingThread("traces pump", self._run)

    def _run(self) -> None:
        while not self._over:
            self._blocked = True  # first: a worker that takes a batch from here on wakes us
            if not self._hungry():
                self._arena.wait(_NEVER, _LONG_S)
                continue
            self._blocked = False
            self._arena.wait(self._items, self._delay_s)
            rested()
            self.move(step)

    def _hungry(self) -> bool:
        return any([worker.hungry for worker in self._workers])

    def on_room(self) -> None:
        """A worker took a batch: if its queue was all that kept us, we go on."""
        if self._blocked:
            self._arena.wake()

    def move(self, after_each: Callable[[], None] = _nothing) -> None:
        """Moves chunks until no worker is hungry or nothing waits. From any thread.

        Args:
            after_each: called after each chunk, with `turn` held.
        """
        while self._hungry():
            with self.turn:
                if not self._move_batch(after_each, beyond=False):
                    return

    def move_all(self) -> None:
        """Moves everything, also beyond what workers may hold; the arena is closed, so that nothing follows."""
        with self.turn:
            while self._move_batch(_nothing, beyond=True):
                pass

    def _move_batch(self, after_each: Callable[[], None], *, beyond: bool) -> bool:
        """Takes chunks for one batch, then hands them over together, since a worker sends what it gets at once."""
        chunks: list[SpanChunk] = []
        try:
            while sum(chunk.count for chunk in chunks) < self._items and (taken := self._arena.take()) is not None:
                scope, count, spans, urgency = taken
                chunks.append(SpanChunk(self._origin, scope, count, spans, Urgency(urgency)))
                after_each()
        finally:  # what has left the arena is in nobody's books until then
            for chunk in chunks:
                for worker in self._workers:
                    worker.hand_over(chunk, beyond=beyond)
            self.moved += len(chunks)
        return bool(chunks)

    def ensure(self) -> None:
        """Replaces the thread if it died."""
        self._thread.ensure()

    def ask_to_stop(self) -> None:
        """Wakes the thread to end; what waits stays."""
        self._over = True
        self._arena.wake()

    def join(self, deadline: Deadline) -> None:
        """Waits for its end."""
        self._thread.join(deadline)

    def after_fork_in_child(self) -> None:
        """In a forked child, where the thread does not exist."""
        self.turn = threading.RLock()
        self._over = True
        self._thread.after_fork_in_child()
