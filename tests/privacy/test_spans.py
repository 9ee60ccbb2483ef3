"""Spans as they may be exported."""

# the house puts the expected value on the left

from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from otel_trading.privacy.redaction import Redactor
from otel_trading.privacy.spans import redact_span

MASK = "[redacted]"
REDACTOR = Redactor()
OTHER = SpanContext(1, 2, True, TraceFlags(1))


def finished(name="order.submit", **arguments) -> tuple[ReadableSpan, object]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False, span_limits=SpanLimits(max_span_attributes=3))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    span = provider.get_tracer(arguments.pop("scope", "t")).start_span(name, **arguments)
    return span, exporter


def test_clean_span_is_the_same_object():
    """Most spans hold no secret, and cost no copy."""
    span, exporter = finished(attributes={"trading.order.id": "4111111111111111", "n": 1, "l": ("a", "b")})
    span.add_event("sent", {"size": 5})
    span.end()
    (done,) = exporter.get_finished_spans()
    assert redact_span(done, REDACTOR) is done


def test_every_part_is_redacted_and_the_rest_is_kept():
    """Name, attributes, events, exceptions, links, status; ids, times, kind and counts stay."""
    span, exporter = finished(
        "GET /order?signature=abc", kind=SpanKind.CLIENT, links=[Link(OTHER, {"token": "t"})],
        attributes={"a": 1, "b": 2, "api_key": "k", "url.full": "https://u:p@h/?signature=x"},
    )  # fmt: skip
    span.add_event("sent Bearer abcdef123456", {"cookie": "c"})
    try:
        raise ValueError("password=hunter2")
    except ValueError as error:
        span.record_exception(error)
    span.set_status(Status(StatusCode.ERROR, "failed: secret=s"))
    span.end()
    (done,) = exporter.get_finished_spans()
    result = redact_span(done, REDACTOR)
    assert f"GET /order?signature={MASK}" == result.name
    assert {"b": 2, "api_key": MASK, "url.full": f"https://{MASK}@h/?signature={MASK}"} == dict(result.attributes)
    assert f"sent Bearer {MASK}" == result.events[0].name
    assert {"cookie": MASK} == dict(result.events[0].attributes)
    assert f"password={MASK}" == result.events[1].attributes["exception.message"]
    assert "hunter2" not in result.events[1].attributes["exception.stacktrace"].rsplit("ValueError", 1)[1]
    assert {"token": MASK} == dict(result.links[0].attributes)
    assert f"failed: secret={MASK}" == result.status.description
    assert StatusCode.ERROR is result.status.status_code
    assert 1 == result.dropped_attributes == done.dropped_attributes
    for part in ("kind", "parent", "start_time", "end_time", "resource", "instrumentation_scope"):
        assert getattr(done, part) == getattr(result, part)
    assert done.get_span_context() is result.get_span_context()
    assert done.events[0].timestamp == result.events[0].timestamp
    encode_spans([result]).SerializeToString()


def test_odd_values_do_not_break_a_batch():
    """Lone surrogates, big integers and float times cost nothing but themselves."""
    span, exporter = finished("n\udcff", scope="s\udcff", start_time=1.5, attributes={"k\udcff": "v\udcff", "n": 2**70})
    span.add_event("e\udcff", {"x": "y\udcff"}, timestamp=2.5)
    span.end()
    (done,) = exporter.get_finished_spans()
    result = redact_span(done, REDACTOR)
    assert ("n\\udcff", 1) == (result.name, result.start_time)
    assert {"k\\udcff": "v\\udcff", "n": str(2**70)} == dict(result.attributes)
    assert "s\\udcff" == result.instrumentation_scope.name
    assert 2 == result.events[0].timestamp
    encode_spans([result]).SerializeToString()
