"""What cells count, refuse, and how they outlive a configuration."""

from __future__ import annotations

import decimal
import enum
import fractions
import math
from typing import Any

import numpy
import pytest
from hotpath.hotpath_cells import BOUNDS, cell, refused


def test_explicit_cell_counts_upper_inclusive(engine: Any) -> None:
    """A value equal to a bound belongs to the bucket that the bound closes."""
    made = cell(engine)
    for value in (0, 1, 1.5, 2.5, 3, 10, 1000, 1000.5, 1000.6, 5000):
        made.record(value)
    assert (10, 8019.1, 0, 5000, (2, 2, 1, 1, 0, 2, 2)) == made.snapshot()


def test_counter_keeps_ints_whole(engine: Any) -> None:
    """A sum stays an int while only ints came, of any size."""
    made = cell(engine, "counter")
    for _ in range(5):
        made.add(2**63 - 1)
    made.add()
    count, total, least, most, detail = made.snapshot()
    assert (6, 5 * (2**63 - 1) + 1, None, None, None) == (count, total, least, most, detail)
    assert int is type(total)


def test_up_down_sum_goes_below_every_int64(engine: Any) -> None:
    """Underflow is counted as exactly as overflow."""
    made = cell(engine, "up_down")
    for value in (-(2**63), -(2**63), -5, 2**63 - 1):
        made.add(value)
    assert (4, -(2**64) - 5 + 2**63 - 1) == made.snapshot()[:2]


def test_float_turns_the_sum_into_one(engine: Any) -> None:
    """One float is enough."""
    made = cell(engine, "counter")
    made.add(2)
    made.add(0.5)
    assert (2, 2.5) == made.snapshot()[:2]
    assert float is type(made.snapshot()[1])


def test_gauge_keeps_the_last_value_in_its_type(engine: Any) -> None:
    """Negative, int and float."""
    made = cell(engine, "gauge")
    for value, expected in ((3, int), (-2.5, float), (7, int)):
        made.set(value)
        assert value == made.snapshot()[1]
        assert expected is type(made.snapshot()[1])


def test_extremes_are_exact_where_floats_are_not(engine: Any) -> None:
    """2**53 + 1 is larger than the float 2**53, which it would become."""
    made = cell(engine)
    made.record(2.0**53)
    made.record(2**53 + 1)
    assert 2**53 + 1 == made.snapshot()[3]
    assert 2.0**53 == made.snapshot()[2]
    assert float is type(made.snapshot()[2])


def test_empty_histogram_has_no_extremes(engine: Any) -> None:
    """None, not infinity."""
    assert (0, 0, None, None, (0,) * 7) == cell(engine).snapshot()
    assert (0, 0, None, None, (20, 0, 0, ())) == cell(engine, "exponential").snapshot()


def test_exponential_zero_threshold(engine: Any) -> None:
    """Magnitudes up to the threshold are zeros, and still in sum and count."""
    made = cell(engine, "exponential", zero_threshold=0.5)
    for value in (0, 0.25, 0.5, 1):
        made.record(value)
    assert (4, 1.75, 0, 1, (20, 3, -1, (1,))) == made.snapshot()


class _Index:
    def __index__(self) -> int:
        return 7


class _Side(enum.IntEnum):
    BUY = 1


@pytest.mark.parametrize(
    ("value", "total"),
    [
        (True, 1),
        (_Side.BUY, 1),
        (_Index(), 7),
        (decimal.Decimal("2.5"), 2.5),
        (fractions.Fraction(1, 4), 0.25),
        (numpy.int64(5), 5),
        (numpy.float64(1.5), 1.5),
        (numpy.float32(0.5), 0.5),
        (2**70, float(2**70)),
        (-0.0, 0.0),
    ],
)
def test_numbers_of_every_type_are_taken(engine: Any, value: Any, total: Any) -> None:
    """What has __index__ is an int, what has __float__ a float; ints beyond int64 are floats."""
    made = cell(engine)
    made.record(value)
    assert (1, total) == made.snapshot()[:2]
    assert type(total) is type(made.snapshot()[1])
    assert {} == refused(engine)


class _Raises:
    def __float__(self) -> float:
        raise RuntimeError("no")


class _Lies:
    def __index__(self) -> int:
        return "x"  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("1.5", "not_a_number"),
        (b"1", "not_a_number"),
        (None, "not_a_number"),
        ([1], "not_a_number"),
        (1j, "not_a_number"),
        (object(), "not_a_number"),
        (_Raises(), "not_a_number"),
        (_Lies(), "not_a_number"),
        (decimal.Decimal("sNaN"), "not_a_number"),
        (math.nan, "not_finite"),
        (math.inf, "not_finite"),
        (-math.inf, "not_finite"),
        (decimal.Decimal("Infinity"), "not_finite"),
        (10**400, "not_finite"),
        (-1, "negative"),
        (-1e-300, "negative"),
        (-(10**30), "negative"),
    ],
)
@pytest.mark.parametrize("kind", ["explicit", "exponential", "counter"])
def test_wrong_value_is_counted_and_harms_nothing(engine: Any, kind: str, value: Any, reason: str) -> None:
    """No exception, one count by reason, and the rest of the data as before."""
    made = cell(engine, kind)
    made.record(3)
    before = made.snapshot()
    made.record(value)
    assert before == made.snapshot()
    assert {reason: 1} == refused(engine)


