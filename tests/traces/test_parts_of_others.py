"""Instrumentations, processors, exporters, samplers, ids and detectors of others, as they are, over our provider."""

from __future__ import annotations

import asyncio
import io
import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from opentelemetry import baggage, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.instrumentation.sqlite3 import SQLite3Instrumentor
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import SpanKind, Status, StatusCode
from support.servers import Receiver
from traces.traces_recorded import Ours

import otel_trading as ot
from otel_trading.ground import diagnostics

QUIET: dict[str, Any] = {"metrics_exporter": "none", "logs_exporter": "none", "stdout": "off"}


@pytest.fixture
def telemetry(otlp: Receiver) -> Iterator[ot.Telemetry]:
    """Running, with a real receiver."""
    with ot.init("others", otlp_endpoint=otlp.url, **QUIET) as running:
        yield running


def sent(otlp: Receiver, telemetry: ot.Telemetry) -> dict[str, Any]:
    """Name to span, after a flush."""
    assert telemetry.flush(10)
    return {span.name: span for span in otlp.spans}


def provider() -> Any:
    """The global one, as others find it."""
    return trace.get_tracer_provider()


def test_requests_instrumentation(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """A client span under ours, with its attributes; the receiver got the trace's header."""
    RequestsInstrumentor().instrument()
    try:
        with ot.tracer().start_as_current_span("order.submit"):
            requests.post(f"{otlp.url}/orders", data=b"", timeout=10)
    finally:
        RequestsInstrumentor().uninstrument()
    spans = sent(otlp, telemetry)
    client = spans["POST"]
    assert client.kind == client.SPAN_KIND_CLIENT
    assert client.parent_span_id == spans["order.submit"].span_id
    told = {pair.key: pair.value for pair in client.attributes}
    assert any(value.int_value == 200 for key, value in told.items() if "status_code" in key)


def test_sqlite3_instrumentation(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """A span for each statement."""
    SQLite3Instrumentor().instrument()
    try:
        with ot.tracer().start_as_current_span("orders.read"):
            connection = sqlite3.connect(":memory:")
            connection.cursor().execute("SELECT 1")
            connection.close()
    finally:
        SQLite3Instrumentor().uninstrument()
    spans = sent(otlp, telemetry)
    assert spans["SELECT"].parent_span_id == spans["orders.read"].span_id


def test_asyncio_instrumentation(otlp: Receiver, telemetry: ot.Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A span for a coroutine that it is told to trace."""

    async def quote() -> int:
        await asyncio.sleep(0)
        return 1

    monkeypatch.setenv("OTEL_PYTHON_ASYNCIO_COROUTINE_NAMES_TO_TRACE", "quote")
    AsyncioInstrumentor().instrument()
    try:

        async def main() -> None:
            with ot.tracer().start_as_current_span("signal"):
                await asyncio.gather(asyncio.ensure_future(quote()), asyncio.ensure_future(quote()))

        asyncio.run(main())
    finally:
        AsyncioInstrumentor().uninstrument()
    assert telemetry.flush(10)
    names = [span.name for span in otlp.spans]
    assert names.count("asyncio coro-quote") == 2
    assert len({span.trace_id for span in otlp.spans}) == 1


class Noted(SpanProcessor):
    """Writes on spans as they begin, and keeps what it was told of."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.ended: list[ReadableSpan] = []
        self.flushed = self.stopped = 0

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self.started.append((span.name, dict(span.attributes or {}), span.kind, span.parent, parent_context))
        for key, value in baggage.get_all(parent_context).items():
            span.set_attribute(key, str(value))

    def on_end(self, span: ReadableSpan) -> None:
        self.ended.append(span)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        self.flushed += 1
        return True

    def shutdown(self) -> None:
        self.stopped += 1


def test_a_span_processor_reads_and_writes(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """It sees what the SDK would show, writes on the span, and is told of the end once; both ways deliver."""
    theirs = Noted()
    before = ot.tracer("orders", "1.2").start_span("before")
    provider().add_span_processor(theirs)
    token = attach(baggage.set_baggage("desk", "eu"))
    try:
        with ot.tracer("orders", "1.2").start_as_current_span(
            "order", kind=SpanKind.CLIENT, attributes={"n": 1}
        ) as span:
            span.add_event("sent", {"size": 2})
            span.set_status(Status(StatusCode.ERROR, "refused"))
            with ot.tracer().start_as_current_span("child"):
                pass
        span.end()
    finally:
        detach(token)
    before.end()
    assert [each[:3] for each in theirs.started] == [
        ("order", {"n": 1}, SpanKind.CLIENT),
        ("child", {}, SpanKind.INTERNAL),
    ]
    assert theirs.started[0][3] is None
    assert theirs.started[1][3].span_id == span.get_span_context().span_id
    child, order = theirs.ended
    assert (order.name, dict(order.attributes or {})) == ("order", {"n": 1, "desk": "eu"})
    assert (order.status.status_code, order.status.description) == (StatusCode.ERROR, "refused")
    assert [(event.name, dict(event.attributes or {})) for event in order.events] == [("sent", {"size": 2})]
    assert order.instrumentation_scope is not None
    assert (order.instrumentation_scope.name, order.instrumentation_scope.version) == ("orders", "1.2")
    assert order.resource.attributes["service.name"] == "others"
    assert child.parent is not None
    assert (order.end_time or 0) >= (order.start_time or 1)
    spans = sent(otlp, telemetry)
    assert sorted(spans) == ["before", "child", "order"]
    assert {pair.key for pair in spans["order"].attributes} == {"n", "desk"}
    assert provider().force_flush(1000) is True
    assert theirs.flushed >= 1


def test_a_processor_that_raises_harms_nobody(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """It is counted; the span is delivered."""

    class Raising(SpanProcessor):
        def on_start(self, span: Span, parent_context: Context | None = None) -> None:
            raise RuntimeError("start")

        def on_end(self, span: ReadableSpan) -> None:
            raise RuntimeError("end")

    provider().add_span_processor(Raising())
    with ot.tracer().start_as_current_span("order"):
        pass
    assert list(sent(otlp, telemetry)) == ["order"]
    assert diagnostics.troubles()["traces.processor_failed"] == 2


def test_stock_exporters_behind_stock_processors(otlp: Receiver, telemetry: ot.Telemetry) -> None:
    """The console's JSON, and the stock OTLP exporter, which sends what we send."""
    out = io.StringIO()
    provider().add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=out)))
    batch = BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp.url}/v1/traces"))
    provider().add_span_processor(batch)
    with ot.tracer().start_as_current_span("order", attributes={"venue": "binance"}) as span:
        pass
    assert telemetry.flush(10)
    assert batch.force_flush(10_000)
    batch.shutdown()
    printed = json.loads(out.getvalue())
    assert (printed["name"], printed["attributes"]) == ("order", {"venue": "binance"})
    assert printed["context"]["trace_id"] == f"0x{span.get_span_context().trace_id:032x}"
    ours, theirs = otlp.spans
    assert (ours.name, ours.span_id, ours.start_time_unix_nano) == (
        theirs.name,
        theirs.span_id,
        theirs.start_time_unix_nano,
    )


class Odd(Sampler):
    """Keeps spans with an even number of letters, and adds an attribute."""

    def should_sample(self, parent_context: Any, trace_id: int, name: str, *given: Any, **named: Any) -> SamplingResult:
        decision = Decision.DROP if len(name) % 2 else Decision.RECORD_AND_SAMPLE
        return SamplingResult(decision, {"sampled.by": "odd"})

    def get_description(self) -> str:
        return "Odd"


class Counting(IdGenerator):
    """1, 2, 3."""

    def __init__(self) -> None:
        self.last = 0

    def generate_span_id(self) -> int:
        self.last += 1
        return self.last

    generate_trace_id = generate_span_id


def test_samplers_and_id_generators() -> None:
    """They decide about every span, and what they add is there."""
    ours = Ours(Odd(), Counting())
    tracer = ours.provider.get_tracer("t")
    for name in ("even", "odd", "four"):
        with tracer.start_as_current_span(name):
            pass
    even, four = ours.messages()
    assert [even.name, four.name] == ["even", "four"]
    assert (even.trace_id, even.span_id) == ((1).to_bytes(16, "big"), (2).to_bytes(8, "big"))
    assert {pair.key: pair.value.string_value for pair in four.attributes} == {"sampled.by": "odd"}
