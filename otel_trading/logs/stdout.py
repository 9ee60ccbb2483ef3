"""The writer of stdout lines: a bounded queue and one thread, so that a full pipe never blocks the caller.

When the queue is full, new lines are dropped and counted; nothing is said about it, because standard error is often
the same full pipe. The counts are in the books: offered = delivered + dropped + queued, at any moment.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter, deque
from typing import Any

from otel_trading.ground.clock import Deadline
from otel_trading.ground.diagnostics import trouble
from otel_trading.logs.destination import Destination, Gone

_LINGER_S = 0.005  # a burst becomes a few writes, and the thread wakes 200 times a second at most
_WAIT_S = 0.05  # between looks at the clock while the pipe is full
_URGENT_WRITES = 16  # of a caller that logs an error; the thread does the rest


class StdoutWriter:
    """Writes lines to `sys.stdout` as it is when each is offered.

    In-memory streams (`io.StringIO`, pytest's capsys) are written by the caller at once. All else goes through the
    queue. Urgent lines, and what is queued before them, are written by the caller if the destination is a pipe or a
    file that takes them without blocking. Threads may share a writer. After a fork the child must drop it unused.
    """

    def __init__(self, queue_items: int, queue_bytes: int) -> None:
        """Sets the bounds.

        Args:
            queue_items: lines kept at most while nobody reads.
            queue_bytes: bytes kept at most.
        """
        self._queue: deque[tuple[Destination, bytes]] = deque()
        self._queue_items = queue_items
        self._queue_bytes = queue_bytes
        self._bytes = 0
        self._offset = 0  # bytes of the first line that are written already
        self._offered = 0
        self._delivered = 0
        self._dropped: Counter[str] = Counter()
        self._dropped_at_flush = 0
        self._destination = Destination(None)
        self._changed = threading.Condition(threading.Lock())  # guards all of the above, never held while writing
        self._writing = threading.Lock()  # held by whoever writes
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stopping = False
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="otel_trading stdout", daemon=True)

    def start(self) -> None:
        """Starts the thread; without one (the process may be out of threads) flush and urgent lines still write."""
        try:
            self._thread.start()
        except RuntimeError as error:
            trouble("logs.stdout.thread", "the stdout writer runs without its thread: %s", error)

    def offer(self, line: bytes, urgent: bool = False) -> None:
        """Takes one line with its end. Never blocks, never raises for a destination that fails."""
        destination = self._current()
        if destination is None:
            return self._refuse("no_stdout")
        if destination.in_memory:
            return self._write_in_memory(destination, line)
        with self._changed:
            self._offered += 1
            reason = self._reason_to_drop(line)
            if reason is not None:
                self._dropped[reason] += 1
                return None
            self._queue.append((destination, line))
            self._bytes += len(line)
            # the caller helps a thread that does not keep up: it may be starved of the GIL, not of the pipe
            urgent = urgent or len(self._queue) > self._queue_items // 2
        if not (urgent and self._write_now()):
            self._wake_thread(urgent)
        return None

    def flush(self, deadline: Deadline) -> bool:
        """Returns True if every line offered since the last flush is written when the deadline comes, or before."""
        self._wake_thread(hurry=True)
        with self._changed:
            target = self._offered
        while not self._done_up_to(target) and not deadline.over:
            if not self._thread.is_alive():
                self._write_now(bounded=False)
            with self._changed:
                self._changed.wait_for(lambda: self._processed >= target, min(_WAIT_S, deadline.remaining_s()))
        with self._changed:
            dropped = sum(self._dropped.values())
            complete = self._processed >= target and dropped == self._dropped_at_flush
            self._dropped_at_flush = dropped
        return complete

    def stop(self, deadline: Deadline) -> bool:
        """Flushes, ends the thread and counts what is left as dropped; returns what `flush` returned."""
        complete = self.flush(deadline)
        self._stopping = True
        self._abandoned = not complete
        self._wake_thread(hurry=True)
        if self._thread.is_alive():
            self._thread.join(deadline.remaining_s() + _WAIT_S)
        with self._changed:
            if self._queue:
                self._dropped["shutdown"] += len(self._queue)
                self._queue.clear()
                self._bytes = 0
        return complete

    def books(self) -> dict[str, Any]:
        """Returns offered, delivered, dropped (by reason) and queued, of one moment."""
        with self._changed:
            return {
                "offered": self._offered,
                "delivered": self._delivered,
                "dropped": dict(self._dropped),
                "queued": len(self._queue),
            }

    @property
    def _processed(self) -> int:
        return self._offered - len(self._queue)

    def _done_up_to(self, target: int) -> bool:
        with self._changed:
            return self._processed >= target

    def _current(self) -> Destination | None:
        stream = sys.stdout
        if stream is None:
            return None
        destination = self._destination
        if destination.stream is not stream:
            destination = self._destination = Destination(stream)
        return destination

    def _reason_to_drop(self, line: bytes) -> str | None:
        if self._stopping:
            return "shutdown"
        if len(line) > self._queue_bytes:
            return "too_large"
        if len(self._queue) >= self._queue_items:
            return "queue_full"
        return "queue_bytes" if self._bytes + len(line) > self._queue_bytes else None

    def _refuse(self, reason: str) -> None:
        with self._changed:
            self._offered += 1
            self._dropped[reason] += 1

    def _write_in_memory(self, destination: Destination, line: bytes) -> None:
        reason = None
        try:
            destination.write(line)
        except Gone as gone:
            reason = gone.reason
        with self._changed:
            self._offered += 1
            if reason is None:
                self._delivered += 1
            else:
                self._dropped[reason] += 1

    def _wake_thread(self, hurry: bool) -> None:
        if hurry:
            self._hurry.set()
        if not self._wake.is_set():  # cheaper than to set it again
            self._wake.set()

    def _write_now(self, bounded: bool = True) -> bool:
        """Writes the queue in the caller; True if nothing is left."""
        if not self._writing.acquire(blocking=False):
            return False
        try:
            return self._write_queue(direct_only=bounded, writes=_URGENT_WRITES if bounded else sys.maxsize)
        finally:
            self._writing.release()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            self._hurry.wait(0.0 if self._stopping else _LINGER_S)
            self._hurry.clear()
            try:
                self._write_until_empty()
            except Exception as error:  # the thread must live: without it the queue only fills
                trouble("logs.stdout.writer", "the stdout writer failed and goes on: %r", error)
            if self._stopping:
                return

    def _write_until_empty(self) -> None:
        while not self._abandoned:
            with self._writing:
                empty = self._write_queue(direct_only=False, writes=sys.maxsize)
                first = None if empty else self._first()
            if first is None:
                return
            first.wait(_WAIT_S)

    def _write_queue(self, direct_only: bool, writes: int) -> bool:
        """Writes batches until the queue is empty (True), the destination would block, or `writes` is used up."""
        for _ in range(writes):
            destination, chunk, lines = self._batch()
            if destination is None:
                return True
            if direct_only and not destination.direct:
                return False
            try:
                written = destination.write(chunk)
            except Gone as gone:
                self._drop_first(lines, gone.reason)
                continue
            if not written:
                return False
            self._account(written)
        return False

    def _batch(self) -> tuple[Destination | None, bytes, int]:
        """Returns where the first lines go, their bytes up to one chunk, and how many lines those begin."""
        with self._changed:
            if not self._queue:
                return None, b"", 0
            destination, first = self._queue[0]
            parts = [first[self._offset : self._offset + destination.chunk]]
            room = destination.chunk - (len(first) - self._offset)
            for index in range(1, len(self._queue)):
                target, line = self._queue[index] if index < 64 else (None, b"")
                room -= len(line)
                if target is not destination or room < 0:
                    break
                parts.append(line)
            return destination, b"".join(parts), len(parts)

    def _account(self, written: int) -> None:
        with self._changed:
            written += self._offset
            while self._queue and written >= len(self._queue[0][1]):
                line = self._queue.popleft()[1]
                written -= len(line)
                self._bytes -= len(line)
                self._delivered += 1
            self._offset = written
            self._changed.notify_all()

    def _drop_first(self, lines: int, reason: str) -> None:
        with self._changed:
            for _ in range(min(lines, len(self._queue))):
                self._bytes -= len(self._queue.popleft()[1])
                self._dropped[reason] += 1
            self._offset = 0
            self._changed.notify_all()

    def _first(self) -> Destination | None:
        with self._changed:
            return self._queue[0][0] if self._queue else None
