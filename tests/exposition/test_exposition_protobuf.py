"""Prometheus' protobuf format, read by the messages of its schema."""

from __future__ import annotations

import math
from typing import Any

from exposition.exposition_messages import buckets, families, labels
from exposition.exposition_streams import PROTOBUF, Streams, body
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics._internal.exponential_histogram.mapping.logarithm_mapping import LogarithmMapping

from otel_trading.metrics.live import Recorded


def read(streams: Streams, **options: Any) -> dict[str, Any]:
    return {family.name: family for family in families(body(streams.exposition(**options), PROTOBUF))}


def test_each_kind_is_a_message_of_its_type(streams: Streams) -> None:
    """Name, help, unit, labels, values."""
    streams.series(streams.stream("counter", "cpu.time", "s", "CPU."), {"core": 1}, 1.5)
    streams.series(streams.stream("up_down", "open"), {}, -2)
    streams.series(streams.stream("gauge", "load"), {}, 0.5)
    streams.series(streams.stream("explicit", "latency", "s", bounds=(1.0, 2.0)), {}, 0.5, 1.5, 9)
    found = read(streams)
    counter = found["cpu_time_seconds_total"]
    assert (counter.type, counter.help, counter.unit) == (0, "CPU.", "seconds")
    assert (labels(counter.metric[0]), counter.metric[0].counter.value) == ({"core": "1"}, 1.5)
    assert counter.metric[0].counter.created_timestamp.seconds > 1_600_000_000
    assert (found["open"].type, found["open"].metric[0].gauge.value) == (1, -2.0)
    assert found["load"].metric[0].gauge.value == 0.5
    histogram = found["latency_seconds"].metric[0].histogram
    assert (histogram.sample_count, histogram.sample_sum) == (3, 11.0)
    rows = [(bucket.upper_bound, bucket.cumulative_count) for bucket in histogram.bucket]
    assert rows == [(1.0, 1), (2.0, 2), (math.inf, 3)]
    assert not histogram.HasField("schema")


def test_an_exponential_stream_is_a_native_histogram(streams: Streams) -> None:
    """Bucket i ends at base**i; the coarse ones are there for a Prometheus without native histograms."""
    streams.series(streams.stream("exponential", "latency"), {}, 0, 1, 1.5, 1.5, 1000)
    histogram = read(streams)["latency"].metric[0].histogram
    assert (histogram.sample_count, histogram.sample_sum, histogram.zero_count) == (5, 1004.0, 1)
    assert histogram.zero_threshold == 1e-128
    base = 2.0 ** (2.0**-histogram.schema)
    for index, count in buckets(histogram).items():
        inside = [value for value in (1, 1.5, 1.5, 1000) if base ** (index - 1) < value * (1 - 1e-12) <= base**index]
        assert len(inside) == count
    assert sum(buckets(histogram).values()) == 4
    assert (histogram.bucket[-1].upper_bound, histogram.bucket[-1].cumulative_count) == (math.inf, 5)


def test_a_native_histogram_has_the_zero_threshold_of_its_cell(streams: Streams) -> None:
    """And the explicit buckets beside it begin there."""
    series = streams.series(streams.stream("exponential", "latency"))
    series.cell.configure("exponential", zero_threshold=0.25, max_scale=0)
    for value in (0, 0.2, 0.25, 3):
        series.cell.record(value)
    histogram = read(streams)["latency"].metric[0].histogram
    assert (histogram.zero_threshold, histogram.zero_count, histogram.sample_count) == (0.25, 3, 4)
    assert [(one.upper_bound, one.cumulative_count) for one in histogram.bucket][:1] == [(0.25, 3)]


def test_a_native_histogram_before_its_first_value_is_one(streams: Streams) -> None:
    """An empty span tells it from explicit buckets."""
    streams.series(streams.stream("exponential", "latency"))
    histogram = read(streams)["latency"].metric[0].histogram
    assert [(span.offset, span.length) for span in histogram.positive_span] == [(0, 0)]
    assert (histogram.sample_count, list(histogram.positive_delta)) == (0, [])


VALUES = st.lists(st.floats(1e-300, 1e300) | st.floats(0.5, 2.0) | st.integers(1, 1000), min_size=1, max_size=30)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=VALUES, max_scale=st.integers(-4, 20), max_size=st.integers(2, 160))
def test_every_value_lies_in_its_native_bucket(streams: Streams, values: Any, max_scale: int, max_size: int) -> None:
    """At the schema that is told; the SDK's mapping says which one."""
    streams.live.clear()
    series = streams.series(streams.stream("exponential", "h"))
    series.cell.configure("exponential", max_scale=max_scale, max_size=max_size)
    for value in values:
        series.cell.record(value)
    histogram = read(streams)["h"].metric[0].histogram
    found, expected = buckets(histogram), dict[int, int]()
    if not histogram.HasField("schema"):
        return  # coarser than Prometheus knows
    assert -4 <= histogram.schema <= 8
    for value in values:
        index = streams.engine.exponential_index(float(value), histogram.schema) + 1
        expected[index] = expected.get(index, 0) + 1
    assert found == expected
    if histogram.schema > 0:
        mapping = LogarithmMapping(histogram.schema)
        near = [mapping.map_to_index(float(value)) + 1 for value in values]
        assert all(abs(one - other) <= 1 for one, other in zip(sorted(near), sorted(_spread(found)), strict=True))


def _spread(found: dict[int, int]) -> list[int]:
    return [index for index, count in found.items() for _ in range(count)]


def test_a_scale_beyond_prometheus_has_explicit_buckets_only(streams: Streams) -> None:
    """The specification drops such points; here they stay as buckets."""
    series = streams.series(streams.stream("exponential", "h"))
    series.cell.configure("exponential", max_scale=-6)
    series.cell.record(5)
    histogram = read(streams)["h"].metric[0].histogram
    assert not histogram.HasField("schema")
    assert histogram.bucket[-1].cumulative_count == 1


def test_exemplars_are_those_of_buckets_or_of_the_whole_histogram(streams: Streams) -> None:
    """With times; a native histogram shows the ten newest."""
    explicit = streams.series(streams.stream("explicit", "e", bounds=(1.0, 2.0)), {}, 1.5)
    native = streams.series(streams.stream("exponential", "n"), {}, 1.5)
    counter = streams.series(streams.stream("counter", "c"), {}, 1)
    explicit.exemplars = {1: Recorded(1.5, 2_500_000_000, 0xA, 0xB, {"user": "x"})}
    native.exemplars = {n: Recorded(float(n), n * 1_000_000_000, 0xA, n, {}) for n in range(12, 0, -1)}
    counter.exemplars = {0: Recorded(1, 1_000_000_000, 0xA, 0xB, {})}
    found = read(streams)
    shown = found["e"].metric[0].histogram.bucket[1].exemplar
    assert (shown.value, shown.timestamp.seconds, shown.timestamp.nanos) == (1.5, 2, 500_000_000)
    assert labels(shown) == {"trace_id": f"{0xA:032x}", "span_id": f"{0xB:016x}", "user": "x"}
    assert [one.value for one in found["n"].metric[0].histogram.exemplars] == [float(n) for n in range(3, 13)]
    assert found["c_total"].metric[0].counter.exemplar.value == 1.0


def test_target_info_is_a_gauge(streams: Streams) -> None:
    """There is no info type in this format."""
    found = read(streams, resource={"service.name": "risk"}, target_info=True)["target_info"]
    assert (found.type, labels(found.metric[0]), found.metric[0].gauge.value) == (1, {"service_name": "risk"}, 1.0)
