"""Cells that feed further cells, added while they record."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hotpath.hotpath_cells import cell, refused


def test_what_is_added_to_a_chain_begins_then_and_the_others_keep_what_they_have(engine: Any) -> None:
    """After all that are fed already, with times of its own."""
    engine.set_clock(None, lambda: 7)
    second = cell(engine, "up_down")
    first = cell(engine, "counter", next=second)
    first.add(1)
    engine.set_clock(None, lambda: 9)
    third, fourth = cell(engine, "counter"), cell(engine, "gauge")
    first.extend(third)
    second.extend(fourth)
    first.add(2.5)
    assert [(3.5, 7), (3.5, 7), (2.5, 9), (2.5, 9)] == [
        (one.snapshot()[1], one.started_ns) for one in (first, second, third, fourth)
    ]
    assert (second, third, fourth) == (first.next, second.next, third.next)


def test_a_chain_that_would_lead_back_is_refused_and_stays(engine: Any) -> None:
    """However long it is."""
    last = cell(engine, "counter")
    middle = cell(engine, "counter", next=last)
    first = cell(engine, "counter", next=middle)
    for wrong in (first, middle, last):
        with pytest.raises(ValueError, match="next must not lead back to the cell"):
            first.extend(wrong)
    first.add(1)
    assert [1, 1, 1] == [one.snapshot()[1] for one in (first, middle, last)]
    assert last.next is None


@pytest.mark.parametrize("wrong", [None, 5, "cell"])
def test_only_cells_can_be_added(engine: Any, wrong: Any) -> None:
    """It is done at start-up, where an error helps."""
    with pytest.raises(TypeError, match="extend takes a Cell"):
        cell(engine, "counter").extend(wrong)


@pytest.mark.usefixtures("_hasty")
def test_no_record_is_lost_while_a_chain_grows(engine: Any) -> None:
    """Cells that came earlier have at least what later ones have."""
    first = cell(engine, "counter")
    stop = threading.Event()
    done = [0] * 4

    def work(number: int) -> None:
        while not stop.is_set():
            first.add(1)
            done[number] += 1

    workers = [threading.Thread(target=work, args=(number,)) for number in range(len(done))]
    for worker in workers:
        worker.start()
    added = [cell(engine, "counter") for _ in range(50)]
    for one in added:
        before = first.snapshot()[0]
        while first.snapshot()[0] < before + 3:
            pass
        first.extend(one)
    stop.set()
    for worker in workers:
        worker.join()
    counts = [one.snapshot()[0] for one in (first, *added)]
    assert sum(done) == counts[0]
    assert sorted(counts, reverse=True) == counts
    first.add(1)
    assert [count + 1 for count in counts] == [one.snapshot()[0] for one in (first, *added)]


@pytest.mark.parametrize("value", [-1, -0.5])
def test_a_gauge_that_takes_no_negative_values_refuses_and_counts_them(engine: Any, value: Any) -> None:
    """A last value of what only grows; others take them."""
    told, free = cell(engine, "gauge", negative=False), cell(engine, "gauge")
    for made in (told, free):
        made.set(3)
        made.set(value)
    assert [3, value] == [made.snapshot()[1] for made in (told, free)]
    assert [1, 2] == [made.snapshot()[0] for made in (told, free)]
    assert {"negative": 1} == refused(engine)
    told.configure("gauge", negative=True)
    told.set(value)
    assert value == told.snapshot()[1]