def test_wrong_calls_are_counted(engine: Any) -> None:
    """No call of a recording method raises, whatever its arguments."""
    made = cell(engine)
    made.record()
    made.record(1, None, 3)
    made.record(value=3)
    made.record(1, amount=2)
    made.record(1, None, context=None)
    made.set()
    made.add(1, 2, 3, 4)
    made.record_since()
    made.record_since(1, 2, 3)
    made.record_since(1, contexts=2)
    assert {"invalid_arguments": 10} == refused(engine)
    assert 0 == made.snapshot()[0]


def test_arguments_by_name(engine: Any) -> None:
    """amount and context, as OpenTelemetry names them."""
    made = cell(engine, "counter")
    made.add(amount=2)
    made.add(3, None)
    made.add(4, context=None)
    made.add(context=None)
    made.record(amount=5, context={})
    assert (5, 15) == made.snapshot()[:2]
    assert {} == refused(engine)


def test_refusal_is_told_once_for_each_reason_and_cell(engine: Any) -> None:
    """The hook gets reason, name and value; counting goes on."""
    told: list[tuple[str, str, object]] = []
    engine.set_refusal_hook(lambda *what: told.append(what))
    one, other = cell(engine, name="one"), cell(engine, name="other")
    for made in (one, other):
        for value in ("x", "y", -1, -2):
            made.record(value)
    assert [
        ("not_a_number", "one", "x"),
        ("negative", "one", -1),
        ("not_a_number", "other", "x"),
        ("negative", "other", -1),
    ] == told
    assert {"not_a_number": 4, "negative": 4} == refused(engine)
    one.configure("counter")
    one.record("z")
    assert ("not_a_number", "one", "z") == told[-1]


def test_failing_refusal_hook_is_ignored(engine: Any) -> None:
    """A record never raises."""

    def hook(reason: str, name: str, value: object) -> None:
        raise RuntimeError(reason)

    engine.set_refusal_hook(hook)
    made = cell(engine)
    made.record("x")
    made.record(1)
    assert 1 == made.snapshot()[0]


def test_hook_may_configure_the_very_cell(engine: Any) -> None:
    """A hook that closes or configures what is being recorded into finds and leaves it whole."""
    made = cell(engine, exemplars=True)
    further = cell(engine, "counter")
    made.configure("explicit", bounds=engine.Bounds(BOUNDS), next=further)

    def hook(reason: str, name: str, value: object) -> None:
        made.configure("exponential", max_size=4)
        made.record(1)
        made.close()

    engine.set_refusal_hook(hook)
    made.record(-1)
    assert "closed" == made.kind
    made.record(1)
    made.configure("counter")
    made.add(2)
    assert (1, 2) == made.snapshot()[:2]


def test_new_cell_is_closed(engine: Any) -> None:
    """Before the first configuration records are refused."""
    made = engine.Cell("early")
    made.record(1)
    made.record("x")
    made.add()
    made.record_since(engine.now())
    with made.time():
        pass
    assert "closed" == made.kind
    assert {"closed": 5} == refused(engine)


def test_closed_cell_lives_again(engine: Any) -> None:
    """The handle stays; what it held is gone."""
    made = cell(engine, "counter")
    add = made.add
    add(5)
    made.close()
    add(6)
    assert (0, 0) == made.snapshot()[:2]
    made.configure("counter")
    add(7)
    assert (1, 7) == made.snapshot()[:2]
    assert {"closed": 1} == refused(engine)


def test_dropped_cell_takes_everything_silently(engine: Any) -> None:
    """A view that drops costs nothing and says nothing."""
    made = cell(engine, "dropped")
    made.record(1)
    made.record(-1)
    made.record_since(engine.now())
    assert (0, 0, None, None, None) == made.snapshot()
    assert {} == refused(engine)


def test_chain_feeds_every_stream(engine: Any) -> None:
    """One record, several views."""
    last = cell(engine, "exponential", max_scale=0)
    middle = cell(engine, "counter", next=last)
    first = cell(engine, "dropped", next=middle)
    first.record(3)
    first.record(-1)
    assert (1, 3) == middle.snapshot()[:2]
    assert (1, 3, 3, 3, (0, 0, 1, (1,))) == last.snapshot()
    assert {"negative": 1} == refused(engine)
    assert middle is first.next
    assert last is middle.next


def test_hook_may_take_the_chain_apart(engine: Any) -> None:
    """The stream that is being fed loses its last reference; those after it are fed nothing, or all."""
    first, last = cell(engine, "counter"), cell(engine, "up_down")
    first.configure("up_down", next=cell(engine, "counter", name="middle", next=last))
    engine.set_refusal_hook(lambda *what: first.configure("counter"))
    first.record(-1)
    assert {"negative": 1} == refused(engine)
    assert "counter" == first.kind
    assert last.snapshot()[0] in (0, 1)


