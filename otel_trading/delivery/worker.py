"""One queue, one daemon thread, one way out: the caller never waits, and leaving never waits past its deadline.

The thread is a daemon on purpose: an endpoint that hangs must not keep a process alive. The lock is re-entrant
because a signal handler or a finaliser may offer an item while its own thread is inside `offer`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Generic

from opentelemetry.instrumentation.utils import suppress_instrumentation

from otel_trading.delivery.backoff import backoff_s
from otel_trading.delivery.batching import AT_ONCE, MEBIBYTE, Batching
from otel_trading.delivery.books import Books, Load
from otel_trading.delivery.exporter_flush import ExporterFlush
from otel_trading.delivery.lasting import LastingThread
from otel_trading.delivery.ledger import Ledger
from otel_trading.delivery.outcome import AFTER_SHUTDOWN, DEADLINE, EXPORTER_FAILED, UNREACHABLE, Outcome, T, Transport
from otel_trading.delivery.sending import Sending
from otel_trading.delivery.waiting import Measure, Waiting
from otel_trading.ground import diagnostics
from otel_trading.ground.breath import hurry, rested, step
from otel_trading.ground.clock import Deadline

Concluded = Callable[[float, str | None], None]
"""Is told how long an export took in seconds, with all its attempts, and why it failed; None for success."""


def one(_: object) -> Measure:
    """What an item measures if nobody knows better."""
    return Measure()


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
        queue_bytes: int = 32 * MEBIBYTE,
        measure: Callable[[T], Measure] = one,
        on_room: Callable[[], None] = lambda: None,
    ) -> None:
        """Starts the thread.

        Args:
            name: of the thread and in messages, such as `traces`.
            transport: where batches go.
            delay_s: longest wait of an item before its batch is sent.
            queue_items: most items that wait; what goes over it is dropped and counted, the least urgent first.
            batch_items: most items of one request.
            export_timeout_s: longest time for one batch with all its retries.
            queue_bytes: most memory of the items that wait, estimated.
            measure: how much an item counts in the books, its size and its urgency.
            on_room: called, on the thread, when a batch left the queue.
        """
        self.name = name
        self._transport = transport
        self._queue_items = queue_items
        self._export_timeout_s = export_timeout_s
        self._measure = measure
        self._on_room = on_room
        self.on_concluded: Concluded = lambda duration_s, error_type: None
        """Told of every part of a batch that is over, on the thread."""
        self._changed = threading.Condition(threading.RLock())
        self._queue: Waiting[T] = Waiting(queue_items, queue_bytes)
        self._batching = Batching(self._queue, delay_s, batch_items)
        self._ledger = Ledger()
        self._sending = Sending(name, transport, lambda item: self._measured(item).weight, self)
        self._flush_up_to = 0  # of what entered
        self._flushes = 0
        self._flush_that_failed = 0
        self._lost_at_last_flush = 0
        self._exporter_flush = ExporterFlush(name, transport)
        self._stopping: Deadline | None = None
        self._thread = LastingThread(name, self._run)

    def offer(self, item: T) -> None:
        """Takes an item over. Never blocks for I/O, never raises; drops and counts when full or stopped."""
        self._take_over(item, beyond=False, overdue=False)

    def hand_over(self, item: T, *, beyond: bool = False) -> None:
        """Takes an item over that has waited elsewhere, where it was bounded: it is sent without delay.

        Args:
            item: any.
            beyond: even if the queue is full, because nothing follows.
        """
        self._take_over(item, beyond=beyond, overdue=True)

    @property
    def hungry(self) -> bool:
        """Less than a batch waits, and more would be sent."""
        with self._changed:
            return self._batching.hungry and self._stopping is None

    def _take_over(self, item: T, *, beyond: bool, overdue: bool) -> None:
        measure = self._measured(item)
        with self._changed:
            self._ledger.offer(measure.weight)
            if self._stopping is not None:
                self._ledger.turn_away(AFTER_SHUTDOWN, measure.weight)
                return
            before = self._queue.items
            entered, lost = self._queue.put(item, measure, beyond=beyond)
            if not entered:
                for reason, weight in lost.items():
                    self._ledger.turn_away(reason, weight)
                return
            for reason, weight in lost.items():
                self._ledger.give_up(reason, weight)
            self._ledger.entered += measure.weight
            if self._batching.entered(before, overdue):
                self._thread.ensure()
                self._changed.notify_all()

    def _measured(self, item: T) -> Measure:
        try:
            return self._measure(item)
        except Exception as error:
            diagnostics.trouble("delivery.not_measured", "an item of %s has no size: %r", self.name, error)
            return Measure()

    def books(self) -> Books:
        """A consistent reading."""
        with self._changed:
            return self._ledger.books(self._queue.weight)

    def load(self, kind: str, number: int) -> Load:
        """Books and load at one moment."""
        with self._changed:
            in_flight = self._ledger.in_flight
            return Load(kind, number, self.books(), self._queue.weight, in_flight, self._queue_items)

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
            self._thread.ensure()
            self._flushes += 1
            self._flush_up_to = self._ledger.entered
            self._changed.notify_all()
            return self._flushes, self._ledger.entered

    def flushed(self, ticket: tuple[int, int], deadline: Deadline) -> bool:
        """Waits for a flush that was begun; see `flush` for what is returned."""
        number, target = ticket
        with self._changed:
            self._exporter_flush.ask(number, deadline)
            self._changed.notify_all()
            while self._ledger.settled < target or not self._exporter_flush.done(number):
                left_s = deadline.remaining_s()
                if left_s <= 0 or self._flush_that_failed >= number or self._stopped:
                    return False
                self._changed.wait(left_s)
            lost = self._ledger.lost
            clean = lost == self._lost_at_last_flush
            self._lost_at_last_flush = lost
            return clean and self._exporter_flush.clean

    @property
    def _stopped(self) -> bool:
        return self._stopping is not None and not self._thread.is_alive()

    def ask_to_stop(self, deadline: Deadline) -> None:
        """Begins to stop: nothing more is taken, what waits is sent until the deadline. Does not wait."""
        with self._changed:
            if self._stopping is None:
                self._stopping = deadline
            self._thread.ensure()
            self._changed.notify_all()

    def stop(self, deadline: Deadline) -> bool:
        """Delivers what it can until the deadline, then gives up and counts the rest as lost.

        Returns:
            True if everything offered since the previous flush was delivered.
        """
        self.ask_to_stop(deadline)
        self._thread.join(deadline)
        late = self._thread.is_alive()
        with self._changed:
            self._ledger.give_up(DEADLINE, self._queue.weight + self._ledger.in_flight)
            self._ledger.in_flight = 0
            self._queue.clear()
            self._changed.notify_all()
            clean = self._ledger.lost == self._lost_at_last_flush
        self._close()
        if late:
            # closing cuts most transports short; the grace keeps a thousand rounds from leaving threads behind
            self._thread.join(Deadline(0.05))
        return clean

    def after_fork_in_child(self) -> None:
        """Forgets everything in a forked child: what waits is the parent's, and its locks may be held for ever."""
        self._changed = threading.Condition(threading.RLock())
        self._queue.clear()
        self._ledger = Ledger()
        self._exporter_flush.forget()
        self._stopping = Deadline(0)
        self._thread.after_fork_in_child()

    def _close(self) -> None:
        try:
            self._transport.close()
        except Exception as error:
            diagnostics.trouble("delivery.close_failed", "the exporter of %s could not be closed: %r", self.name, error)

    def _run(self) -> None:
        with suppress_instrumentation():
            while True:
                # a fault of ours costs the batch; if it ended the thread, its successor books it here
                if self._ledger.in_flight:
                    self.settle(self._ledger.in_flight, {EXPORTER_FAILED: self._ledger.in_flight})
                try:
                    batch = self._next_batch()
                    if batch is None:
                        return
                    if not batch:
                        self._flush_exporter()
                        continue
                    step()
                    self._on_room()
                    weight = sum(weight for _, weight in batch)
                    self._sending.deliver([item for item, _ in batch], weight, Deadline(self._export_timeout_s))
                    while batch:  # to free 512 records at once takes a while
                        del batch[-AT_ONCE:]
                        step()
                except BaseException as error:
                    diagnostics.trouble("delivery.worker_failed", "the worker of %s failed: %r", self.name, error)

    def _next_batch(self) -> list[tuple[T, int]] | None:
        """Waits until a batch is due; None once stopped and empty; an empty one if the exporter is to be flushed."""
        with self._changed:
            while True:
                if self._exporter_flush.due and self._ledger.settled >= self._flush_up_to:
                    return []
                if self._due():
                    break
                if self._stopping is not None:
                    return None
                self._changed.wait(self._batching.wait_s())
                rested()
            # to lose items, or to leave late, is worse than to be felt
            hurry(self._stopping is not None or 2 * self._queue.items > self._queue_items)
            self._batching.begin()
        return self._taken()

    def _flush_exporter(self) -> None:
        if not self._exporter_flush.due:  # `stop` has emptied the queue
            return
        self._exporter_flush.run()
        with self._changed:
            self._changed.notify_all()

    def _taken(self) -> list[tuple[T, int]]:
        """A batch out of the queue."""
        batch: list[tuple[T, int]] = []
        while True:
            with self._changed:
                part = self._batching.more(first=not batch)
                self._ledger.in_flight += sum(weight for _, weight in part)
            if not part:
                return batch
            batch += part
            step()

    def _due(self) -> bool:
        if not self._queue:
            return False
        asked_for = self._stopping is not None or self._ledger.settled < self._flush_up_to
        return asked_for or self._batching.wait_s() == 0.0

    def flushes(self) -> int:
        """See `Course`."""
        return self._flushes

    def limit_s(self, give_up: Deadline) -> float:
        """See `Course`."""
        limit = give_up.remaining_s()
        stopping = self._stopping
        return max(0.01, min(limit, stopping.remaining_s()) if stopping is not None else limit)

    def settle(self, weight: int, dropped: Mapping[str, int]) -> None:
        """See `Course`."""
        with self._changed:
            self._ledger.settle(weight, dropped)
            self._changed.notify_all()
        step()

    def concluded(self, duration_s: float, outcome: Outcome) -> None:
        """See `Course`."""
        self.on_concluded(duration_s, next(iter(outcome.dropped), None))

    def wait_to_retry(self, outcome: Outcome, attempt: int, give_up: Deadline, flushes: int) -> bool:
        """See `Course`: False if the batch is to be given up."""
        retry_at = Deadline(backoff_s(outcome, attempt))
        with self._changed:
            if outcome.retry_after_s is not None:
                # for the batches behind this one too, unless somebody flushes again
                self._batching.quiet, self._flush_up_to = retry_at, self._ledger.settled
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
                rested()
            return not give_up.over
