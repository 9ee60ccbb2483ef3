"""One queue, one daemon thread, one way out: the caller never waits, and leaving never waits past its deadline.

The thread is a daemon on purpose: an endpoint that hangs must not keep a process alive. The lock is re-entrant
because a signal handler or a finaliser may offer an item while its own thread is inside `offer`.
"""

from __future__ import annotations

import random
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Generic

from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_trading.delivery.books import Books
from otel_trading.delivery.outcome import (
    AFTER_SHUTDOWN,
    DEADLINE,
    EXPORTER_FAILED,
    QUEUE_FULL,
    UNREACHABLE,
    Outcome,
    T,
    Transport,
)
from otel_trading.ground import clock, diagnostics
from otel_trading.ground.clock import Deadline

_BACKOFF_S, _BACKOFF_LIMIT_S = 0.5, 5.0


def one(_: object) -> int:
    """What spans and log records count in the books."""
    return 1


class Worker(Generic[T]):
    """Delivers items in batches from a thread of its own."""

    def __init__(
        self,
        name: str,
        transport: Transport[T],
        *,
        delay_s: float,
        queue_items: int,
        batch_items: int,
        export_timeout_s: float,
        weigh: Callable[[T], int] = one,
    ) -> None:
        """Starts the thread.

        Args:
            name: of the thread and in messages, such as `traces`.
            transport: where batches go.
            delay_s: longest wait of an item before its batch is sent.
            queue_items: most items that wait; further ones are dropped and counted.
            batch_items: most items of one request.
            export_timeout_s: longest time for one batch with all its retries.
            weigh: how much an item counts in the books; data points for metrics.
        """
        self.name = name
        self._transport = transport
        self._delay_s = delay_s
        self._queue_items = queue_items
        self._batch_items = batch_items
        self._export_timeout_s = export_timeout_s
        self._weigh = weigh
        self._changed = threading.Condition(threading.RLock())
        self._queue: deque[tuple[T, int]] = deque()
        self._queued = 0
        self._in_flight = 0
        self._oldest_ns = 0
        self._offered = 0
        self._delivered = 0
        self._dropped: Counter[str] = Counter()
        self._entered = 0  # weight that ever got into the queue
        self._settled = 0  # weight that left it again, delivered or lost
        self._flush_up_to = 0  # of `_entered`
        self._flushes = 0
        self._flush_that_failed = 0
        self._lost_at_last_flush = 0
        self._stopping: Deadline | None = None
        self._thread = threading.Thread(target=self._run, name=f"otel_trading {name}", daemon=True)
        self._thread.start()

    def offer(self, item: T) -> None:
        """Takes an item over. Never blocks for I/O, never raises; drops and counts when full or stopped."""
        weight = self._weigh(item)
        with self._changed:
            self._offered += weight
            if self._stopping is not None:
                self._dropped[AFTER_SHUTDOWN] += weight
                return
            if len(self._queue) >= self._queue_items:
                self._dropped[QUEUE_FULL] += weight
                return
            if not self._queue:
                self._oldest_ns = clock.monotonic_ns()
                self._changed.notify_all()
            self._queue.append((item, weight))
            self._queued += weight
            self._entered += weight
            if len(self._queue) == self._batch_items:
                self._changed.notify_all()

    def books(self) -> Books:
        """A consistent reading."""
        with self._changed:
            dropped = {reason: count for reason, count in self._dropped.items() if count}
            return Books(self._offered, self._delivered, dropped, self._queued + self._in_flight)

    def flush(self, deadline: Deadline) -> bool:
        """Sends what waits, at once.

        Returns:
            True if everything offered since the previous flush was delivered; False if something was lost, or is
            still waiting because the deadline came or the receiver does not answer.
        """
        return self.flushed(self.ask_to_flush(), deadline)

    def ask_to_flush(self) -> tuple[int, int]:
        """Begins a flush and returns its ticket for `flushed`; several workers can so be flushed side by side."""
        with self._changed:
            self._flushes += 1
            self._flush_up_to = self._entered
            self._changed.notify_all()
            return self._flushes, self._entered

    def flushed(self, ticket: tuple[int, int], deadline: Deadline) -> bool:
        """Waits for a flush that was begun; see `flush` for what is returned."""
        number, target = ticket
        with self._changed:
            while self._settled < target:
                left_s = deadline.remaining_s()
                if left_s <= 0 or self._flush_that_failed >= number or not self._thread.is_alive():
                    return False
                self._changed.wait(left_s)
            lost = self._dropped.total()
            clean = lost == self._lost_at_last_flush
            self._lost_at_last_flush = lost
            return clean

    def ask_to_stop(self, deadline: Deadline) -> None:
        """Begins to stop: nothing more is taken, what waits is sent until the deadline. Does not wait."""
        with self._changed:
            if self._stopping is None:
                self._stopping = deadline
            self._changed.notify_all()

    def stop(self, deadline: Deadline) -> bool:
        """Delivers what it can until the deadline, then gives up and counts the rest as lost.

        Returns:
            True if everything offered since the previous flush was delivered.
        """
        self.ask_to_stop(deadline)
        self._thread.join(deadline.remaining_s())
        late = self._thread.is_alive()
        with self._changed:
            if self._queued + self._in_flight:
                self._dropped[DEADLINE] += self._queued + self._in_flight
                self._settled += self._queued + self._in_flight
                self._queue.clear()
                self._queued = self._in_flight = 0
                self._changed.notify_all()
            clean = self._dropped.total() == self._lost_at_last_flush
        self._close()
        if late:
            # closing cuts most transports short; the grace keeps a thousand rounds from leaving threads behind
            self._thread.join(0.05)
        return clean

    def _close(self) -> None:
        try:
            self._transport.close()
        except Exception as error:
            diagnostics.trouble("delivery.close_failed", "the exporter of %s could not be closed: %r", self.name, error)

    def _run(self) -> None:
        with suppress_instrumentation():
            while True:
                try:
                    batch = self._next_batch()
                    if batch is None:
                        return
                    self._deliver(batch)
                except BaseException as error:  # a fault of ours costs the batch, not the thread
                    diagnostics.trouble("delivery.worker_failed", "the worker of %s failed: %r", self.name, error)
                    self._settle({EXPORTER_FAILED: self._in_flight} if self._in_flight else {})

    def _next_batch(self) -> list[T] | None:
        """Waits until a batch is due; None once stopped and empty."""
        with self._changed:
            while not self._due():
                if self._stopping is not None:
                    return None
                self._changed.wait(self._wait_s())
            batch = [self._queue.popleft() for _ in range(min(self._batch_items, len(self._queue)))]
            self._in_flight = sum(weight for _, weight in batch)
            self._queued -= self._in_flight
            self._oldest_ns = clock.monotonic_ns()
            return [item for item, _ in batch]

    def _due(self) -> bool:
        if not self._queue:
            return False
        hurry = self._stopping is not None or self._settled < self._flush_up_to
        return hurry or len(self._queue) >= self._batch_items or self._wait_s() == 0.0

    def _wait_s(self) -> float | None:
        if not self._queue:
            return None
        return max(0.0, self._delay_s - (clock.monotonic_ns() - self._oldest_ns) / 1e9)

    def _deliver(self, items: list[T]) -> None:
        give_up = Deadline(self._export_timeout_s)
        attempt = 0
        while True:
            flushes = self._flushes
            outcome = self._attempt(items, self._limit_s(give_up))
            if not outcome.retry:
                self._settle(outcome.dropped)
                return
            if not self._wait_to_retry(outcome, attempt, give_up, flushes):
                self._settle({outcome.reason: self._in_flight})
                return
            attempt += 1

    def _limit_s(self, give_up: Deadline) -> float:
        limit = give_up.remaining_s()
        stopping = self._stopping
        return max(0.01, min(limit, stopping.remaining_s()) if stopping is not None else limit)

    def _attempt(self, items: Sequence[T], timeout_s: float) -> Outcome:
        try:
            return self._transport.send(items, timeout_s)
        except BaseException as error:  # an exporter that raises SystemExit must not end the thread
            diagnostics.trouble("delivery.exporter_failed", "the exporter of %s failed: %r", self.name, error)
            return Outcome({EXPORTER_FAILED: self._in_flight})

    def _settle(self, dropped: Mapping[str, int]) -> None:
        with self._changed:
            self._settled += self._in_flight
            if self._in_flight:  # else `stop` gave the batch up meanwhile and has counted it
                self._dropped.update(dropped)
                self._delivered += self._in_flight - sum(dropped.values())
            self._in_flight = 0
            self._changed.notify_all()

    def _wait_to_retry(self, outcome: Outcome, attempt: int, give_up: Deadline, flushes: int) -> bool:
        """Sleeps before the next attempt; False if the batch is to be given up."""
        backoff_s = min(_BACKOFF_S * 2**attempt, _BACKOFF_LIMIT_S) * random.uniform(0.8, 1.2)
        wait_s = backoff_s if outcome.retry_after_s is None else outcome.retry_after_s
        retry_at = Deadline(wait_s)
        with self._changed:
            if outcome.reason == UNREACHABLE:
                # nobody is there: a flush gets its answer now, and leaving does not wait for a miracle
                self._flush_that_failed = flushes
                self._changed.notify_all()
            while not retry_at.over and self._flushes == flushes:
                if self._stopping is not None:
                    hopeless = outcome.reason == UNREACHABLE or self._stopping.remaining_s() <= retry_at.remaining_s()
                    if hopeless:
                        return False
                if give_up.remaining_s() <= retry_at.remaining_s():
                    return False
                self._changed.wait(retry_at.remaining_s())
            return not give_up.over
