"""Series by their attributes: what is the same set, and that none is lost or made twice while the lookup grows."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from otel_trading.metrics.attributes import key_of, split
from otel_trading.metrics.engine import engine
from otel_trading.metrics.live import Series
from otel_trading.metrics.lookup import Lookup

VALUES = some.sampled_from(
    [True, 1, 1.0, False, 0, 0.0, "1", "", 2**61 - 1, float("inf"), [1], [True], (1,), ["1"], [], [[1], [1.0]]]
)
SETS = some.dictionaries(some.sampled_from("abcdefghij"), VALUES, max_size=10)


def series(attributes: dict[str, Any]) -> Series:
    return Series(*split(attributes), engine.Cell("c"))


def filled(count: int) -> tuple[Lookup, list[Series]]:
    listed: list[Series] = []
    lookup = Lookup(listed)
    for number in range(count):
        lookup.add(series({"n": number}))
    return lookup, listed


@given(some.lists(SETS, max_size=40))
def test_sets_are_the_same_as_their_keys_say(given: list[dict[str, Any]]) -> None:
    """Types count, order and list or tuple do not; as in the key that handles are found by."""
    lookup, keys = Lookup([]), dict[Any, Series]()
    for attributes in given:
        found = lookup.find(*split(dict(reversed(attributes.items()))))
        assert keys.get(key_of(attributes)) is found
        if found is None:
            lookup.add(made := series(attributes))
            keys[key_of(attributes)] = made


@pytest.mark.parametrize("width", range(12))
def test_series_gives_its_attributes_back(width: int) -> None:
    """However many there are."""
    attributes = {f"k{number:02}": number for number in range(width)}
    made = series(attributes)
    assert (tuple(attributes), tuple(attributes.values())) == (made.keys, made.values)
    assert tuple(attributes.items()) == made.attributes
    assert (None, None) == (made.exemplars, made.reservoir)


def test_equal_hashes_are_told_apart() -> None:
    """Multiples of 2**61 - 1 all have the hash 0."""
    lookup, listed = Lookup([]), [series({"n": (2**61 - 1) * number}) for number in range(1, 30)]
    for one in listed:
        assert lookup.find(one.keys, one.values) is None
        lookup.add(one)
    assert listed == [lookup.find(one.keys, one.values) for one in listed]


def test_not_a_number_is_found_by_identity() -> None:
    """As in a dict."""
    value = float("nan")
    lookup = Lookup([])
    lookup.add(made := series({"a": value}))
    assert lookup.find(("a",), (value,)) is made
    assert lookup.find(("a",), (float("nan"),)) is None


def test_growing_loses_no_series() -> None:
    """At each number of them."""
    lookup, listed = filled(0)
    for number in range(500):
        lookup.add(series({"n": number}))
        assert all([lookup.find(one.keys, one.values) is one for one in listed])
    assert 500 == len(listed)
    assert lookup.find(("n",), (500,)) is None


def interrupted(line: int, work: Callable[[], object], handler: Callable[[], object]) -> bool:
    """Runs the handler in the middle of the work, before its so-manieth line, as a signal's would be; False at the end."""
    left = line

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        if "lookup" not in frame.f_code.co_filename:
            return None
        if event == "line":
            left -= 1
            if left == 0:
                sys.settrace(None)
                handler()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return left <= 0


def test_signal_handler_may_add_in_the_middle_of_adding() -> None:
    """Before any line, growth included: both series are found from then on, and are in the list once."""
    line = 0
    went_on = True
    while went_on:
        line += 1
        lookup, listed = filled(6)  # the next one makes it grow
        first, second = series({"n": 6}), series({"n": 7})

        def handler(lookup: Lookup = lookup, second: Series = second) -> None:
            lookup.add(second)
            assert lookup.find(second.keys, second.values) is second

        went_on = interrupted(line, lambda lookup=lookup, first=first: lookup.add(first), handler)  # type: ignore[misc]
        if went_on:
            lookup.add(third := series({"n": 8}))
            assert {*range(9)} == {one.values[0] for one in listed}
            assert 9 == len(listed)
            assert (first, second, third) == tuple(lookup.find(("n",), (number,)) for number in (6, 7, 8))
    assert line > 20


def test_finding_sees_every_series_while_another_thread_adds() -> None:
    """What was added before the look is found."""
    lookup, listed = filled(1)
    done = threading.Event()

    def add() -> None:
        for number in range(1, 20_000):
            lookup.add(series({"n": number}))
        done.set()

    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        adding = threading.Thread(target=add)
        adding.start()
        while not done.is_set():
            for one in (listed[-1], listed[len(listed) // 2]):
                assert lookup.find(one.keys, one.values) is one
        adding.join()
    finally:
        sys.setswitchinterval(switch)
