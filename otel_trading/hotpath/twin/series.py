"""What a cell holds, by kind: the numbers of one series from one `configure` to the next."""

from __future__ import annotations

from collections import deque
from typing import Any

from otel_trading.hotpath.twin.clock import Clocks
from otel_trading.hotpath.twin.turn import Turn

MOST_WAITING = 1000
"""Values left to whoever has the turn; beyond it a record waits for its own."""


BARREN = ("closed", "dropped", "forwarded")
"""Kinds that count nothing."""


class Series:
    """A sum, and the base of the others; one of a barren kind takes nothing.

    Attributes:
        waiting: numbers that were recorded and not yet counted.
        signed: negative numbers are taken.
        plain: nothing but counting is to be done for a number that is not negative: there is neither a further stream
            nor a wish for exemplars.
        counter: the lock that is held by whoever counts; None while nobody does.
    """

    __slots__ = (
        "any_real",
        "armed",
        "counted",
        "counter",
        "kind",
        "next",
        "owner",
        "per_ns",
        "plain",
        "real",
        "signed",
        "started_ns",
        "told",
        "tries",
        "waiting",
        "whole",
    )

    def __init__(self, kind: str, signed: bool, per_ns: float, owner: Any, next: Any) -> None:
        self.kind = kind
        self.signed = signed
        self.per_ns = per_ns
        self.owner = owner
        self.next = next
        self.armed: list[int] | None = None
        self.tries = 0
        self.plain = kind not in BARREN and next is None
        self.started_ns = 0
        self.told: set[str] = set()
        self.waiting: deque[int | float] = deque()
        self.counter: object = None
        self.empty()

    def empty(self) -> None:
        """Forgets what was counted; only in turn."""
        self.counted = 0
        self.whole = 0
        self.real = 0.0
        self.any_real = False

    def buckets(self) -> int:
        """How many buckets exemplars are counted by."""
        return 1

    def bucket_of(self, value: int | float) -> int:
        """The bucket of a value that was counted."""
        return 0

    def count(self, value: int | float) -> None:
        """Counts one value; only in turn."""
        self.counted += 1
        if type(value) is int:
            self.whole += value
        else:
            self.real += value
            self.any_real = True

    def count_waiting(self, wait: bool) -> None:
        """Counts what waits, unless somebody else is at it; `wait`: until they are done."""
        lock = Turn.lock
        if not lock.acquire(wait):
            return
        try:
            # ourselves, further up the stack: a finaliser or a signal handler recorded in the middle of counting.
            # Compared with the lock, since a child may have inherited the mark of a thread that it has not.
            if self.counter is lock:
                return
            self.counter = lock
            try:
                waiting, count = self.waiting, self.count
                while waiting:
                    count(waiting.popleft())
            finally:
                self.counter = None
        finally:
            lock.release()

    def arm(self) -> None:
        """Every bucket wants an exemplar again, if any did."""
        self.tries = 0
        if self.armed is not None:
            self.armed = [1] * len(self.armed)

    def start(self) -> None:
        """The first record was made."""
        self.started_ns = Clocks.wall()

    def take(self) -> tuple[int, int | float, int | float | None, int | float | None, Any]:
        """What `snapshot` gives, and forgets it; only in turn.

        In the middle of counting, further up the stack, it finds nothing and leaves all to the next one.
        """
        lock = Turn.lock
        if self.counter is lock:
            return self.like().snapshot()
        self.counter = lock  # what a finaliser records meanwhile waits
        try:
            found = self.snapshot()
            self.empty()
            self.arm()
            self.started_ns = 0
            if self.waiting:
                self.start()
            return found
        finally:
            self.counter = None

    def like(self) -> Series:
        """Another of the same kind that has counted nothing."""
        return Series(self.kind, self.signed, self.per_ns, self.owner, self.next)

    def sum(self) -> int | float:
        """An int as long as only ints came."""
        return self.real + float(self.whole) if self.any_real else self.whole

    def snapshot(self) -> tuple[int, int | float, int | float | None, int | float | None, Any]:
        """Count, sum, min, max, detail."""
        return self.counted, self.sum(), None, None, None
