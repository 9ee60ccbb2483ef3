"""HistogramView: histograms only, first match wins, units converted, nothing exported twice."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import ExponentialHistogramDataPoint
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View

import otel_trading as ot
from otel_trading.metrics.exponential import explicit_point
from otel_trading.metrics.histogram_view import from_mapping
from otel_trading.metrics.units import IncompatibleUnits, factor
from otel_trading.testing import capture


def bounds_of(views: list[Any], name: str = "risk.check", unit: str = "s", **advisory: Any) -> tuple[float, ...] | None:
    with capture(views=views) as captured:
        # a meter of its own: instruments live as long as the process, and the first one's advice counts
        ot.meter(f"{len(advisory)}{unit}").create_histogram(name, unit=unit, **advisory).record(0.5)
        found = captured.metrics
        assert [point.name for point in found] == [name]
        return found[0].explicit_bounds


def test_ready_made_boundaries_are_converted_to_the_instruments_unit() -> None:
    """Microseconds on an instrument in seconds."""
    bounds = bounds_of([ot.HistogramView("risk.*", boundaries=ot.boundaries.MICROSECONDS)])
    assert bounds is not None
    assert bounds[:4] == (1e-06, 2e-06, 5e-06, 1e-05)
    assert bounds[-1] == 1.0


def test_plain_numbers_are_in_the_instruments_unit() -> None:
    """Nothing is converted."""
    assert bounds_of([ot.HistogramView("risk.*", boundaries=[1, 2.5])]) == (1.0, 2.5)


def test_the_first_match_wins_and_nothing_is_exported_twice() -> None:
    """In the user's order."""
    views = [ot.HistogramView("risk.check", boundaries=[1]), ot.HistogramView("risk.*", boundaries=[2])]
    assert bounds_of(views) == (1.0,)
    assert bounds_of(views[::-1]) == (2.0,)


def test_an_sdk_view_that_comes_first_wins_too() -> None:
    """One stream, not two."""
    sdk_view = View(instrument_name="risk.*", aggregation=ExplicitBucketHistogramAggregation((9,)))
    assert bounds_of([sdk_view, ot.HistogramView("risk.*", boundaries=[2])]) == (9,)


def test_advisory_boundaries_come_last() -> None:
    """They count where no view matches."""
    advisory: dict[str, Any] = {"explicit_bucket_boundaries_advisory": [7.0]}
    assert bounds_of([], **advisory) == (7.0,)
    assert bounds_of([ot.HistogramView("risk.*", boundaries=[2])], **advisory) == (2.0,)
    assert bounds_of([ot.HistogramView("risk.*", keep_attributes=["a"])], **advisory) == (7.0,)


def test_other_instruments_are_not_touched() -> None:
    """The stock view `risk.*` would turn the counter into a histogram."""
    with capture(views=[ot.HistogramView("risk.*", boundaries=[1])]) as captured:
        ot.meter().create_counter("risk.rejected").add(3)
        ot.meter().create_gauge("risk.exposure").set(4)
        told = {point.name: point.value for point in captured.metrics}
    assert told == {"risk.rejected": 3, "risk.exposure": 4}


def test_names_match_in_any_case() -> None:
    """Instrument names are case-insensitive."""
    assert bounds_of([ot.HistogramView("RISK.Check", boundaries=[3])]) == (3.0,)


def test_attributes_are_kept_or_dropped() -> None:
    """Series that become equal are one."""
    views = [
        ot.HistogramView("kept", keep_attributes=["venue"]),
        ot.HistogramView("dropped", drop_attributes=["symbol"]),
    ]
    with capture(views=views) as captured:
        for name in ("kept", "dropped"):
            histogram = ot.meter().create_histogram(name)
            histogram.record(1, {"venue": "a", "symbol": "x"})
            histogram.bind(venue="a", symbol="y").record(2)
        assert captured.metric("kept").attributes == {"venue": "a"}
        assert captured.metric("dropped").attributes == {"venue": "a"}
        assert (captured.metric("kept").count, captured.metric("dropped").sum) == (2, 3)


