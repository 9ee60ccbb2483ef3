"""The queue: bounded in items and bytes, in order, ticks given up before errors and orders."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Status, StatusCode

from otel_trading.delivery.urgency import Urgency
from otel_trading.delivery.waiting import Measure, Waiting
from otel_trading.traces.urgency import span_measure

LOW, NORMAL, HIGH = Urgency


def queue(items: int = 100, size: int = 1000) -> Waiting[str]:
    return Waiting(items, size)


def names(waiting: Waiting[str]) -> list[str]:
    return [name for name, _ in waiting.take(1000, 10**9)]


def test_an_item_beyond_the_bytes_is_turned_away_by_its_own_reason() -> None:
    """Not by the number of items."""
    waiting = queue(size=100)
    assert waiting.put("a", Measure(size=60)) == (True, {})
    assert waiting.put("b", Measure(size=60)) == (False, {"bytes_full": 1})
    assert (names(waiting), waiting.size) == (["a"], 0)


def test_an_item_larger_than_the_queue_is_taken_while_nothing_waits() -> None:
    """A collection of many series would never be sent otherwise."""
    waiting = queue(size=100)
    assert waiting.put("large", Measure(size=500)) == (True, {})
    assert waiting.put("small", Measure(size=1)) == (False, {"bytes_full": 1})


def test_ticks_make_room_for_orders_and_the_oldest_tick_first() -> None:
    """The rest keeps its order."""
    waiting = queue(items=3)
    for name, urgency in (("tick 1", LOW), ("note", NORMAL), ("tick 2", LOW)):
        waiting.put(name, Measure(urgency=urgency))
    assert waiting.put("order", Measure(urgency=HIGH)) == (True, {"queue_full": 1})
    assert waiting.put("tick 3", Measure(urgency=LOW)) == (False, {"queue_full": 1})
    assert names(waiting) == ["note", "tick 2", "order"]


def test_an_item_that_cannot_fit_gives_nothing_up() -> None:
    """Emptying the queue for nothing would be the worst of both."""
    waiting = queue(size=100)
    waiting.put("tick", Measure(size=30, urgency=LOW))
    waiting.put("order", Measure(size=50, urgency=HIGH))
    assert waiting.put("large order", Measure(size=60, urgency=HIGH)) == (False, {"bytes_full": 1})
    assert names(waiting) == ["tick", "order"]


def test_a_batch_is_bounded_in_bytes_but_holds_one_item_at_least() -> None:
    """So that one giant item does not stop the queue."""
    waiting = queue(size=10_000)
    for name, size in (("giant", 5000), ("a", 40), ("b", 40), ("c", 40)):
        waiting.put(name, Measure(size=size))
    assert [[name for name, _ in waiting.take(10, 100)] for _ in range(3)] == [["giant"], ["a", "b"], ["c"]]


@given(
    st.lists(st.one_of(st.none(), st.tuples(st.integers(1, 5), st.integers(0, 60), st.sampled_from(Urgency)))),
    st.integers(1, 6),
)
def test_nothing_is_lost_uncounted_and_the_bounds_hold(
    steps: list[tuple[int, int, Urgency] | None], items: int
) -> None:
    """Whatever comes and goes: in = out + lost + waiting."""
    waiting: Waiting[int] = Waiting(items, 100)
    came = went = lost = 0
    taken: list[int] = []
    for number, step in enumerate(steps):
        if step is None:
            batch = waiting.take(2, 50)
            went += sum(weight for _, weight in batch)
            taken += [item for item, _ in batch]
        else:
            came += step[0]
            lost += sum(waiting.put(number, Measure(*step))[1].values())
        assert came == went + lost + waiting.weight
        assert len(waiting) <= items
        assert waiting.size <= 100
    assert taken == sorted(taken)


def test_spans_of_orders_and_errors_stay_and_ticks_go() -> None:
    """By the names of the sampler, the user's patterns among them, and the status."""
    measure = span_measure(["desk.*"])

    def urgency(name: str, code: StatusCode = StatusCode.UNSET, **attributes: str) -> Urgency:
        found = measure(ReadableSpan(name, resource=Resource({}), attributes=attributes, status=Status(code)))
        return found.urgency

    assert urgency("order.submit") is urgency("desk.hedge") is urgency("x", **{"trading.order.id": "1"}) is HIGH
    assert urgency("md.tick", StatusCode.ERROR) is HIGH
    assert urgency("md.tick") is urgency("book.update") is LOW
    assert urgency("signal.compute") is NORMAL


def test_a_giant_attribute_is_seen_in_the_size() -> None:
    """Texts, bytes, sequences; of events too."""
    measure = span_measure()
    for value in ("x" * 100_000, ["x" * 50_000] * 2, b"x" * 100_000):
        span = ReadableSpan("x", resource=Resource({}), attributes={"k": value})  # type: ignore[dict-item]
        assert 100_000 < measure(span).size < 105_000
