"""The SDK as an oracle: the same instruments, views, measurements and collections give the same points.

Differences that are meant, with the sentence of the specification that they rest on, stand in `DIFFERENCES`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, UpDownCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, Gauge, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    LastValueAggregation,
    SumAggregation,
    View,
)
from opentelemetry.sdk.resources import Resource

from otel_trading.ground import clock
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.metrics.engine import engine

DIFFERENCES = {
    "scale of an exponential histogram after an interval of zeros only": (
        "the SDK goes down to 0, here it stays fine: 'when the histogram contains not more than one value in either of "
        "the positive or negative ranges, the implementation SHOULD use the maximum scale'"
    ),
    "scale of a delta exponential histogram": (
        "the SDK keeps the scale that an earlier interval needed, here each begins with the finest, by the same sentence"
    ),
    "exponential histogram of an up-down counter or a gauge": (
        "the SDK counts negative numbers in the negative range, here the cells have none: 'If it is not possible to apply "
        "the View without producing semantic errors ... the implementation SHOULD emit a warning and proceed as if the "
        "View did not exist', so that no number is lost; tests/metrics/test_metrics_composition.py"
    ),
}

GAUGES_LAST = metadata.version("opentelemetry-sdk") >= "1.45"
"""Before, the SDK showed a gauge only in the first collection after a measurement."""
TYPED = GAUGES_LAST
"""Before, attributes True, 1 and 1.0 were the same to the SDK; to us they never are."""
KINDS = {"counter": "add", "up_down_counter": "add", "histogram": "record", "gauge": "set"}
NAMES = ["orders", "position", "latency", "spread"]
STEP_NS = 1_000_000_000


class Ticking:
    """Wall time that moves only between operations, for both."""

    def __init__(self) -> None:
        self.ns = 1_700_000_000_000_000_000

    def read(self) -> int:
        return self.ns


@contextmanager
def fixed() -> Iterator[Ticking]:
    """Puts one clock into the SDK, the cells and the readings."""
    ticking = Ticking()
    internal = "opentelemetry.sdk.metrics._internal"
    with (
        mock.patch(f"{internal}._view_instrument_match.time_ns", ticking.read),
        mock.patch(f"{internal}.metric_reader_storage.time_ns", ticking.read),
        mock.patch.object(clock, "wall_ns", ticking.read),
    ):
        engine.set_clock(None, ticking.read)
        try:
            yield ticking
        finally:
            engine.set_clock(None, None)


@dataclass(frozen=True)
class Case:
    """What both are told to do."""

    readers: Sequence[tuple[Mapping[Any, AggregationTemporality], Mapping[Any, Any]]]
    views: list[dict[str, Any]]
    instruments: list[tuple[str, str, str, list[float] | None]]
    operations: list[tuple[str, Any]]


number = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 6)),
    st.sampled_from([0, 1, 5, 5.0, 10_000, 0.1, 1e-9, 2.0, 4.0, 1024, 1e300, 1e-300, 5e-324, 2**70]),
)
value = st.one_of(
    st.text("abc", max_size=2), st.integers(0, 2), *([st.booleans(), st.sampled_from([0.5, 1.0])] if TYPED else [])
)
attributes = st.one_of(st.none(), st.dictionaries(st.sampled_from(["venue", "symbol", "side"]), value, max_size=3))
bounds = st.lists(st.floats(0, 1e4).map(lambda bound: round(bound, 2)), max_size=6, unique=True).map(sorted)
aggregation = st.one_of(
    st.none(),
    st.builds(SumAggregation),
    st.builds(LastValueAggregation),
    st.builds(DropAggregation),
    st.builds(ExplicitBucketHistogramAggregation, boundaries=bounds),
    st.builds(ExponentialBucketHistogramAggregation, max_size=st.integers(2, 160), max_scale=st.integers(0, 20)),
)
view = st.fixed_dictionaries(
    {"instrument_name": st.sampled_from([*NAMES, "*", "l?tency", "pos*"])},
    optional={
        "description": st.sampled_from(["said by the view"]),
        "attribute_keys": st.sets(st.sampled_from(["venue", "symbol"]), max_size=2),
        "aggregation": aggregation,
        "instrument_type": st.sampled_from([Counter, Histogram, UpDownCounter]),
        "instrument_unit": st.sampled_from(["s", "{order}"]),
    },
)
temporality = st.sampled_from([AggregationTemporality.CUMULATIVE, AggregationTemporality.DELTA])
reader = st.tuples(
    st.fixed_dictionaries({Counter: temporality, Histogram: temporality, UpDownCounter: temporality}),
    st.one_of(st.just({}), st.just({Histogram: ExponentialBucketHistogramAggregation(max_size=20)})),
)
instrument = st.tuples(
    st.sampled_from([*KINDS]),
    st.sampled_from(NAMES),
    st.sampled_from(["s", "{order}", ""]),
    st.one_of(st.none(), bounds),
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Instruments of different names, so that no identity conflicts."""
    readers = draw(st.lists(reader, min_size=1, max_size=2))
    instruments = draw(st.lists(instrument, min_size=1, max_size=4, unique_by=lambda made: made[1]))
    measured = st.tuples(st.integers(0, len(instruments) - 1), number, attributes)
    operation = st.one_of(
        st.tuples(st.just("measure"), measured), st.tuples(st.just("collect"), st.integers(0, len(readers) - 1))
    )
    operations = draw(st.lists(operation, max_size=30))
    views = draw(st.lists(view, max_size=2))
    for described in views:
        if isinstance(described.get("aggregation"), ExponentialBucketHistogramAggregation):
            described["instrument_type"] = draw(st.sampled_from([Counter, Histogram]))
    finally_ = [("collect", index) for index in range(len(readers))]
    return Case(readers, views, instruments, [*operations, *finally_])


