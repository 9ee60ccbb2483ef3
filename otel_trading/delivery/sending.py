"""One batch to its receiver: repeated while that may help, and in parts if something in it is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol

from otel_trading.delivery.dividing import Dividing
from otel_trading.delivery.outcome import DEADLINE, EXPORTER_FAILED, Outcome, T, Transport
from otel_trading.ground import clock, diagnostics
from otel_trading.ground.breath import step
from otel_trading.ground.clock import Deadline


class Course(Protocol):
    """What the worker decides while a batch is under way."""

    def flushes(self) -> int:
        """How many flushes were asked for so far."""

    def limit_s(self, give_up: Deadline) -> float:
        """Longest time of the next attempt in seconds."""

    def wait_to_retry(self, outcome: Outcome, attempt: int, give_up: Deadline, flushes: int) -> bool:
        """Waits before the next attempt; False if there is to be none."""

    def settle(self, weight: int, dropped: Mapping[str, int]) -> None:
        """Books the answer for a part."""

    def concluded(self, duration_s: float, outcome: Outcome) -> None:
        """A part is over, with all its attempts and the waits between them."""


class Sending(Generic[T]):
    """Sends batches; one thread at a time."""

    def __init__(self, name: str, transport: Transport[T], weigh: Callable[[T], int], course: Course) -> None:
        """Remembers its parts.

        Args:
            name: in messages.
            transport: tries once.
            weigh: how much an item counts in the books.
            course: decides about time and keeps the books.
        """
        self._name = name
        self._transport = transport
        self._weigh = weigh
        self._course = course
        self._dividing = Dividing(name)

    def deliver(self, items: Sequence[T], weight: int, give_up: Deadline) -> None:
        """Sends a batch and settles every part of it, delivered or lost."""
        self._dividing.begin()
        parts = [(items, weight)]
        while parts:
            items, weight = parts.pop()
            began_ns = clock.monotonic_ns()
            outcome = self._persist(items, weight, give_up)
            self._course.concluded((clock.monotonic_ns() - began_ns) / 1e9, outcome)
            if outcome.divide:
                halves = self._dividing.halves(items)
                parts += [(half, sum(map(self._weigh, half))) for half in reversed(halves)]
                if halves:
                    continue
            elif sum(outcome.dropped.values()) < weight:
                self._dividing.taken()
            self._course.settle(weight, outcome.dropped)
            if give_up.over:
                break
        for _, left in parts:
            self._course.settle(left, {DEADLINE: left})

    def _persist(self, items: Sequence[T], weight: int, give_up: Deadline) -> Outcome:
        """Sends items until there is an answer or no time."""
        attempt = 0
        while True:
            flushes = self._course.flushes()
            outcome = self._attempt(items, weight, self._course.limit_s(give_up))
            step()  # with a full queue the next batch follows at once
            if not outcome.retry:
                return outcome
            if not self._course.wait_to_retry(outcome, attempt, give_up, flushes):
                return Outcome({outcome.reason: weight})
            attempt += 1

    def _attempt(self, items: Sequence[T], weight: int, timeout_s: float) -> Outcome:
        try:
            return self._transport.send(items, timeout_s)
        except BaseException as error:  # an exporter that raises SystemExit must not end the thread
            diagnostics.trouble("delivery.exporter_failed", "the exporter of %s failed: %r", self._name, error)
            return Outcome({EXPORTER_FAILED: weight})
