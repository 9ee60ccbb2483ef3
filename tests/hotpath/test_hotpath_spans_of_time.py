"""Timed generators and blocks, and the stopwatch behind them."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hotpath.hotpath_cells import Clock, cell

from otel_trading.hotpath import timed


def test_generator_is_measured_from_first_next_to_the_end(latency: Any, clock: Clock) -> None:
    """Including what its consumer does between."""

    @timed(latency)
    def count(n: int) -> Iterator[int]:
        for i in range(n):
            clock.ns += 1000
            yield i

    made = count(3)
    clock.ns += 100_000
    assert [0, 1, 2] == list(made)
    assert inspect.isgeneratorfunction(count)
    assert (1, 3.0) == pytest.approx(latency.snapshot()[:2])


def test_async_generator_is_measured(latency: Any, clock: Clock) -> None:
    """Likewise."""

    @timed(latency)
    async def count(n: int) -> AsyncIterator[int]:
        for i in range(n):
            clock.ns += 1000
            yield i

    async def main() -> list[int]:
        return [i async for i in count(3)]

    assert [0, 1, 2] == asyncio.run(main())
    assert inspect.isasyncgenfunction(count)
    assert (1, 3.0) == pytest.approx(latency.snapshot()[:2])


def test_blocks_nest_and_interleave(latency: Any, clock: Clock) -> None:
    """Each timer has its own start; one that raises is measured."""
    outer, inner = latency.time(), latency.time()
    with outer:
        clock.ns += 1000
        with inner:
            clock.ns += 2000
    with pytest.raises(KeyError), latency.time():
        clock.ns += 4000
        raise KeyError
    assert (3, 9.0, 2.0, 4.0) == pytest.approx(latency.snapshot()[:4])


def test_stopwatch_agrees_with_the_clock(native: Any) -> None:
    """The processor's counter against perf_counter_ns over 50 ms of work: within a thousandth, and 20 us."""
    made = cell(native, "gauge", per_ns=1.0)
    timer = made.time()
    began = native.now()
    with timer:
        inside = native.now()
        while native.now() - inside < 50_000_000:
            pass
        least = native.now() - inside
    most = native.now() - began
    assert least * 0.999 - 20_000 <= made.snapshot()[1] <= most * 1.001 + 20_000
