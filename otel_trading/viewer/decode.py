"""OTLP protobuf to rows. One bad item costs that item: it is counted in `rejected`, the rest goes through."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from otel_trading.viewer.rows import MAX_TIME_NS, Attributes, Event, Json, Link, LogLine, Point, Span

_KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
_STATUSES = {0: "unset", 1: "ok", 2: "error"}
_SEVERITIES = ("trace", "debug", "info", "warn", "error", "fatal")

Row = TypeVar("Row")


class BadPayload(Exception):
    """The body is no OTLP message of the expected kind."""


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Row]):
    """The usable rows of one request, and how many items had to be left out for `reason`."""

    rows: list[Row]
    rejected: int = 0
    reason: str = ""


def decode_traces(body: bytes) -> Decoded[Span]:
    """Returns the spans of an ExportTraceServiceRequest; spans without valid ids are rejected.

    Raises:
        BadPayload: the bytes are no such message.
    """
    request = ExportTraceServiceRequest()
    _parse(request, body)
    rows: list[Span] = []
    rejected = 0
    for resource_spans in request.resource_spans:
        service = _service(resource_spans.resource)
        for scope in resource_spans.scope_spans:
            for span in scope.spans:
                if _valid_id(span.trace_id, 16) and _valid_id(span.span_id, 8):
                    rows.append(_span(span, service))
                else:
                    rejected += 1
    return Decoded(rows, rejected, "trace_id must be 16 and span_id 8 bytes, not all zero" if rejected else "")


def decode_logs(body: bytes) -> Decoded[LogLine]:
    """Returns the records of an ExportLogsServiceRequest.

    Raises:
        BadPayload: the bytes are no such message.
    """
    request = ExportLogsServiceRequest()
    _parse(request, body)
    rows = [
        _log_line(record, _service(resource_logs.resource))
        for resource_logs in request.resource_logs
        for scope in resource_logs.scope_logs
        for record in scope.log_records
    ]
    return Decoded(rows)


def decode_metrics(body: bytes) -> Decoded[Point]:
    """Returns the points of an ExportMetricsServiceRequest, one row a point.

    Raises:
        BadPayload: the bytes are no such message.
    """
    request = ExportMetricsServiceRequest()
    _parse(request, body)
    rows = [
        point
        for resource_metrics in request.resource_metrics
        for scope in resource_metrics.scope_metrics
        for metric in scope.metrics
        for point in _points(metric, _service(resource_metrics.resource))
    ]
    return Decoded(rows)


def _parse(
    request: ExportTraceServiceRequest | ExportLogsServiceRequest | ExportMetricsServiceRequest, body: bytes
) -> None:
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise BadPayload(f"the body is not a valid {type(request).__name__}: {error}") from None


def _span(span: trace_pb2.Span, service: str) -> Span:
    return Span(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() if _valid_id(span.parent_span_id, 8) else "",
        name=span.name,
        kind=_KINDS.get(span.kind, "internal"),
        service=service,
        start_ns=_time(span.start_time_unix_nano),
        end_ns=_time(span.end_time_unix_nano),
        status=_STATUSES.get(span.status.code, "unset"),
        status_message=span.status.message,
        attributes=_attributes(span.attributes),
        events=tuple(Event(e.name, _time(e.time_unix_nano), _attributes(e.attributes)) for e in span.events),
        links=tuple(Link(k.trace_id.hex(), k.span_id.hex(), _attributes(k.attributes)) for k in span.links),
    )


def _log_line(record: LogRecord, service: str) -> LogLine:
    body = _value(record.body)
    attributes = _attributes(record.attributes)
    return LogLine(
        time_ns=_time(record.time_unix_nano or record.observed_time_unix_nano),
        severity_number=record.severity_number,
        severity=record.severity_text.lower() or _severity(record.severity_number),
        body=body if isinstance(body, str) else "" if body is None else str(body),
        event_name=record.event_name or str(attributes.get("event.name", "")),
        trace_id=record.trace_id.hex() if _valid_id(record.trace_id, 16) else "",
        span_id=record.span_id.hex() if _valid_id(record.span_id, 8) else "",
        service=service,
        attributes=attributes,
    )


def _points(metric: metrics_pb2.Metric, service: str) -> Iterator[Point]:
    kind = metric.WhichOneof("data")
    if kind == "gauge":
        yield from _numbers(metric, "gauge", metric.gauge.data_points, service)
    elif kind == "sum":
        name = "counter" if metric.sum.is_monotonic else "up_down_counter"
        yield from _numbers(metric, name, metric.sum.data_points, service)
    elif kind == "histogram":
        for point in metric.histogram.data_points:
            buckets: Attributes = {"bounds": list(point.explicit_bounds), "counts": list(point.bucket_counts)}
            total = point.sum if point.HasField("sum") else None
            yield _distribution(metric, kind, point, service, total, buckets)
    elif kind == "exponential_histogram":
        for exponential in metric.exponential_histogram.data_points:
            total = exponential.sum if exponential.HasField("sum") else None
            yield _distribution(metric, kind, exponential, service, total, {})
    elif kind == "summary":
        for summary in metric.summary.data_points:
            yield _distribution(metric, kind, summary, service, summary.sum, {})


def _numbers(
    metric: metrics_pb2.Metric, kind: str, points: Iterable[metrics_pb2.NumberDataPoint], service: str
) -> Iterator[Point]:
    for point in points:
        value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
        attributes = _attributes(point.attributes)
        yield Point(
            service, metric.name, metric.unit, kind, attributes, _time(point.time_unix_nano), value=float(value)
        )


def _distribution(
    metric: metrics_pb2.Metric,
    kind: str,
    point: metrics_pb2.HistogramDataPoint | metrics_pb2.ExponentialHistogramDataPoint | metrics_pb2.SummaryDataPoint,
    service: str,
    total: float | None,
    buckets: Attributes,
) -> Point:
    return Point(
        service,
        metric.name,
        metric.unit,
        kind,
        _attributes(point.attributes),
        _time(point.time_unix_nano),
        count=min(point.count, MAX_TIME_NS),
        total=total,
        buckets=buckets,
    )


def _service(resource: Resource) -> str:
    for attribute in resource.attributes:
        if attribute.key == "service.name":
            return str(_value(attribute.value)) or "unknown_service"
    return "unknown_service"


def _attributes(pairs: Iterable[KeyValue]) -> Attributes:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Json:
    """Returns the JSON form: bytes as base64, NaN and the infinities as their names."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "double_value":
        return value.double_value if math.isfinite(value.double_value) else str(value.double_value)
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode("ascii")
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _value(pair.value) for pair in value.kvlist_value.values}
    plain: bool | int | str = getattr(value, kind)
    return plain


def _severity(number: int) -> str:
    return _SEVERITIES[(number - 1) // 4] if 1 <= number <= 24 else ""


def _valid_id(raw: bytes, length: int) -> bool:
    return len(raw) == length and any(raw)


def _time(unix_ns: int) -> int:
    return min(unix_ns, MAX_TIME_NS)
