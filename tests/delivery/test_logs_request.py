"""Log records to one OTLP request: as the stock encoder has it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_trading.delivery.logs_request import logs_request
from otel_trading.ground import diagnostics
from otel_trading.sdk import LogRecord, ReadableLogRecord, SeverityNumber, encode_logs

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.just("x" * 200)
SCALARS = (
    TEXTS | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.floats(allow_nan=False) | st.binary(max_size=9)
)
VALUES: Any = st.recursive(
    SCALARS | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
RESOURCES = (Resource({"service.name": "risk", "n": 3}, "https://example.com/1"), Resource.get_empty())
SCOPES = (None, InstrumentationScope("a", "1", "https://example.com/2", {"desk": "fx"}), InstrumentationScope("b"))
UINT64 = st.integers(1, (1 << 64) - 1)


@st.composite
def records(draw: Any) -> ReadableLogRecord:
    record = LogRecord(
        timestamp=draw(st.none() | UINT64),
        observed_timestamp=draw(UINT64),
        context=Context(),
        severity_text=draw(st.none() | TEXTS),
        severity_number=draw(st.none() | st.sampled_from(SeverityNumber)),
        body=draw(VALUES),
        attributes=draw(st.none() | st.dictionaries(TEXTS, VALUES, max_size=5)),
        event_name=draw(st.none() | TEXTS),
    )
    record.trace_id, record.span_id = draw(st.integers(0, (1 << 128) - 1)), draw(st.integers(0, (1 << 64) - 1))
    return ReadableLogRecord(record, draw(st.sampled_from(RESOURCES)), draw(st.sampled_from(SCOPES)))


@given(st.lists(records(), max_size=6))
def test_it_says_what_the_stock_encoder_says(items: list[ReadableLogRecord]) -> None:
    """Field by field, whatever is logged."""
    assert encode_logs(items) == ExportLogsServiceRequest.FromString(logs_request(items))


def one(**given_: Any) -> ReadableLogRecord:
    return ReadableLogRecord(LogRecord(context=Context(), **given_), RESOURCES[0], SCOPES[1])


def test_an_attribute_that_otlp_cannot_carry_costs_itself_only() -> None:
    """And is counted."""
    diagnostics.forget()
    bad: Any = {"huge": 1 << 64, "object": object(), "lone": "\ud800", 5: "x", "good": 1}
    request = ExportLogsServiceRequest.FromString(logs_request([one(body="x", attributes=bad)]))
    (record,) = request.resource_logs[0].scope_logs[0].log_records
    assert ["good"] == [pair.key for pair in record.attributes]
    assert {"delivery.attribute_not_encoded": 4} == diagnostics.troubles()


@pytest.mark.parametrize("given_", [{"body": object()}, {"body": "\ud800"}, {"body": "x", "timestamp": -1}])
def test_a_record_that_otlp_cannot_carry_raises(given_: dict[str, Any]) -> None:
    """`request_bytes` leaves it out."""
    with pytest.raises(Exception, match=r"."):
        logs_request([one(), one(**given_)])
