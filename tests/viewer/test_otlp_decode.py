# the house puts the expected value on the left

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from otel_trading.viewer.decode import BadPayload, decode_logs, decode_metrics, decode_traces
from otel_trading.viewer.rows import MAX_TIME_NS

RESOURCE = [KeyValue(key="service.name", value=AnyValue(string_value="risk"))]


def trace_request(**fields: object) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    resource_spans.resource.attributes.extend(RESOURCE)
    span = resource_spans.scope_spans.add().spans.add(trace_id=b"\1" * 16, span_id=b"\2" * 8, name="risk.check")
    for key, value in fields.items():
        setattr(span, key, value)
    return request


def test_a_span_is_decoded_in_full() -> None:
    """Ids as hexadecimal text, kind and status as words, times in nanoseconds."""
    request = trace_request(kind=4, start_time_unix_nano=10, end_time_unix_nano=30, parent_span_id=b"\3" * 8)
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.status.code, span.status.message = 2, "denied"
    span.attributes.add(key="n").value.int_value = -5
    span.events.add(name="seen", time_unix_nano=11)
    span.links.add(trace_id=b"\4" * 16, span_id=b"\5" * 8)
    found = decode_traces(request.SerializeToString())
    assert (0, "") == (found.rejected, found.reason)
    row = found.rows[0]
    assert ("01" * 16, "02" * 8, "03" * 8) == (row.trace_id, row.span_id, row.parent_id)
    assert ("risk.check", "producer", "risk", 20) == (row.name, row.kind, row.service, row.duration_ns)
    assert ("error", "denied", {"n": -5}) == (row.status, row.status_message, row.attributes)
    assert [("seen", 11)] == [(event.name, event.time_ns) for event in row.events]
    assert [("04" * 16, "05" * 8)] == [(link.trace_id, link.span_id) for link in row.links]


@pytest.mark.parametrize(
    "fields", [{"trace_id": b""}, {"trace_id": b"\0" * 16}, {"span_id": b"\1" * 7}, {"span_id": b"\0" * 8}]
)
def test_a_span_without_valid_ids_costs_only_itself(fields: dict[str, bytes]) -> None:
    """It is counted with a reason; the other one arrives."""
    request = trace_request(**fields)
    request.MergeFrom(trace_request())
    found = decode_traces(request.SerializeToString())
    assert (1, 1) == (len(found.rows), found.rejected)
    assert "16 and span_id 8 bytes" in found.reason


def test_times_beyond_the_database_are_capped() -> None:
    """OTLP's times are unsigned."""
    row = decode_traces(trace_request(end_time_unix_nano=2**64 - 1).SerializeToString()).rows[0]
    assert MAX_TIME_NS == row.end_ns


def test_every_kind_of_value_becomes_json() -> None:
    """Bytes as base64, NaN and infinities as names, nothing as null, nesting kept."""
    request = trace_request()
    values = {
        "text": AnyValue(string_value="x"),
        "flag": AnyValue(bool_value=True),
        "big": AnyValue(int_value=2**63 - 1),
        "nan": AnyValue(double_value=float("nan")),
        "inf": AnyValue(double_value=float("-inf")),
        "raw": AnyValue(bytes_value=b"\xff"),
        "none": AnyValue(),
        "list": AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1), AnyValue()])),
        "map": AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="k", value=AnyValue(double_value=0.5))])),
    }
    span = request.resource_spans[0].scope_spans[0].spans[0]
    span.attributes.extend(KeyValue(key=key, value=value) for key, value in values.items())
    assert {
        "text": "x",
        "flag": True,
        "big": 2**63 - 1,
        "nan": "nan",
        "inf": "-inf",
        "raw": "/w==",
        "none": None,
        "list": [1, None],
        "map": {"k": 0.5},
    } == decode_traces(request.SerializeToString()).rows[0].attributes


def test_a_log_record_is_decoded_in_full() -> None:
    """Severity as a word also where only the number came; time of observation where the event has none."""
    request = ExportLogsServiceRequest()
    resource_logs = request.resource_logs.add()
    resource_logs.resource.attributes.extend(RESOURCE)
    scope = resource_logs.scope_logs.add()
    record = scope.log_records.add(
        observed_time_unix_nano=7, severity_number=13, trace_id=b"\1" * 16, span_id=b"\2" * 8
    )
    record.body.string_value = "order denied"
    record.event_name = "order.denied"
    scope.log_records.add(time_unix_nano=8, severity_text="INFO")
    first, second = decode_logs(request.SerializeToString()).rows
    assert (7, 13, "warn", "order denied", "order.denied", "risk") == (
        first.time_ns,
        first.severity_number,
        first.severity,
        first.body,
        first.event_name,
        first.service,
    )
    assert ("01" * 16, "02" * 8) == (first.trace_id, first.span_id)
    assert (8, "info", "", "") == (second.time_ns, second.severity, second.body, second.trace_id)


def test_every_kind_of_metric_is_decoded() -> None:
    """Name, unit, kind, magnitude; a resource without a name is unknown_service."""
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="g", unit="s").gauge.data_points.add(as_double=0.5, time_unix_nano=1)
    counter = metrics.add(name="c", unit="{order}")
    counter.sum.is_monotonic = True
    counter.sum.data_points.add(as_int=3)
    metrics.add(name="u").sum.data_points.add(as_int=-2)
    metrics.add(name="h", unit="s").histogram.data_points.add(
        count=3, sum=0.6, explicit_bounds=[0.1], bucket_counts=[1, 2]
    )
    metrics.add(name="e").exponential_histogram.data_points.add(count=4)
    metrics.add(name="s").summary.data_points.add(count=5, sum=1.0)
    found = {point.name: point for point in decode_metrics(request.SerializeToString()).rows}
    assert ("gauge", "s", 0.5, "unknown_service") == (
        found["g"].kind,
        found["g"].unit,
        found["g"].value,
        found["g"].service,
    )
    assert ("counter", "{order}", 3.0) == (found["c"].kind, found["c"].unit, found["c"].value)
    assert ("up_down_counter", -2.0) == (found["u"].kind, found["u"].value)
    assert ("histogram", 3, 0.6) == (found["h"].kind, found["h"].count, found["h"].total)
    assert {"bounds": [0.1], "counts": [1, 2]} == found["h"].buckets
    assert ("exponential_histogram", 4, None) == (found["e"].kind, found["e"].count, found["e"].total)
    assert ("summary", 5, 1.0) == (found["s"].kind, found["s"].count, found["s"].total)


@pytest.mark.parametrize("decode", [decode_traces, decode_logs, decode_metrics])
def test_an_empty_body_is_an_empty_request(decode: object) -> None:
    """Protobuf's empty message has no bytes."""
    assert [] == decode(b"").rows  # type: ignore[operator]


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200))
def test_random_bytes_are_refused_or_decoded_and_nothing_else(body: bytes) -> None:
    """No other exception escapes."""
    for decode in (decode_traces, decode_logs, decode_metrics):
        try:
            decode(body)
        except BadPayload as error:
            assert "is not a valid Export" in str(error)
