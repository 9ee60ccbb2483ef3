"""What a signal handler raises while one of our callees runs reaches the application."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hotpath.hotpath_cells import cell


class Stop(BaseException):
    """As SystemExit and KeyboardInterrupt, which pytest would take for its own."""


@pytest.fixture(autouse=True)
def _stops() -> Iterator[None]:
    """The handler raises."""

    def handler(number: int, frame: Any) -> None:
        raise Stop

    before = signal.signal(signal.SIGUSR1, handler)
    yield
    signal.signal(signal.SIGUSR1, before)


def interrupted(*what: Any) -> None:
    """The signal comes while this runs."""
    signal.raise_signal(signal.SIGUSR1)


class _Number:
    def __float__(self) -> float:
        interrupted()
        return 1.0


def by_owner(engine: Any) -> None:
    cell(engine, "forwarded", owner=interrupted).record(1)


def by_exemplar_hook(engine: Any) -> None:
    engine.set_exemplar_hook(interrupted)
    cell(engine, exemplars=True).record(1)


def by_refusal_hook(engine: Any) -> None:
    engine.set_refusal_hook(interrupted)
    cell(engine).record("x")


def by_factory(engine: Any) -> None:
    engine.Table(interrupted).record(1, {"a": 1})


def by_number(engine: Any) -> None:
    cell(engine).record(_Number())


WAYS = [by_owner, by_exemplar_hook, by_refusal_hook, by_factory, by_number]


@pytest.mark.parametrize("way", WAYS)
def test_interruption_is_not_swallowed(engine: Any, way: Callable[[Any], None]) -> None:
    """At once from the twin, at the next step of the interpreter from the native cells."""
    steps = 0
    with pytest.raises(Stop):
        way(engine)
        for _ in range(1000):
            steps += 1
    assert steps < 1000


def test_what_a_callee_raises_in_another_thread_stays_there(native: Any) -> None:
    """Only the main thread runs signal handlers: elsewhere it was the callee itself."""
    ended = threading.Event()

    def stop(*what: Any) -> None:
        raise Stop

    def run() -> None:
        cell(native, "forwarded", owner=stop).record(1)
        native.Table(stop).record(1, {"a": 1})
        ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert ended.is_set()
    assert 1 == native.refusals()["forward_failed"] == native.refusals()["no_series"]
