"""A flush reaches the exporter too, after what it was given, within the limit, and tells the truth."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from otel_trading.delivery.outcome import Outcome
from otel_trading.delivery.redacting import Redacting
from otel_trading.delivery.worker import Worker
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline


class Keeper:
    """Remembers the order of what happens to it."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.told: list[Any] = []
        self.gate = threading.Event()
        self.gate.set()

    keeps = True

    def send(self, items: Sequence[Any], timeout_s: float) -> Outcome:
        self.told.append(list(items))
        return Outcome()

    def flush(self, timeout_s: float) -> bool:
        self.told.append(timeout_s)
        self.gate.wait(30)
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, BaseException):
            raise answer
        return bool(answer)

    def close(self) -> None:
        self.gate.set()


@contextmanager
def working(transport: Any) -> Any:
    worker: Worker[Any] = Worker("test", transport, delay_s=60, queue_items=100, batch_items=2, export_timeout_s=5)
    try:
        yield worker
    finally:
        worker.stop(Deadline(1))


def test_exporter_is_flushed_after_what_was_offered_before() -> None:
    """Batches first; through what is around it; with what is left of the limit."""
    keeper = Keeper()
    with working(Redacting(keeper, lambda item: item)) as worker:
        for item in "abc":
            worker.offer(item)
        assert worker.flush(Deadline(10)) is True
        *batches, left_s = keeper.told
    assert batches == [["a", "b"], ["c"]]
    assert 5 < left_s <= 10


@pytest.mark.parametrize("answer", [False, ValueError("no"), SystemExit()])
def test_exporter_that_cannot_flush_makes_it_false_once(answer: Any) -> None:
    """The next one may succeed, and the thread lives on."""
    diagnostics.forget()
    with working(Keeper(answer)) as worker:
        worker.offer("a")
        assert [worker.flush(Deadline(10)), worker.flush(Deadline(10))] == [False, True]
        assert worker.books().delivered == 1
    assert diagnostics.troubles().get("delivery.exporter_failed", 0) == (answer is not False)


def test_exporter_that_hangs_costs_the_limit_only() -> None:
    """100 ms more at most are promised; a second is for busy machines."""
    keeper = Keeper()
    keeper.gate.clear()
    with working(keeper) as worker:
        worker.offer("a")
        began = time.monotonic()
        assert worker.flush(Deadline(0.2)) is False
        assert 0.2 <= time.monotonic() - began < 1.2
        keeper.gate.set()
        worker.offer("b")
        assert worker.flush(Deadline(10)) is True


def test_flush_with_nothing_to_send_reaches_the_exporter() -> None:
    """It may keep what was sent long ago."""
    keeper = Keeper()
    with working(keeper) as worker:
        assert worker.flush(Deadline(10)) is True
        assert len(keeper.told) == 1
