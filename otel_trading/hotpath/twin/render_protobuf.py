"""Records in Prometheus' protobuf format, the messages of io.prometheus.client, with native histograms."""

from __future__ import annotations

import math
import struct

from otel_trading.ground.protobuf import delimited, varint
from otel_trading.hotpath.twin.render_copy import Record, Spot

FINEST_SCHEMA, COARSEST_SCHEMA = 8, -4
DEFAULT_THRESHOLD = 1e-128
"""Where none is set, as the specification has it."""

MOST_GAP = 2
"""Empty buckets that cost less than a span of their own."""

MOST_SHOWN = 10
"""Exemplars of a native histogram."""

_VARINT, _FIXED64 = 0, 1


def pair(name: str, value: str) -> bytes:
    """A label of a metric or an exemplar."""
    return delimited(1, delimited(1, name.encode()) + delimited(2, value.encode()))


def _unsigned(field: int, value: int) -> bytes:
    return varint(field << 3 | _VARINT) + varint(value)


def _double(field: int, value: float) -> bytes:
    return varint(field << 3 | _FIXED64) + struct.pack("<d", value)


def _zigzag(value: int) -> int:
    return value << 1 if value >= 0 else (-value << 1) - 1


def _time(field: int, ns: int) -> bytes:
    if ns <= 0:
        return b""
    whole, rest = divmod(ns, 1_000_000_000)
    return delimited(field, _unsigned(1, whole) + (_unsigned(2, rest) if rest else b""))


def metric_of(record: Record) -> bytes:
    """The field `metric` of its family."""
    content = b"".join(pair(name, value) for name, value in record.entry.labels())
    type = record.family.type
    if type == "histogram":
        content += delimited(7, _histogram(record))
    elif type == "counter":
        exemplar = _exemplar(2, record.newest(-math.inf, math.inf))
        content += delimited(3, _double(1, record.sum) + exemplar + _time(3, record.started_ns))
    else:
        content += delimited(2 if type == "gauge" else 5, _double(1, record.sum))
    return delimited(4, content)


def _exemplar(field: int, spot: Spot | None) -> bytes:
    if spot is None:
        return b""
    labels = b"".join(pair(name, value) for name, value in spot.labels)
    return delimited(field, labels + _double(2, spot.value) + _time(3, spot.time_ns))


def _histogram(record: Record) -> bytes:
    rows = record.buckets()
    content = _unsigned(1, rows[-1][1]) + _double(2, record.sum)
    lower = -math.inf
    for upper, count in rows:
        content += delimited(3, _unsigned(1, count) + _double(2, upper) + _exemplar(3, record.newest(lower, upper)))
        lower = upper
    if record.entry.shape.kind == "exponential" and record.scale >= COARSEST_SCHEMA:
        content += _native(record)
        times = sorted({spot.time_ns for spot in record.spots if spot.time_ns > 0})
        for at in times:
            if sum(spot.time_ns > at for spot in record.spots) < MOST_SHOWN:
                content += _exemplar(16, next(spot for spot in record.spots if spot.time_ns == at))
    return content + _time(15, record.started_ns)


def _native(record: Record) -> bytes:
    """Prometheus counts a bucket by its upper end, OpenTelemetry by its lower one."""
    scale, merged = record.merged(FINEST_SCHEMA)
    threshold = record.zero_threshold if record.zero_threshold > 0 else DEFAULT_THRESHOLD
    content = _unsigned(5, _zigzag(scale)) + _double(6, threshold) + _unsigned(7, record.zeros)
    if not merged:
        return content + _span(0, 0)
    deltas, at, before = b"", 0, 0
    for first, end in _spans(merged):
        content += _span(first + 1 - at, end - first)
        at = end + 1
        for index in range(first, end):
            deltas += varint(_zigzag(merged[index] - before))
            before = merged[index]
    return content + delimited(13, deltas)


def _spans(merged: dict[int, int]) -> list[tuple[int, int]]:
    """First index and the one after the last, of rows of buckets without a large gap."""
    found: list[tuple[int, int]] = []
    for index, count in merged.items():
        if count and found and index - found[-1][1] <= MOST_GAP:
            found[-1] = (found[-1][0], index + 1)
        elif count:
            found.append((index, index + 1))
    return found


def _span(offset: int, length: int) -> bytes:
    return delimited(12, _unsigned(1, _zigzag(offset)) + _unsigned(2, length))
