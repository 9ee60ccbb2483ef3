"""Numbers on pages: exact, shortest, and as Prometheus writes them, whatever the process's locale is."""

from __future__ import annotations

import locale
import math
import random
import struct
from decimal import Decimal
from typing import Any

import pytest
from hotpath.hotpath_cells import load
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.utils import floatToGoString

CASES = [
    (0.0, "0", "0.0"),
    (-0.0, "-0", "-0.0"),
    (1.0, "1", "1.0"),
    (-1.5, "-1.5", "-1.5"),
    (0.005, "0.005", "0.005"),
    (0.0001, "0.0001", "0.0001"),
    (0.00001, "1e-05", "1e-05"),
    (999999.5, "999999.5", "999999.5"),
    (100000.0, "100000", "100000.0"),
    (1000000.0, "1e+06", "1e+06"),
    (1234567.25, "1.23456725e+06", "1.23456725e+06"),
    (1e100, "1e+100", "1e+100"),
    (5e-324, "5e-324", "5e-324"),
    (math.inf, "+Inf", "+Inf"),
    (-math.inf, "-Inf", "-Inf"),
    (math.nan, "NaN", "NaN"),
]


@pytest.mark.parametrize(("value", "text", "pointed"), CASES)
def test_a_float_is_written_as_prometheus_writes_it(engine: Any, value: float, text: str, pointed: str) -> None:
    """In OpenMetrics never like an int."""
    assert (text, pointed) == (engine.render_number(value), engine.render_number(value, True))


@settings(max_examples=2000, deadline=None)
@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_the_shortest_decimal_reads_back_and_is_that_of_repr(value: float) -> None:
    """Natively with an algorithm of its own."""
    native, twin = load("native").render_number(value), load("python").render_number(value)
    assert native == twin
    assert Decimal(repr(value)) == Decimal(native)
    assert struct.pack("<d", value) == struct.pack("<d", float(native))


def test_powers_and_their_neighbours_are_exact(native: Any) -> None:
    """Where the distance to the next double changes, and at the ends of the range."""
    values = [2.0**power for power in range(-1074, 1024)] + [float(f"1e{power}") for power in range(-323, 309)]
    values += [math.nextafter(value, towards) for value in values for towards in (0.0, math.inf)]
    finite = [value for value in values if 0 < value < math.inf]
    assert [] == [value for value in finite if Decimal(native.render_number(value)) != Decimal(repr(value))]


def test_random_bits_are_exact(native: Any) -> None:
    """Two hundred thousand doubles of all magnitudes."""
    bits = random.Random(7)
    values = [struct.unpack("<d", bits.randbytes(8))[0] for _ in range(200_000)]
    finite = [value for value in values if math.isfinite(value)]
    assert [] == [value for value in finite if float(native.render_number(value)) != value]
    assert [] == [value for value in finite[:20_000] if Decimal(native.render_number(value)) != Decimal(repr(value))]


@given(value=st.floats(min_value=0, allow_infinity=False))
def test_bounds_are_written_as_prometheus_client_writes_them(value: float) -> None:
    """So that series keep their `le` when the exporter changes."""
    assert load("native").render_number(value, True) == floatToGoString(value)  # type: ignore[no-untyped-call]


def test_the_locale_changes_nothing(engine: Any) -> None:
    """A decimal comma would break every page."""
    before = locale.setlocale(locale.LC_NUMERIC)
    names = ["de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "nl_NL.UTF-8", "C.UTF-8", "C"]
    for name in names:
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
        except locale.Error:
            continue
        break
    try:
        assert "0.5" == engine.render_number(0.5)
    finally:
        locale.setlocale(locale.LC_NUMERIC, before)