def test_chain_must_not_lead_back(engine: Any) -> None:
    """A circle would never end."""
    first, last = cell(engine), cell(engine)
    first.configure("counter", next=last)
    for made in (first, last):
        with pytest.raises(ValueError, match="next must not lead back to the cell"):
            last.configure("counter", next=made)
    assert "explicit" == last.kind


@pytest.mark.parametrize(
    ("kind", "what", "error", "message"),
    [
        ("sum", {}, ValueError, "no kind of cell is named 'sum'"),
        ("explicit", {}, TypeError, "an explicit cell needs bounds=Bounds"),
        ("explicit", {"bounds": [1, 2]}, TypeError, "an explicit cell needs bounds=Bounds"),
        ("exponential", {"max_size": 1}, ValueError, "max_size must be 2 to 4096; was 1"),
        ("exponential", {"max_size": 4097}, ValueError, "max_size must be 2 to 4096; was 4097"),
        ("exponential", {"max_scale": 21}, ValueError, "max_scale must be -10 to 20; was 21"),
        ("exponential", {"max_scale": -11}, ValueError, "max_scale must be -10 to 20; was -11"),
        ("exponential", {"zero_threshold": -1.0}, ValueError, "zero_threshold must be finite and not negative"),
        ("counter", {"per_ns": math.nan}, ValueError, "per_ns must be finite and not negative"),
        ("counter", {"next": "x"}, TypeError, "next must be a Cell or None"),
        ("counter", {"unknown": 1}, TypeError, "unknown"),
        (5, {}, TypeError, "str"),
    ],
)
def test_impossible_configuration_changes_nothing(
    engine: Any, kind: Any, what: dict[str, Any], error: type[Exception], message: str
) -> None:
    """The message says what to write, and the cell goes on."""
    made = cell(engine, "counter")
    made.add(3)
    with pytest.raises(error, match=message):
        made.configure(kind, **what)
    assert ("counter", 3) == (made.kind, made.snapshot()[1])


def test_negative_values_where_asked_for(engine: Any) -> None:
    """A histogram of profit and loss."""
    made = cell(engine, bounds=(-5, 0, 5), negative=True)
    for value in (-7, -5.0, -0.5, 3, 9):
        made.record(value)
    assert (5, -0.5, -7, 9, (2, 1, 1, 1)) == made.snapshot()


def test_record_since_converts_to_the_unit(engine: Any) -> None:
    """2 ms are 2000 us and 0.002 s."""
    for per_ns, expected in ((1e-3, 2000.0), (1e-9, 0.002)):
        made = cell(engine, per_ns=per_ns)
        engine.set_clock(lambda: 5_000_000, None)
        made.record_since(3_000_000)
        made.record_since(3_000_000, {})
        made.record_since(3_000_000, context=None)
        assert 3 == made.snapshot()[0]
        assert pytest.approx(expected) == made.snapshot()[2] == made.snapshot()[3]


@pytest.mark.parametrize("start", ["x", 1.5, -1, None, True, 2**80, -(2**80)])
def test_wrong_start_is_refused(engine: Any, start: Any) -> None:
    """Only a reading of now() is a start."""
    made = cell(engine, per_ns=1.0)
    made.record_since(start)
    made.record_since(engine.now() + 10**12)
    assert {"invalid_start": 2} == refused(engine)
    assert 0 == made.snapshot()[0]


def test_duration_needs_a_unit_of_time(engine: Any) -> None:
    """Bytes have no duration."""
    made = cell(engine)
    made.record_since(engine.now())
    with made.time():
        pass
    assert {"not_a_time": 2} == refused(engine)


def test_start_of_the_series_is_its_first_record(engine: Any) -> None:
    """Binding creates no series, and neither does a refusal."""
    engine.set_clock(None, lambda: 1_700_000_000_000_000_000)
    made = cell(engine)
    made.record(-1)
    assert 0 == made.started_ns
    made.record(1)
    engine.set_clock(None, lambda: 1_700_000_000_000_000_005)
    made.record(1)
    assert 1_700_000_000_000_000_000 == made.started_ns
    made.configure("counter")
    assert 0 == made.started_ns


def test_failing_clock_does_not_raise(engine: Any) -> None:
    """A clock is replaced by tests only, and still a record never raises."""

    def broken() -> int:
        raise RuntimeError("no time")

    engine.set_clock(broken, broken)
    made = cell(engine, per_ns=1.0)
    with made.time():
        made.record(1)
    assert 2 == made.snapshot()[0]


def test_name_and_owner_are_kept(engine: Any) -> None:
    """For messages and exemplars."""
    owner = object()
    made = cell(engine, "counter", name="orders", owner=owner)
    assert ("orders", owner, None) == (made.name, made.owner, made.next)
    assert "<Cell 'orders' counter>" == repr(made)
    with pytest.raises(TypeError):
        engine.Cell(5)
