"""Sums of ints are exact, of any size and in any order."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hotpath.hotpath_cells import cell


@pytest.mark.parametrize("seed", range(5))
def test_sum_of_huge_ints_is_exact(engine: Any, seed: int) -> None:
    """10,000 ints from the whole range of int64: the sum runs over it both ways."""
    chosen = random.Random(seed)
    values = [chosen.randrange(-(2**63), 2**63) >> chosen.randrange(60) for _ in range(10_000)]
    made = cell(engine, "up_down")
    for value in values:
        made.add(value)
    assert sum(values) == made.snapshot()[1]


def test_sum_of_positive_ints_is_exact(engine: Any) -> None:
    """A histogram's sum goes beyond int64 as well."""
    made = cell(engine, "explicit")
    for _ in range(1000):
        made.record(2**62 + 1)
    assert (1000, 1000 * (2**62 + 1), 2**62 + 1, 2**62 + 1) == made.snapshot()[:4]
