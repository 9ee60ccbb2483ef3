"""What a series takes: small cells, counts of 16 bits that go over exactly, and what cells of a stream share."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hotpath.hotpath_cells import cell, refused

MANY = 10_000


def traced(make: Callable[[], object]) -> tuple[float, object]:
    """Bytes for each of MANY, and what keeps them."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        made = make()
        gc.collect()
        return (tracemalloc.get_traced_memory()[0] - before) / MANY, made
    finally:
        tracemalloc.stop()


def test_cell_fits_two_cache_lines(native: Any) -> None:
    """With what the collector adds; a field more costs 16 bytes a series."""
    assert sys.getsizeof(native.Cell("c")) <= 128


@pytest.mark.parametrize(("exemplars", "most"), [(False, 192), (True, 208)])
def test_series_with_twenty_buckets_is_small(native: Any, exemplars: bool, most: int) -> None:
    """Cell and counts, and not even an object a series for a duration's unit and name."""
    bounds, name = native.Bounds(range(20)), "order.latency"

    def make() -> object:
        made = [native.Cell(name) for _ in range(MANY)]
        for one in made:
            one.configure("explicit", bounds=bounds, per_ns=1e-3, exemplars=exemplars)
            one.record(3)
        return made

    size, _ = traced(make)
    assert size - 8 <= most + 1  # the list; a few bytes of other things


def test_table_entry_with_two_attributes_is_small(native: Any) -> None:
    """Two references to each attribute, one to the cell, and a place in the table that is at least a quarter full."""
    made = cell(native)
    sets = [{"venue": "binance", "client": str(number)} for number in range(MANY)]
    table = native.Table(lambda attributes: made, MANY)

    def make() -> object:
        for attributes in sets:
            table.add(1, attributes)
        return table

    size, _ = traced(make)
    assert MANY == len(table)
    assert size <= 48 + 32 + 1


def test_counts_go_over_sixteen_bits_exactly(engine: Any) -> None:
    """Of one bucket and of several, at the very step and long after it."""
    made = cell(engine, exemplars=True)
    for number in (65_535, 1, 1, 65_534, 1):
        for _ in range(number):
            made.record(3)
        made.record(7)
    assert (131_072, 5) == made.snapshot()[4][2:4]
    assert 131_077 == made.snapshot()[0] == made.take()[0]
    made.record(3)
    assert (0, 0, 1, 0, 0, 0, 0) == made.snapshot()[4]
    made.configure("explicit", bounds=engine.Bounds((1,)))
    made.record(0)
    assert (1, 0) == made.snapshot()[4]


def test_record_without_memory_is_refused(native: Any) -> None:
    """The 65,536th of a bucket needs some: it is not counted, and everything goes on."""
    testing: Any = pytest.importorskip("_testcapi")
    made = cell(native)
    record = made.record
    for _ in range(65_535):
        record(3)
    before = made.snapshot()
    testing.set_nomemory(0, 0)
    try:
        record(3)
    finally:
        testing.remove_mem_hooks()
    assert {"no_memory": 1} == refused(native)
    assert before == made.snapshot()
    record(3)
    assert 65_536 == made.snapshot()[4][2] == made.snapshot()[0]


def test_cells_share_name_and_unit_without_confusing_them(engine: Any) -> None:
    """Each keeps its own through every change of the others."""
    names = ["".join(["order", str(number % 3)]) for number in range(300)]
    cells = [engine.Cell(name) for name in names]
    for number, made in enumerate(cells):
        made.configure("up_down", per_ns=10.0 ** -(number % 5))
    engine.set_clock(lambda: 1000, None)
    del made
    cells[100:200] = []
    names[100:200] = []
    gc.collect()
    for number, made in enumerate(cells):
        made.record_since(0)
        unit = number if number < 100 else number + 100
        assert (names[number], 1000 * 10.0 ** -(unit % 5)) == (made.name, made.snapshot()[1])


@pytest.mark.parametrize(
    "values", [(5, 2.5, 7.5, 3), (5, 5.0), (5.0, 5), (2**53 + 1, 2.0**53), (2.0**53, 2**53 + 1), (0, -0.0)]
)
def test_extremes_keep_their_type_in_any_order(engine: Any, values: tuple[Any, ...]) -> None:
    """An int if an int and a float are equal."""
    made = cell(engine)
    for value in values:
        made.record(value)
    least = min(values, key=lambda value: (value, type(value) is float))
    most = max(values, key=lambda value: (value, type(value) is int))
    assert (repr(least), repr(most)) == tuple(map(repr, made.snapshot()[2:4]))
