"""What the twin's spans wait in before they are encoded: it is bounded, and who waits for spans empties it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hotpath.hotpath_cells import load
from hotpath.hotpath_spans import attributes, recorder, taken
from support.servers import wait_until

MOST = 512
"""Of an arena with 65,536 spans and 16 MiB at most."""
CALL = 256


@pytest.fixture
def twin() -> Any:
    """The Python engine; the native one encodes at once."""
    return load("python")


@pytest.fixture
def held_up(twin: Any) -> Iterator[Any]:
    """An arena whose lock another thread has."""
    arena = twin.Arena()
    taken_up, done = threading.Event(), threading.Event()

    def hold() -> None:
        with arena._lock:
            taken_up.set()
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    taken_up.wait(60)
    yield arena, done
    done.set()
    thread.join()


def test_spans_wait_as_they_ended(twin: Any) -> None:
    """With short texts and numbers, nothing is encoded by whoever ends them."""
    arena = twin.Arena()
    span = recorder(twin, arena).begin("n", attributes={"venue": "binance", "n": 5})
    span.set_attribute("price", 1.5)
    span.end()
    ((begun, _, told),) = arena.offered
    assert {"venue": "binance", "n": 5, "price": 1.5} in begun
    assert told is None
    assert 1 == arena.books()["queued"]
    assert 0 == len(arena.offered)


def test_what_is_large_or_may_change_is_encoded_at_once(twin: Any) -> None:
    """As bytes under its key."""
    arena = twin.Arena()
    given = {"long": "x" * 65, "list": ["a"], "short": "x" * 64}
    recorder(twin, arena).begin("n", attributes=given).end()
    ((begun, *_),) = arena.offered
    kept = next(part for part in begun if type(part) is dict)
    assert {"long": bytes, "list": bytes, "short": str} == {key: type(value) for key, value in kept.items()}
    (message,) = taken(arena)
    assert {**given, "list": ("a",)} == attributes(message)


def test_ends_encode_where_nobody_does(twin: Any) -> None:
    """So that what waits unencoded is bounded."""
    arena = twin.Arena()
    begin = recorder(twin, arena).begin
    most = 0
    for _ in range(3 * MOST):
        begin("n", attributes={"a": 1}).end()
        most = max(most, len(arena.offered))
    assert MOST - 4 <= most <= MOST
    assert 3 * MOST == arena.books()["queued"]


def test_large_spans_are_encoded_sooner(twin: Any) -> None:
    """Half a mebibyte of texts and events may wait, twice that for moments."""
    arena = twin.Arena()
    begin = recorder(twin, arena).begin
    for _ in range(300):
        begin("n", attributes={"text": "x" * 50_000}).end()
        assert len(arena.offered) <= 22
    assert {"queued": 300, "bytes_full": 0} == {
        "queued": arena.books()["queued"],
        "bytes_full": arena.books()["dropped"]["bytes_full"],
    }


def test_who_waits_encodes_meanwhile(twin: Any) -> None:
    """Though it waits for more: what a dead receiver keeps waiting waits as bytes."""
    arena = twin.Arena()
    begin = recorder(twin, arena).begin
    waiting = threading.Thread(target=arena.wait, args=(1 << 62, 60))
    waiting.start()
    try:
        wait_until(lambda: arena._bell.somebody_waits)
        for _ in range(MOST):
            begin("n").end()
        wait_until(lambda: len(arena.offered) < CALL)
        assert waiting.is_alive()
    finally:
        arena.wake()
        waiting.join()
    assert MOST == arena.books()["queued"]


def test_ends_wait_for_moments_only(held_up: Any, twin: Any) -> None:
    """Whoever has the lock: none is lost, none is dropped."""
    arena, done = held_up
    begin = recorder(twin, arena).begin
    for _ in range(2 * MOST):
        begin("n").end()
    began = time.monotonic()
    for _ in range(10):
        begin("n").end()
    assert 0.09 < time.monotonic() - began < 5
    done.set()
    assert 2 * MOST + 10 == arena.books()["queued"] == len(taken(arena))


def test_full_queue_drops_without_encoding(twin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be kept costs nothing."""
    from otel_trading.hotpath.twin import span_filing

    made: list[Any] = []
    real = span_filing.field
    monkeypatch.setattr(span_filing, "field", lambda *given: made.append(given) or real(*given))
    arena = twin.Arena(max_items=10)
    for _ in range(50):
        recorder(twin, arena).begin("n", urgency=2).end()
    assert 40 == arena.books()["dropped"]["queue_full"]
    assert 10 == len(made)


def test_span_that_cannot_be_encoded_costs_itself(twin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one for which there is no memory."""
    from otel_trading.hotpath.twin import span_filing

    real = span_filing.field

    def failing(begun: Any, *given: Any) -> bytes:
        if "bad" in begun:
            raise MemoryError
        return real(begun, *given)

    monkeypatch.setattr(span_filing, "field", failing)
    arena = twin.Arena()
    for name in ("a", "bad", "b"):
        recorder(twin, arena).begin(name).end()
    assert ["a", "b"] == [span.name for span in taken(arena)]
    assert (3, 1) == (arena.books()["offered"], arena.books()["dropped"]["no_memory"])
    assert (0, 0) == arena.counts()["live"]
