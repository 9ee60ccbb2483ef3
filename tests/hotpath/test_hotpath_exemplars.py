"""Measurements in a span are offered as exemplars, once a bucket and collection."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import pytest
from hotpath.hotpath_cells import cell

CONTEXT: ContextVar[dict[str, Any]] = ContextVar("CONTEXT")
SPAN = {"span": object()}


@pytest.fixture
def offered(engine: Any) -> list[Any]:
    """What was offered; everything is taken."""
    seen: list[Any] = []

    def hook(*what: Any) -> bool:
        seen.append(what)
        return True

    engine.set_exemplar_hook(hook, CONTEXT, "span")
    return seen


def test_taken_exemplar_disarms_its_bucket_until_armed(engine: Any, offered: list[Any]) -> None:
    """Owner, bucket, value as given and context; other buckets go on."""
    made = cell(engine, exemplars=True, owner="me")
    made.record(3, SPAN)
    made.record(4.5, SPAN)
    made.record(1, SPAN)
    assert [("me", 2, 3, SPAN, "me"), ("me", 0, 1, SPAN, "me")] == offered
    made.arm()
    made.record(4.5, context=SPAN)
    assert ("me", 2, 4.5, SPAN, "me") == offered[-1]


def test_current_context_is_looked_at(engine: Any, offered: list[Any]) -> None:
    """Without an explicit context the variable's counts; without a span nothing is offered."""
    made = cell(engine, "counter", exemplars=True)
    made.add(1)
    made.add(1, {})
    made.add(1, "no context")
    assert [] == offered
    token = CONTEXT.set(SPAN)
    try:
        made.add()
    finally:
        CONTEXT.reset(token)
    assert [(None, 0, 1, None, None)] == offered
    assert 4 == made.snapshot()[1]


def test_durations_are_offered(engine: Any, offered: list[Any]) -> None:
    """As the float that was recorded."""
    engine.set_clock(lambda: 2_000_000, None)
    made = cell(engine, per_ns=1e-6, exemplars=True)
    made.record_since(0, SPAN)
    assert [(None, 1, 2.0, SPAN, None)] == offered


def test_exponential_buckets_are_armed(engine: Any, offered: list[Any]) -> None:
    """Each of its own, as they are at that moment."""
    made = cell(engine, "exponential", max_size=8, max_scale=0, exemplars=True)
    for value in (1, 1, 3, 0.1):
        made.record(value, SPAN)
    assert [1, 3, 0.1] == [what[2] for what in offered]
    assert 3 == len({what[1] for what in offered})


def test_cell_without_exemplars_offers_nothing(engine: Any, offered: list[Any]) -> None:
    """And none of its records looks at the context."""
    cell(engine).record(1, SPAN)
    assert [] == offered


def test_hook_that_takes_nothing_is_asked_less_often(engine: Any) -> None:
    """After 64 offers in vain each 16th measurement of a bucket is offered."""
    asked: list[Any] = []
    engine.set_exemplar_hook(lambda *what: asked.append(what), CONTEXT, "span")
    made = cell(engine, "counter", exemplars=True)
    for _ in range(65 + 16 * 10):
        made.add(1, SPAN)
    assert 65 + 10 == len(asked)


class Span:
    """One whose context is a tuple."""

    def __init__(self, *context: Any) -> None:
        self.context = context


class Reluctant:
    """One that cannot be asked."""

    @property
    def context(self) -> Any:
        """Fails."""
        raise RuntimeError


@pytest.mark.parametrize(
    ("span", "asked"),
    [
        (Span("id", 0), False),
        (Span("id", 2), False),
        (Span("id", False), False),
        (Span("id", 1), True),
        (Span("id", 3), True),
        (Span("id"), True),
        (Span("id", "no flags"), True),
        (Reluctant(), True),
        (object(), True),
        (None, False),
    ],
)
def test_span_that_tells_it_is_not_sampled_is_offered_nothing(engine: Any, span: Any, asked: bool) -> None:
    """The hook is not called at all; on a span that does not tell it decides."""
    seen: list[Any] = []
    engine.set_exemplar_hook(lambda *what: seen.append(what), CONTEXT, "span", ("context", 1))
    made = cell(engine, "counter", exemplars=True)
    made.add(1, {"span": span})
    assert (asked, 1) == (bool(seen), made.snapshot()[1])


def test_hook_alone_is_offered_everything(engine: Any) -> None:
    """Span or not, explicit context or not, and each time as long as it takes nothing."""
    asked: list[Any] = []
    engine.set_exemplar_hook(lambda *what: asked.append(what))
    made = cell(engine, "counter", exemplars=True, owner="me")
    for context in ({}, "no context", SPAN):
        made.add(2, context)
    for _ in range(300):
        made.add(1)
    contexts = [(2, {}), (2, "no context"), (2, SPAN), (1, None)]
    assert [("me", 0, *what, "me") for what in contexts] == asked[:4]
    assert 303 == len(asked)


def test_hook_alone_disarms_what_it_takes(engine: Any) -> None:
    """And after one with a variable there is no look at that any more."""
    asked: list[Any] = []
    engine.set_exemplar_hook(print, CONTEXT, "span")

    def take(*what: Any) -> bool:
        asked.append(what)
        return True

    engine.set_exemplar_hook(take)
    made = cell(engine, exemplars=True)
    for value in (1, 1, 3, 3, 1):
        made.record(value)
    assert [1, 3] == [what[2] for what in asked]


