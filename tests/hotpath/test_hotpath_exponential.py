"""Base-2 exponential buckets: every index exact, the scale the finest that fits."""

from __future__ import annotations

import math
import random
import sys
from fractions import Fraction
from typing import Any

import pytest
from hotpath.hotpath_cells import cell, load
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.exponent_mapping import ExponentMapping
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.logarithm_mapping import LogarithmMapping

from otel_trading.hotpath.twin import exponential as twin

POSITIVE = st.floats(min_value=5e-324, allow_nan=False, allow_infinity=False)
ENGINES = ["native", "python"]


def _above(value: Fraction, index: int, scale: int) -> bool:
    """Whether value > 2 ** (index / 2**scale), by whole numbers alone."""
    power = value ** (1 << scale)
    return power > Fraction(2) ** index


def exact_index(value: float, scale: int) -> int:
    """The slow reference: bucket i holds (base**i, base**(i+1)]; values below the normal floats count as the least."""
    exact = Fraction(max(value, sys.float_info.min))
    if scale <= 0:
        step = 1 << -scale
        exponent = math.frexp(float(exact))[1] - 1
        return (exponent - (exact == Fraction(2) ** exponent)) // step
    guess = math.floor(math.log2(float(exact)) * (1 << scale))
    low, high = guess - 2, guess + 3
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _above(exact, middle, scale) else (low, middle)
    return low


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=200, deadline=None)
@given(value=POSITIVE, scale=st.integers(-10, 9))
def test_index_equals_the_exact_one(name: str, value: float, scale: int) -> None:
    """Against whole numbers, where they are not yet too long."""
    engine = load(name)
    assert exact_index(value, scale) == engine.exponential_index(value, scale)


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=200, deadline=None)
@given(octave=st.integers(-1022, 1022), part=st.integers(0, 511))
def test_index_is_exact_at_the_boundaries(name: str, octave: int, part: int) -> None:
    """The last float of a bucket and the first of the next, at scale 9 and at all coarser ones."""
    engine = load(name)
    boundary = math.ldexp(1.0 + twin.boundary(part << 11) * 2.0**-52, octave)
    for value in (math.nextafter(boundary, 0), boundary, math.nextafter(boundary, math.inf)):
        for scale in (9, 8, 6, 3, 1, 0, -1):
            assert exact_index(value, scale) == engine.exponential_index(value, scale)


@pytest.mark.parametrize("name", ENGINES)
def test_index_is_exact_at_the_finest_scale(name: str) -> None:
    """Boundaries of scale 20 by other whole numbers than the engine's: 600 bits, one product for each bit of the part."""
    engine = load(name)
    bits = 600
    roots, root = [], 2 << bits
    for _ in range(20):
        root = math.isqrt(root << bits)
        roots.append(root)
    chosen = random.Random(5)
    parts = [1, 2, 3, (1 << 20) - 1, 1 << 19, *(chosen.randrange(1, 1 << 20) for _ in range(3000))]
    for part in parts:
        power = 1 << bits
        for place in range(20):
            if part >> (19 - place) & 1:
                power = power * roots[place] >> bits
        mantissa = (power >> (bits - 52)) - (1 << 52)
        below = 1.0 + mantissa * 2.0**-52
        assert part - 1 == engine.exponential_index(below, 20)
        assert part == engine.exponential_index(math.nextafter(below, 2), 20)


def test_native_boundaries_are_the_twins(native: Any) -> None:
    """All 2**20 of them would be slow in Python: each 97th, with both of its neighbours."""
    for part in range(1, 1 << 20, 97):
        below = 1.0 + twin.boundary(part) * 2.0**-52
        assert (part - 1, part) == (
            native.exponential_index(below, 20),
            native.exponential_index(math.nextafter(below, 2), 20),
        )


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=300, deadline=None)
@given(value=POSITIVE, scale=st.integers(-10, 20))
def test_index_equals_the_sdks(name: str, value: float, scale: int) -> None:
    """Where the SDK is exact: at scales up to 0 always, above them not within a rounding of a boundary."""
    engine = load(name)
    ours = engine.exponential_index(value, scale)
    if scale <= 0:
        assert ExponentMapping(scale).map_to_index(value) == ours
        return
    theirs = LogarithmMapping(scale).map_to_index(value)
    place = math.log2(value) * 2.0**scale
    if abs(place - round(place)) > max(abs(place), 1) * 1e-12:
        assert theirs == ours
    else:
        assert abs(theirs - ours) <= 1


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.inf, math.nan])
def test_index_of_no_positive_number_is_an_error(engine: Any, wrong: float) -> None:
    """And so are scales that are not there."""
    with pytest.raises(ValueError, match="finite value above 0"):
        engine.exponential_index(wrong, 3)
    with pytest.raises(ValueError, match="scale from -10 to 20"):
        engine.exponential_index(1.0, 21)
    with pytest.raises(TypeError):
        engine.exponential_index("1", 3)


def test_extreme_floats_share_one_histogram(engine: Any) -> None:
    """The least and the largest float: two buckets at scale -10 suffice."""
    made = cell(engine, "exponential", max_size=2)
    for value in (5e-324, sys.float_info.max, 1.0, sys.float_info.min):
        made.record(value)
    assert (-10, 0, -1, (3, 1)) == made.snapshot()[4]


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=150, deadline=None)
@given(values=st.lists(POSITIVE | st.integers(0, 2**70), min_size=1, max_size=60), size=st.sampled_from([2, 3, 7, 160]))
def test_scale_is_the_finest_that_fits(name: str, values: list[Any], size: int) -> None:
    """Whatever the order: indexes at the scale of all values, and no finer scale has room for them."""
    engine = load(name)
    made = cell(engine, "exponential", max_size=size)
    for value in values:
        made.record(value)
    scale, zeros, offset, counts = made.snapshot()[4]
    positive = [float(value) for value in values if value > 0]
    assert len(values) - len(positive) == zeros
    if not positive:
        assert (20, 0, ()) == (scale, offset, counts)
        return
    indexes = [engine.exponential_index(value, scale) for value in positive]
    expected = [indexes.count(index) for index in range(min(indexes), max(indexes) + 1)]
    assert (min(indexes), expected) == (offset, list(counts))
    assert len(counts) <= size
    if scale < 20:
        finer = [engine.exponential_index(value, scale + 1) for value in positive]
        assert max(finer) - min(finer) >= size
