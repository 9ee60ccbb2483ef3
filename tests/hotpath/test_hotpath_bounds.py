"""Explicit bounds: slots, bisection and the twin find the same bucket."""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Any

import pytest
from hotpath.hotpath_cells import load
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from otel_trading.metrics.histogram_view import log_linear

FINITE = st.floats(allow_nan=False, allow_infinity=False)
NUMBERS = FINITE | st.integers(-(2**63), 2**63 - 1)
ENGINES = ["native", "python"]


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=300, deadline=None)
@given(
    bounds=st.lists(FINITE | st.integers(-(2**63), 2**63).map(float), unique=True, max_size=40).map(sorted),
    values=st.lists(NUMBERS, max_size=20),
)
def test_bucket_is_the_first_bound_not_below(name: str, bounds: list[float], values: list[Any]) -> None:
    """For ints and floats of every size, compared exactly, at the bounds and between them."""
    engine = load(name)
    made = engine.Bounds(bounds)
    assert tuple(bounds) == made.bounds
    near = [math.nextafter(bound, side) for bound in bounds for side in (-math.inf, math.inf)]
    whole = [int(bound) + step for bound in bounds for step in (-1, 0, 1) if abs(bound) < 2**62]
    for value in [*values, *bounds, *(value for value in near if math.isfinite(value)), *whole]:
        assert bisect_left(bounds, value) == made.find(value), value


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=150, deadline=None)
@given(
    low=st.floats(1e-300, 1e290),
    octaves=st.floats(0.1, 30),
    error=st.floats(0.03, 0.5),
    shares=st.lists(st.floats(0.2, 1e3), max_size=30),
)
def test_log_linear_buckets_are_found(name: str, low: float, octaves: float, error: float, shares: list[float]) -> None:
    """Log-linear bounds as views make them: at every bound, beside every bound, and anywhere."""
    engine = load(name)
    high = low * 2**octaves
    assume(high > low)
    try:
        bounds = log_linear(low, high, error).bounds()
    except ValueError:
        assume(False)
    made = engine.Bounds(bounds)
    beside = [math.nextafter(bound, side) for bound in bounds for side in (0, math.inf)]
    for value in (*bounds, *beside, *(low * share for share in shares), 0.0, -low, 5e-324, 1e308):
        assert bisect_left(bounds, value) == made.find(value), value


@pytest.mark.parametrize("name", ENGINES)
@settings(max_examples=150, deadline=None)
@given(
    low=FINITE.filter(bool).map(abs),
    steps=st.lists(st.integers(1, 40), max_size=30),
    further=st.lists(FINITE, max_size=3),
    values=st.lists(NUMBERS, max_size=10),
)
def test_bounds_that_nearly_meet_are_told_apart(
    name: str, low: float, steps: list[int], further: list[float], values: list[Any]
) -> None:
    """A few floats from one to the next: no number of slots does, and bisection finds them."""
    close = {low}
    for step in steps:
        low += step * math.ulp(low)
        close.add(low)
    bounds = sorted({bound for bound in (*close, *further) if math.isfinite(bound)})
    made = load(name).Bounds(bounds)
    near = [math.nextafter(bound, side) for bound in bounds for side in (-math.inf, math.inf)]
    for value in (*values, *bounds, *(value for value in near if math.isfinite(value))):
        assert bisect_left(bounds, value) == made.find(value), value


def test_ints_at_the_ends_of_int64_are_compared_exactly(engine: Any) -> None:
    """With bounds below and above every int64, and at its ends."""
    bounds = (-1e30, -(2.0**63), -1.5, 2.0**53, 2.0**63, 1e30)
    made = engine.Bounds(bounds)
    for value in (-(2**63), -(2**63) + 1, -2, -1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**70):
        assert bisect_left(bounds, value) == made.find(value), value


@pytest.mark.parametrize("bounds", [(0.0, 2.2e-309), (-1.0, 5e-324), (0.0, 1e-310, 1.0), (2.2e-308, 2.3e-308)])
def test_zero_lies_below_the_least_numbers(engine: Any, bounds: tuple[float, ...]) -> None:
    """Also below those whose leading bits are zeros as its own."""
    made = engine.Bounds(bounds)
    for value in (0, 0.0, -0.0, 5e-324, -5e-324, *bounds):
        assert bisect_left(bounds, value) == made.find(value), value


def test_no_bounds_make_one_bucket(engine: Any) -> None:
    """Count and sum only."""
    made = engine.Bounds(())
    assert (0, 0, ()) == (made.find(5), made.find(-1.5), made.bounds)


@pytest.mark.parametrize(
    ("bounds", "error", "message"),
    [
        ((1, 1), ValueError, "strictly ascending"),
        ((2, 1), ValueError, "strictly ascending"),
        ((1, math.inf), ValueError, "finite"),
        ((math.nan,), ValueError, "finite"),
        (("1",), TypeError, "must be real number, not str"),
        (5, TypeError, "iterable"),
        (range(100_001), ValueError, "at most 100,000 bounds"),
    ],
)
def test_impossible_bounds_are_rejected(engine: Any, bounds: Any, error: type[Exception], message: str) -> None:
    """The same error and words in both engines."""
    with pytest.raises(error, match=message):
        engine.Bounds(bounds)


@pytest.mark.parametrize("wrong", ["x", None, math.nan, math.inf])
def test_find_takes_finite_numbers_only(engine: Any, wrong: Any) -> None:
    """It is for views and tests, and raises."""
    with pytest.raises(ValueError, match="find takes a finite number"):
        engine.Bounds((1, 2)).find(wrong)