def test_each_stream_of_a_chain_is_offered_with_its_own_owner(engine: Any, offered: list[Any]) -> None:
    """Whichever cell the record came to first, and whether that takes anything."""
    last = cell(engine, "exponential", max_scale=0, exemplars=True, owner="last")
    middle = cell(engine, exemplars=True, owner="middle", next=last)
    first = cell(engine, "dropped", exemplars=True, owner="first", next=middle)
    first.record(3, SPAN)
    first.record(1, SPAN)
    first.record(3, SPAN)
    middle_bucket, last_bucket = middle.snapshot()[4].index(2), 80
    assert [("middle", middle_bucket, 3, SPAN, "first"), ("last", last_bucket, 3, SPAN, "first")] == offered[:2]
    assert ["middle", "last"] * 2 == [what[0] for what in offered]


def test_origin_is_the_owner_of_the_cell_that_was_called(engine: Any, offered: list[Any]) -> None:
    """A handle that passes on to a series knows attributes which the series does not have."""
    series = cell(engine, exemplars=True, owner="series", per_ns=1e-6)
    handle = cell(engine, "dropped", owner="handle", next=series, per_ns=1e-6)
    ways: list[tuple[Any, Any]] = [
        (handle, lambda made: made.record(3, SPAN)),
        (series, lambda made: made.record(3, SPAN)),
        (handle, lambda made: made.add(context=SPAN)),
        (handle, lambda made: made.record(2**70, SPAN)),
        (handle, lambda made: made.record_since(0, SPAN)),
    ]
    for called, record in ways:
        record(called)
        series.arm()
    assert ["handle", "series", "handle", "handle", "handle"] == [what[4] for what in offered]
    assert {"series"} == {what[0] for what in offered}


def test_origin_of_a_record_by_table_is_what_it_was_called_with(engine: Any, offered: list[Any]) -> None:
    """The very mapping; empty if there was none, also where a handle is the cell."""
    series = cell(engine, "counter", exemplars=True, owner="series")
    table = engine.Table(lambda attributes: series, 5, "orders")
    given: list[Any] = [{"venue": "x"}, {"venue": [1]}, {}, None]
    for attributes in given:
        table.add(1, attributes, SPAN)
        series.arm()
    table.add(amount=2, context=SPAN)
    series.arm()
    table.add(context=SPAN, attributes=given[0])
    origins = [what[4] for what in offered]
    assert [{"venue": "x"}, {"venue": [1]}, {}, {}, {}, {"venue": "x"}] == origins
    assert origins[0] is given[0]
    assert origins[1] is given[1]


def test_origin_is_told_with_the_current_context_too(engine: Any, offered: list[Any]) -> None:
    """Positional arguments only, as most calls are."""
    made = cell(engine, "gauge", exemplars=True)
    table = engine.Table(lambda attributes: made)
    token = CONTEXT.set(SPAN)
    try:
        table.set(5, {"venue": "x"})
        made.arm()
        table.set(5)
    finally:
        CONTEXT.reset(token)
    assert [(None, 0, 5, None, {"venue": "x"}), (None, 0, 5, None, {})] == offered


def test_owner_of_a_forwarded_cell_learns_the_origin_if_it_wants_exemplars(engine: Any) -> None:
    """Whichever cell of the chain was called; without exemplars it has two arguments."""
    got: list[Any] = []

    def owner(*what: Any) -> None:
        got.append(what)

    last = cell(engine, "forwarded", owner=owner, exemplars=True)
    first = cell(engine, "counter", owner="first", next=last)
    first.add(1)
    last.add(2, SPAN)
    engine.Table(lambda attributes: first).add(3, {"venue": "x"})
    last.configure("forwarded", owner=owner)
    first.add(4, SPAN)
    assert [(1, None, "first"), (2, SPAN, owner), (3, None, {"venue": "x"}), (4, SPAN)] == got
    assert 0 == sum(engine.refusals().values())


def test_failing_hook_is_ignored(engine: Any) -> None:
    """A record never raises."""

    def hook(*what: Any) -> bool:
        raise RuntimeError

    engine.set_exemplar_hook(hook, CONTEXT, "span")
    made = cell(engine, "gauge", exemplars=True)
    made.set(1, SPAN)
    assert 1 == made.snapshot()[1]


def test_hook_may_configure_the_very_cell(engine: Any) -> None:
    """Fewer buckets than the one that was offered, or none: nothing is written where nothing is."""
    made = cell(engine, bounds=range(1000), exemplars=True)

    def hook(*what: Any) -> bool:
        made.configure("exponential", max_size=2, exemplars=True)
        return True

    engine.set_exemplar_hook(hook, CONTEXT, "span")
    made.record(5000, SPAN)
    assert ("exponential", 0) == (made.kind, made.snapshot()[0])


@pytest.mark.parametrize(
    "wrong",
    [
        (5, CONTEXT, "span"),
        (print, None, "span"),
        (print, CONTEXT, 5),
        (print, CONTEXT),
        (5,),
        (print, None, None, ("flags", 0)),
        *((print, CONTEXT, "span", flags) for flags in (5, ("flags",), (0, "flags"), ("flags", -1), ("flags", 2**70))),
    ],
)
def test_wrong_hook_is_rejected(engine: Any, wrong: tuple[Any, ...]) -> None:
    """A callable, alone or with a ContextVar and what is found in there."""
    message = "the exemplar hook is a callable, alone or with a ContextVar, a str and where trace flags are, or None"
    with pytest.raises(TypeError, match=message):
        engine.set_exemplar_hook(*wrong)


def test_other_hooks_are_checked(engine: Any) -> None:
    """They are set at start-up, where an error helps."""
    with pytest.raises(TypeError, match="the refusal hook must be callable"):
        engine.set_refusal_hook(5)
    with pytest.raises(TypeError, match="a clock must be callable"):
        engine.set_clock(5, None)
