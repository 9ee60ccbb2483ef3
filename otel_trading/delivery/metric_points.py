"""Data points and exemplars as OTLP's bytes; those of exponential histograms are the stock encoder's."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics.export import ExponentialHistogram, Metric, MetricsData, ResourceMetrics, ScopeMetrics
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_trading.delivery.any_value import attributes
from otel_trading.ground.protobuf import sized

_FIXED64, _SIGNED64, _DOUBLE = struct.Struct("<Q"), struct.Struct("<q"), struct.Struct("<d")
_NOWHERE, _NOTHING = Resource.get_empty(), InstrumentationScope("")


def gauge_point(point: Any) -> bytes:
    """The content of a NumberDataPoint that has no beginning.

    Raises:
        Exception: a number or a time that OTLP cannot carry; for all functions here.
    """
    return _number_point(point, b"")


def sum_point(point: Any) -> bytes:
    """The content of a NumberDataPoint."""
    return _number_point(point, _fixed64(b"\x11", point.start_time_unix_nano))


def histogram_point(point: Any) -> bytes:
    """The content of a HistogramDataPoint."""
    return b"".join(
        (
            _fixed64(b"\x11", point.start_time_unix_nano),
            _fixed64(b"\x19", point.time_unix_nano),
            _fixed64(b"\x21", point.count),
            _double(b"\x29", point.sum),
            _packed(b"\x32", "Q", point.bucket_counts),
            _packed(b"\x3a", "d", point.explicit_bounds),
            _exemplars(b"\x42", point.exemplars),
            attributes(b"\x4a", point.attributes),
            _double(b"\x59", point.min),
            _double(b"\x61", point.max),
        )
    )


def exponential_point(metric: Metric, point: Any) -> bytes:
    """The content of an ExponentialHistogramDataPoint; the stock encoder does not know its zero threshold."""
    alone = replace(cast(ExponentialHistogram, metric.data), data_points=[point])
    part = ResourceMetrics(_NOWHERE, [ScopeMetrics(_NOTHING, [Metric("", "", "", alone)], "")], "")
    found = encode_metrics(MetricsData([part])).resource_metrics[0].scope_metrics[0].metrics[0]
    message: Any = found.exponential_histogram.data_points[0]
    message.zero_threshold = getattr(point, "zero_threshold", 0.0)
    return bytes(message.SerializeToString())


def _number_point(point: Any, start: bytes) -> bytes:
    value = point.value
    number = b"\x31" + _SIGNED64.pack(value) if isinstance(value, int) else b"\x21" + _DOUBLE.pack(value)
    return b"".join(
        (
            start,
            _fixed64(b"\x19", point.time_unix_nano),
            number,
            _exemplars(b"\x2a", point.exemplars),
            attributes(b"\x3a", point.attributes),
        )
    )


def _exemplars(tag: bytes, exemplars: Sequence[Any] | None) -> bytes:
    return b"".join([sized(tag, _exemplar(each)) for each in exemplars]) if exemplars else b""


def _exemplar(exemplar: Any) -> bytes:
    value = exemplar.value
    number = b"\x19" + _DOUBLE.pack(value) if isinstance(value, float) else b"\x31" + _SIGNED64.pack(value)
    ids = b""
    if exemplar.span_id is not None and exemplar.trace_id is not None:
        ids = b"\x22\x08" + exemplar.span_id.to_bytes(8, "big") + b"\x2a\x10" + exemplar.trace_id.to_bytes(16, "big")
    time = _fixed64(b"\x11", exemplar.time_unix_nano)
    return b"".join((time, number, ids, attributes(b"\x3a", exemplar.filtered_attributes)))


def _fixed64(tag: bytes, number: int | None) -> bytes:
    return tag + _FIXED64.pack(number) if number else b""


def _double(tag: bytes, number: float | None) -> bytes:
    return b"" if number is None else tag + _DOUBLE.pack(number)


def _packed(tag: bytes, kind: str, numbers: Sequence[float] | None) -> bytes:
    return sized(tag, struct.pack(f"<{len(numbers)}{kind}", *numbers)) if numbers else b""