def told(data: Any) -> dict[Any, Any]:
    """A collection as plain values."""
    if data is None:
        return {}
    (resource,) = data.resource_metrics
    return {
        (scope.scope.name, metric.name, metric.unit, metric.description, type(metric.data).__name__): (
            getattr(metric.data, "aggregation_temporality", None),
            getattr(metric.data, "is_monotonic", None),
            sorted((point_told(point) for point in metric.data.data_points), key=repr),
        )
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if GAUGES_LAST or not isinstance(metric.data, Gauge)
    }


def point_told(point: Any) -> dict[str, Any]:
    """A point as plain values; equal numbers of different types differ."""
    found = {name: getattr(point, name) for name in type(point).__dataclass_fields__ if name != "exemplars"}
    found["attributes"] = sorted((key, repr(value)) for key, value in found["attributes"].items())
    for name in ("bucket_counts", "explicit_bounds"):
        if name in found:
            found[name] = list(found[name])
    for name in ("positive", "negative"):
        if name in found:
            found[name] = filled(found[name])
    return found


def filled(buckets: Any) -> dict[int, int]:
    """Buckets that are not empty, by index."""
    return {buckets.offset + place: count for place, count in enumerate(buckets.bucket_counts) if count}


def same_points(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], delta: bool) -> None:
    """Equal but for rounding of sums, and the scale as `DIFFERENCES` says."""
    assert [point["attributes"] for point in ours] == [point["attributes"] for point in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        for name in ("value", "sum", "min", "max"):
            if name in other:
                assert mine.pop(name) == pytest.approx(other.pop(name), rel=1e-9, abs=1e-6), name
        if "scale" in other:
            shift = mine.pop("scale") - other.pop("scale")
            assert shift >= 0
            assert shift == 0 or other["zero_count"] > 0 or delta
            mine["positive"] = merged(mine["positive"], shift)
        assert mine == other


def merged(counts: dict[int, int], shift: int) -> dict[int, int]:
    """Buckets at a coarser scale."""
    found: dict[int, int] = {}
    for index, count in counts.items():
        found[index >> shift] = found.get(index >> shift, 0) + count
    return found


def run(case: Case, make: Any) -> list[tuple[int, dict[Any, Any]]]:
    """Every collection, with its reader."""
    readers = [InMemoryMetricReader(dict(preferred), dict(aggregations)) for preferred, aggregations in case.readers]
    views = [View(**described) for described in case.views]
    with fixed() as ticking:
        provider = make(readers, Resource({"service.name": "oracle"}), None, False, views)
        meter = provider.get_meter("oracle", "1.0")
        made = []
        for kind, name, unit, advisory in case.instruments:
            more = {"explicit_bucket_boundaries_advisory": advisory} if kind == "histogram" and advisory else {}
            made.append(getattr(getattr(meter, f"create_{kind}")(name, unit, f"the {name}", **more), KINDS[kind]))
        found = []
        for what, argument in case.operations:
            ticking.ns += STEP_NS
            if what == "collect":
                found.append((argument, told(readers[argument].get_metrics_data())))
            else:
                index, amount, described = argument
                made[index](amount, described)
    return found


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The SDK warns of each negative value."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(cases())
def test_points_are_those_of_the_sdk(case: Case) -> None:
    """Names, units, types, temporality, attributes, values, buckets, extremes and times."""
    ours_all = run(case, CellMeterProvider)
    try:
        theirs_all = run(case, MeterProvider)
    except Exception as error:
        # the SDK cannot merge an exponential interval into one that had zeros only
        if "Incorrect merge scale" not in str(error):
            raise
        reject()
    for (_, ours), (_, theirs) in zip(ours_all, theirs_all, strict=True):
        assert ours.keys() == theirs.keys()
        for key, (mine_temporality, mine_monotonic, mine) in ours.items():
            other_temporality, other_monotonic, other = theirs[key]
            assert (mine_temporality, mine_monotonic) == (other_temporality, other_monotonic)
            same_points(mine, other, mine_temporality is AggregationTemporality.DELTA)