def test_an_exponential_view_gives_an_exponential_stream() -> None:
    """To readers that can carry it."""
    with capture(views=[ot.HistogramView("risk.*", boundaries=ot.exponential(max_size=20, max_scale=5))]) as captured:
        ot.meter().create_histogram("risk.check").record(3)
        data = captured._reader.get_metrics_data()
    assert data is not None
    point = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]
    assert point.scale <= 5  # type: ignore[union-attr]


FROM_FILE = {"exponential": {"zero_threshold": 1, "unit": "ms"}}


def exponential_point(view: ot.HistogramView, unit: str, *values: float) -> Any:
    """The point that a view makes of values."""
    with capture(views=[view]) as captured:
        for value in values:
            ot.meter().create_histogram("risk.check", unit=unit).record(value)
        data = captured._reader.get_metrics_data()
    assert data is not None
    return data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]


@pytest.mark.parametrize(
    ("made", "unit", "threshold"),
    [
        (ot.exponential(zero_threshold=250, unit="us"), "s", 0.00025),
        (ot.exponential(zero_threshold=250, unit="us"), "ns", 250_000),
        (ot.exponential(zero_threshold=0.5), "s", 0.5),
        (from_mapping({"match": "a", "boundaries": FROM_FILE}).boundaries, "us", 1000),
    ],
)
def test_values_up_to_the_zero_threshold_are_zeros(made: Any, unit: str, threshold: float) -> None:
    """It is converted to the instrument's unit; without one of its own it is in that."""
    view = ot.HistogramView("risk.*", boundaries=made)
    point = exponential_point(view, unit, 0, threshold / 2, threshold, threshold * 1.001, threshold * 8)
    assert (point.zero_threshold, point.zero_count, point.count) == (threshold, 3, 5)
    assert sum(point.positive.bucket_counts) == 2


def test_a_point_without_a_zero_threshold_is_the_sdk_s_own() -> None:
    """Zeros only are zeros."""
    point = exponential_point(ot.HistogramView("risk.*", boundaries=ot.exponential()), "s", 0, 5e-324)
    assert (type(point), point.zero_count) == (ExponentialHistogramDataPoint, 1)


def test_a_zero_threshold_that_cannot_be_converted_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """The instrument's own boundaries are used."""
    with caplog.at_level(logging.ERROR, "otel_trading"):
        view = ot.HistogramView("risk.*", boundaries=ot.exponential(zero_threshold=1, unit="us"))
        assert bounds_of([view], unit="By") is not None
    assert "the view 'risk.*' does not fit risk.check: 'us' cannot be converted to 'By'" in caplog.text


def test_explicit_buckets_begin_at_the_zero_threshold() -> None:
    """For readers that cannot carry exponential ones."""
    view = ot.HistogramView("risk.*", boundaries=ot.exponential(zero_threshold=1, max_scale=0))
    made = explicit_point(exponential_point(view, "s", 0.5, 1, 3))
    assert (list(made.explicit_bounds), list(made.bucket_counts)) == ([1, 4], [2, 1, 0])


@given(st.floats(1e-9, 1e3), st.floats(1.5, 1e6), st.sampled_from([0.01, 0.05, 0.1, 0.3]), st.floats(0.0, 1.0))
def test_log_linear_keeps_its_relative_error(low: float, span: float, error: float, where: float) -> None:
    """The middle of a value's bucket is not further off than promised."""
    try:
        bounds = ot.log_linear(low, low * span, error).bounds()
    except ValueError as refused:
        assert "at most 1000" in str(refused)
        return
    assert list(bounds) == sorted(set(bounds))
    assert bounds[0] == low
    assert bounds[-1] >= low * span
    value = low + (low * span - low) * where
    upper = next(bound for bound in bounds if bound >= value)
    lower = max((bound for bound in bounds if bound < value), default=low)
    assert abs((upper + lower) / 2 - value) <= error * value * (1 + 1e-9) or value == low


def test_log_linear_is_exported_as_explicit_bounds() -> None:
    """Prometheus needs no native histograms for it."""
    bounds = bounds_of([ot.HistogramView("risk.*", boundaries=ot.log_linear(0.001, 0.008, 0.25))])
    assert bounds == pytest.approx((0.001, 0.0015, 0.002, 0.003, 0.004, 0.006, 0.008))


