"""The worker: never blocks the caller, exact books, truth about flushes, retry with limits."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.servers import wait_until

from otel_trading.delivery.outcome import REASONS, Outcome
from otel_trading.delivery.waiting import Measure
from otel_trading.delivery.worker import Worker
from otel_trading.ground.clock import Deadline


class Scripted:
    """A transport that does what each test says and remembers what it was given."""

    def __init__(self, *outcomes: Outcome | BaseException) -> None:
        self.outcomes = list(outcomes)
        self.batches: list[list[object]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.closed = False

    def send(self, items: Sequence[object], timeout_s: float) -> Outcome:
        self.entered.set()
        self.gate.wait(30)
        self.batches.append(list(items))
        outcome = self.outcomes.pop(0) if self.outcomes else Outcome()
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def close(self) -> None:
        self.closed = True
        self.gate.set()


@contextmanager
def working(transport: Scripted, **options: object) -> Iterator[Worker[object]]:
    defaults = {"delay_s": 0.01, "queue_items": 100, "batch_items": 10, "export_timeout_s": 5.0}
    worker: Worker[object] = Worker("test", transport, **{**defaults, **options})  # type: ignore[arg-type]
    try:
        yield worker
    finally:
        transport.gate.set()
        worker.stop(Deadline(1))


def test_items_arrive_in_order_and_in_batches() -> None:
    """No batch is larger than told."""
    transport = Scripted()
    with working(transport, batch_items=4) as worker:
        for number in range(10):
            worker.offer(number)
        assert worker.flush(Deadline(5)) is True
    assert [item for batch in transport.batches for item in batch] == list(range(10))
    assert max(map(len, transport.batches)) <= 4


def test_a_lone_item_is_sent_after_the_delay_without_a_flush() -> None:
    """The delay is the longest wait."""
    transport = Scripted()
    with working(transport, delay_s=0.02) as worker:
        worker.offer("x")
        wait_until(lambda: transport.batches == [["x"]])


def test_a_full_queue_drops_and_counts_and_never_blocks() -> None:
    """The caller goes on while the exporter hangs."""
    transport = Scripted()
    transport.gate.clear()
    with working(transport, queue_items=5, batch_items=1) as worker:
        worker.offer("in flight")
        transport.entered.wait(5)
        for number in range(8):
            worker.offer(number)
        books = worker.books()
        assert (books.offered, books.delivered, books.dropped, books.queued) == (9, 0, {"queue_full": 3}, 6)
        transport.gate.set()
        assert worker.flush(Deadline(5)) is False
        assert worker.books().delivered == 6
        assert worker.flush(Deadline(5)) is True


def test_a_flush_returns_false_in_time_while_the_exporter_hangs() -> None:
    """And says the truth."""
    transport = Scripted()
    transport.gate.clear()
    with working(transport) as worker:
        worker.offer("x")
        transport.entered.wait(5)
        limit = Deadline(0.2)
        assert worker.flush(limit) is False
        assert limit.over


def test_a_flush_does_not_wait_for_a_receiver_that_nobody_started() -> None:
    """Connection refused is an answer."""
    transport = Scripted(*[Outcome(retry=True)] * 50)
    with working(transport, export_timeout_s=60) as worker:
        worker.offer("x")
        limit = Deadline(10)
        assert worker.flush(limit) is False
        assert not limit.over
        assert worker.books().queued == 1


def test_a_flush_repeats_a_batch_that_waits_for_its_retry() -> None:
    """The back-off is cut short."""
    transport = Scripted(Outcome(retry=True, retry_after_s=3600))
    with working(transport, export_timeout_s=7200) as worker:
        worker.offer("x")
        wait_until(lambda: transport.batches == [["x"]])
        assert worker.flush(Deadline(5)) is True
        assert transport.batches == [["x"], ["x"]]


def test_retries_end_with_the_export_timeout_and_are_booked_by_their_reason() -> None:
    """A batch is not carried for ever."""
    transport = Scripted(*[Outcome(retry=True, reason="refused_by_server")] * 50)
    with working(transport, export_timeout_s=0.1) as worker:
        worker.offer("x")
        wait_until(lambda: worker.books().dropped == {"refused_by_server": 1})


def test_an_exporter_that_raises_system_exit_costs_its_batch_only() -> None:
    """The thread lives on."""
    transport = Scripted(SystemExit(1), ValueError("no"))
    with working(transport, batch_items=1) as worker:
        for number in range(3):
            worker.offer(number)
        assert worker.flush(Deadline(5)) is False
        books = worker.books()
        assert (books.delivered, books.dropped) == (1, {"exporter_failed": 2})


def test_stop_ends_in_time_while_the_exporter_hangs_and_counts_what_is_lost() -> None:
    """Nothing is offered afterwards without being counted."""
    transport = Scripted()
    transport.gate.clear()
    with working(transport, batch_items=1) as worker:
        worker.offer("a")
        worker.offer("b")
        transport.entered.wait(5)
        assert worker.stop(Deadline(0.1)) is False
        worker.offer("late")
        books = worker.books()
        assert (books.offered, books.dropped, books.queued) == (3, {"deadline": 2, "after_shutdown": 1}, 0)
        wait_until(lambda: transport.closed)


def test_an_offer_inside_an_offer_of_the_same_thread_does_not_deadlock() -> None:
    """Signal handlers and finalisers log too."""
    transport = Scripted()
    nested: list[Worker[object]] = []

    def measure(item: object) -> Measure:
        return Measure()

    with working(transport, measure=measure) as worker:
        nested.append(worker)
        with worker._changed:
            worker.offer("inner")
        assert worker.flush(Deadline(5)) is True


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [Outcome(), Outcome({"partial_success": 1}), Outcome({"refused_by_server": 1}), ValueError("no")]
        ),
        max_size=20,
    ),
    st.integers(1, 40),
    st.integers(1, 20),
)
def test_books_balance_whatever_happens(outcomes: list[object], offers: int, queue: int) -> None:
    """offered = delivered + dropped + queued, and every reason is on the list."""
    transport = Scripted(*outcomes)  # type: ignore[arg-type]
    with working(transport, queue_items=queue, batch_items=1) as worker:
        for number in range(offers):
            worker.offer(number)
            books = worker.books()
            assert books.offered == books.delivered + books.lost + books.queued
        worker.flush(Deadline(5))
        books = worker.books()
        assert (books.offered, books.queued) == (offers, 0)
        assert books.offered == books.delivered + books.lost
        assert set(books.dropped) <= set(REASONS)


def test_books_balance_under_threads() -> None:
    """Exact, not nearly."""
    transport = Scripted()
    with working(transport, queue_items=50, batch_items=7, delay_s=0.001) as worker:
        threads = [threading.Thread(target=lambda: [worker.offer(n) for n in range(2000)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        worker.flush(Deadline(10))
        books = worker.books()
    assert books.offered == 8000
    assert books.delivered == sum(map(len, transport.batches))
    assert books.offered == books.delivered + books.lost


@pytest.mark.parametrize("weight", [1, 7])
def test_items_count_by_their_weight(weight: int) -> None:
    """Metrics count data points."""
    transport = Scripted()
    with working(transport, measure=lambda _: Measure(weight)) as worker:
        worker.offer("x")
        worker.flush(Deadline(5))
        assert worker.books().delivered == weight


def test_items_that_count_for_many_make_one_batch() -> None:
    """Chunks of spans do: a batch is full when what they count is, not when they are many."""
    transport = Scripted()
    transport.gate.clear()
    with working(transport, batch_items=100, queue_items=1000, measure=lambda _: Measure(45, items=45)) as worker:
        worker.hand_over("first")
        assert transport.entered.wait(5)
        for item in "abc":
            worker.hand_over(item)
        transport.gate.set()
        assert worker.flush(Deadline(5))
    assert transport.batches == [["first"], ["a", "b"], ["c"]]


def test_a_large_batch_is_whole() -> None:
    """It leaves the queue in parts, between which more may come in."""
    transport = Scripted()
    with working(transport, batch_items=1000, queue_items=1000, delay_s=60.0) as worker:
        for number in range(700):
            worker.offer(number)
        assert worker.flush(Deadline(5))
    assert transport.batches == [list(range(700))]
