"""A worker's thread that dies is replaced within a second, is counted, and costs what it held."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import Any

import pytest
from support.servers import wait_until
from test_worker import Scripted, working

from otel_trading.delivery.lasting import LastingThread
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline


def test_a_thread_that_is_thrown_out_is_replaced_within_a_second_and_counted() -> None:
    """By another thread that goes on with the same function."""
    began: list[float] = []
    seen = set()

    def run() -> None:
        began.append(time.monotonic())
        seen.add(threading.get_ident())
        if len(began) < 3:
            raise SystemExit

    thread = LastingThread("test", run)
    thread.join(Deadline(5))
    assert not thread.is_alive()
    assert (len(began), thread.replaced) == (3, 2)
    assert max(later - earlier for earlier, later in pairwise(began)) < 1
    assert diagnostics.troubles()["delivery.worker_replaced"] == 2


def test_a_thread_that_could_not_be_replaced_at_once_is_replaced_when_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The process had no thread left."""
    runs: list[int] = []

    def run() -> None:
        runs.append(1)
        if len(runs) == 1:
            monkeypatch.setattr(threading.Thread, "start", refuses)
            raise SystemExit

    def refuses(_: object) -> None:
        raise RuntimeError("can't start new thread")

    thread = LastingThread("test", run)
    wait_until(lambda: not thread.is_alive())
    monkeypatch.undo()
    thread.ensure()
    thread.join(Deadline(5))
    assert (len(runs), thread.replaced) == (2, 1)


def test_a_worker_whose_thread_died_goes_on_with_exact_books(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it held is lost and counted; what waits is delivered."""
    said: Any = diagnostics.trouble

    def trouble(kind: str, *arguments: Any, **options: Any) -> None:
        if kind == "delivery.exporter_failed":
            raise SystemExit  # out of the very place where the thread catches everything
        if kind == "delivery.worker_failed":
            raise SystemExit
        said(kind, *arguments, **options)

    monkeypatch.setattr(diagnostics, "trouble", trouble)
    transport = Scripted(ValueError("no"))
    with working(transport, batch_items=2, delay_s=60) as worker:
        for number in range(6):
            worker.offer(number)
        began = time.monotonic()
        assert worker.flush(Deadline(5)) is False
        assert time.monotonic() - began < 1
        books = worker.books()
        assert (books.offered, books.delivered, books.dropped) == (6, 4, {"exporter_failed": 2})
        assert transport.batches[1:] == [[2, 3], [4, 5]]
        assert diagnostics.troubles()["delivery.worker_replaced"] == 1
