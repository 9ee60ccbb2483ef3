"""The writer of stdout lines: a bounded queue and one thread, so that a full pipe never blocks the caller.

When the queue is full, new lines are dropped and counted; nothing is said about it, because standard error is often
the same full pipe. The counts are in the books: offered = delivered + dropped + queued, at any moment.

A signal handler or a finaliser may log while its own thread is inside this module. So the lock is re-entrant, nothing
waits for a lock that its own thread may hold, and every change of the state is one step: a handler runs between two
steps, after a call, never within `+= size`. What is added is therefore worked out before, not in the same statement.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections import deque
from typing import Any

from otel_trading.ground.clock import Deadline
from otel_trading.ground.diagnostics import trouble
from otel_trading.logs.destination import Destination, Gone

_LINGER_S = 0.005  # a burst becomes a few writes, and the thread wakes 200 times a second at most
_WAIT_S = 0.05  # between looks at the clock while the pipe is full
_URGENT_WRITES = 16  # of a caller that logs an error; the thread does the rest


class _Gate:
    """Wakes one waiting thread. Opening is one step that nothing can enter again; the lock inside an Event is not."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def open(self) -> None:
        """Lets `wait` pass once, now or when it comes."""
        if self._lock.locked():  # cheaper than to fail
            with contextlib.suppress(RuntimeError):  # a handler or another thread opened it meanwhile
                self._lock.release()

    def wait(self, timeout_s: float = -1.0) -> None:
        """Waits until the gate is open and closes it, or until the time is over; negative means for ever."""
        self._lock.acquire(timeout=timeout_s)


class StdoutWriter:
    """Writes lines to `sys.stdout` as it is when each is offered.

    In-memory streams (`io.StringIO`, pytest's capsys) are written by the caller at once. All else goes through the
    queue. Urgent lines, and what is queued before them, are written by the caller if the destination is a pipe or a
    file that takes them without blocking. Threads may share a writer, and signal handlers and finalisers may use it;
    one that logs inside `offer` may exceed the bounds by its own line. After a fork the child must drop it unused.
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
        self._entered = 0  # lines that ever got into the queue
        self._delivered = 0
        self._dropped: dict[str, int] = {}
        self._dropped_at_flush = 0
        self._destination = Destination(None)
        self._lock = threading.RLock()  # guards all of the above, never held while writing
        self._changed = threading.Condition(self._lock)
        self._writing = threading.Lock()  # held by whoever writes; a caller never waits for it
        self._wake = _Gate()
        self._hurry = _Gate()
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
        size = len(line)
        item = destination, line
        with self._lock:
            self._offered += 1
            reason = self._reason_to_drop(size)
            if reason is not None:
                return self._drop(reason)
            self._bytes += size
            self._queue.append(item)
            self._entered += 1
            # the caller helps a thread that does not keep up: it may be starved of the GIL, not of the pipe
            urgent = urgent or len(self._queue) > self._queue_items // 2
        if not (urgent and self._write_now()):
            self._wake_thread(urgent)
        return None

    def flush(self, deadline: Deadline) -> bool:
        """Returns True if every line offered since the last flush is written when the deadline comes, or before."""
        self._wake_thread(hurry=True)
        target = self._entered
        while not self._left(target) and not deadline.over:
            if not self._thread.is_alive():
                self._write_now(bounded=False)
            with self._lock:  # a short wait: a handler that writes between the question and the wait wakes nobody
                self._changed.wait_for(lambda: self._left(target), min(_WAIT_S, deadline.remaining_s()))
        with self._lock:
            dropped = sum(self._dropped.values())
            complete = self._left(target) and dropped == self._dropped_at_flush
            self._dropped_at_flush = dropped
        return complete

    def stop(self, deadline: Deadline) -> bool:
        """Flushes, ends the thread and counts what is left as dropped; returns what `flush` returned."""
        complete = self.flush(deadline)
        self._stopping = True
        self._abandoned = not complete
        self._wake_thread(hurry=True)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(deadline.remaining_s() + _WAIT_S)
        self._drop_first(sys.maxsize, "shutdown")
        return complete

    def books(self) -> dict[str, Any]:
        """Returns offered, delivered, dropped (by reason) and queued, of one moment."""
        with self._lock:
            delivered, dropped = self._delivered, dict(self._dropped)
            settled = delivered + sum(dropped.values())
            offered = self._offered  # last, and `queued` from it: exact when a handler asks within `offer`, too
            return {"offered": offered, "delivered": delivered, "dropped": dropped, "queued": offered - settled}

    def _left(self, target: int) -> bool:
        """True if so many lines have left the queue."""
        with self._lock:
            waiting = len(self._queue)
            return self._entered - waiting >= target

    def _current(self) -> Destination | None:
        stream = sys.stdout
        if stream is None:
            return None
        destination = self._destination
        if destination.stream is not stream:
            destination = self._destination = Destination(stream)
        return destination

    def _reason_to_drop(self, size: int) -> str | None:
        if self._stopping:
            return "shutdown"
        if size > self._queue_bytes:
            return "too_large"
        if len(self._queue) >= self._queue_items:
            return "queue_full"
        return "queue_bytes" if self._bytes + size > self._queue_bytes else None

    def _refuse(self, reason: str) -> None:
        with self._lock:
            self._offered += 1
            self._drop(reason)

    def _drop(self, reason: str) -> None:
        self._dropped.setdefault(reason, 0)  # a step of its own: the next one must read and write in one
        self._dropped[reason] += 1

    def _write_in_memory(self, destination: Destination, line: bytes) -> None:
        reason = None
        try:
            destination.write(line)
        except Gone as gone:
            reason = gone.reason
        with self._lock:
            self._offered += 1
            if reason is None:
                self._delivered += 1
            else:
                self._drop(reason)

    def _wake_thread(self, hurry: bool) -> None:
        if hurry:
            self._hurry.open()
        self._wake.open()

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
            self._hurry.wait(0.0 if self._stopping else _LINGER_S)
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
        with self._lock:
            if not self._queue:
                return None, b"", 0
            destination, first = self._queue[0]
            if destination.by_line:
                return destination, first, 1
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
        with self._lock:
            written += self._offset
            while self._queue and written >= len(self._queue[0][1]):
                written -= self._take_first()
                self._delivered += 1
            self._offset = written
            self._changed.notify_all()

    def _drop_first(self, lines: int, reason: str) -> None:
        with self._lock:
            for _ in range(min(lines, len(self._queue))):
                self._take_first()
                self._drop(reason)
            self._offset = 0
            self._changed.notify_all()

    def _take_first(self) -> int:
        """Takes the first line out of the queue and returns its bytes."""
        size = len(self._queue.popleft()[1])
        self._bytes -= size
        return size

    def _first(self) -> Destination | None:
        with self._lock:
            return self._queue[0][0] if self._queue else None