def test_boundaries_that_cannot_be_converted_are_said_and_the_own_ones_used(caplog: pytest.LogCaptureFixture) -> None:
    """Creating an instrument does not raise."""
    with caplog.at_level(logging.ERROR, "otel_trading"):
        bounds = bounds_of([ot.HistogramView("risk.*", boundaries=ot.boundaries.MICROSECONDS)], unit="By")
    assert bounds is not None
    assert bounds[:3] == (0.0, 5.0, 10.0)
    assert "the view 'risk.*' does not fit risk.check: 'us' cannot be converted to 'By'" in caplog.text


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ot.HistogramView(""), "match must be an instrument name"),
        (lambda: ot.HistogramView("a", boundaries=[2, 1]), "strictly ascending; 1 follows 2.0"),
        (lambda: ot.HistogramView("a", boundaries=[]), "at least one number"),
        (lambda: ot.HistogramView("a", boundaries=["1"]), "finite numbers; was '1'"),  # type: ignore[list-item]
        (lambda: ot.HistogramView("a", boundaries="1,2"), "boundaries must be numbers"),  # type: ignore[arg-type]
        (lambda: ot.HistogramView("a", keep_attributes="venue"), "keep_attributes must be a list of strings"),
        (lambda: ot.HistogramView("a", keep_attributes=["a"], drop_attributes=["b"]), "cannot be given together"),
        (lambda: ot.log_linear(0, 1), "0 < min < max"),
        (lambda: ot.log_linear(1, 2, 0.9), "relative_error must be from 0.005 to 0.5"),
        (lambda: ot.log_linear(1e-9, 1e9, 0.005), "Raise relative_error"),
        (lambda: ot.exponential(max_size=1), "max_size must be from 2 to 1024"),
        (lambda: ot.exponential(zero_threshold=-1), "zero_threshold must be a finite number of at least 0; was -1"),
        (lambda: ot.exponential(zero_threshold=math.inf), "of at least 0; was inf"),
        (lambda: ot.exponential(zero_threshold=math.nan), "of at least 0; was nan"),
        (lambda: ot.exponential(zero_threshold="1"), "of at least 0; was '1'"),  # type: ignore[arg-type]
        (lambda: ot.exponential(unit=5), "unit must be the unit of zero_threshold, such as 'us'; was 5"),  # type: ignore[arg-type]
        (lambda: from_mapping({"match": "a", "boundarys": [1]}), "unknown key 'boundarys'"),
        (lambda: from_mapping({"match": "a", "boundaries": {"log_linear": {"min": 1}}}), "log_linear:"),
        (lambda: from_mapping({"match": "a", "boundaries": {"linear": {}}}), "exponential or log_linear"),
    ],
)
def test_an_impossible_view_is_rejected_with_a_clear_message(make: Any, message: str) -> None:
    """At start-up."""
    with pytest.raises(ValueError, match=message.replace("(", "\\(")):
        make()


def test_init_rejects_what_is_no_view() -> None:
    """With position, rule and value."""
    with pytest.raises(
        ot.ConfigurationError, match=r"'views\[1\]' \(from argument\) must be a HistogramView or an SDK View"
    ):
        ot.init("x", views=[ot.HistogramView("a"), "risk.*"])


@pytest.mark.parametrize(
    ("source", "target", "by"), [("us", "s", 1e-6), ("ms", "us", 1e3), ("bps", "%", 1e-2), ("KiBy", "By", 1024)]
)
def test_units_of_one_family_are_converted(source: str, target: str, by: float) -> None:
    """Time, bytes, ratios."""
    assert factor(source, target) == pytest.approx(by)


def test_units_of_two_families_are_not_converted() -> None:
    """And nothing is guessed."""
    with pytest.raises(IncompatibleUnits, match="'s' cannot be converted to 'By'"):
        factor("s", "By")


def test_every_ready_made_set_is_ascending_and_has_a_unit() -> None:
    """They are checked when they are made; the names are a promise."""
    names = {name for name, value in vars(ot.boundaries).items() if isinstance(value, ot.Boundaries)}
    assert names == {"NANOSECONDS", "MICROSECONDS", "MILLISECONDS", "SECONDS", "BYTES", "SIZES", "COUNTS", "BPS"}
