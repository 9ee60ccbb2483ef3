"""A lane of spans as the tests use it: with a real receiver, or with a transport that does what it is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_trading.config.plan import OTLP_HTTP, BatchPlan, ExporterPlan, TracesPlan
from otel_trading.config.resolve import resolve
from otel_trading.delivery import transports
from otel_trading.delivery.books import Books
from otel_trading.delivery.outcome import Outcome
from otel_trading.delivery.spans_request import spans_request
from otel_trading.ground.clock import Deadline
from otel_trading.privacy.redaction import Redactor
from otel_trading.traces.lane import SpanLane, encoded_scope

RESOURCE = Resource({"service.name": "risk", "n": 1}, "https://schema.example/resource")
SCOPE = InstrumentationScope("orders", "1.2", "https://schema.example/scope", {"team": "a"})


class Scripted:
    """A transport that answers as told and remembers the requests, decoded."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.requests: list[ExportTraceServiceRequest] = []
        self.decide: Callable[[Sequence[Span]], Outcome] | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()

    def send(self, items: Sequence[Any], timeout_s: float) -> Outcome:
        self.entered.set()
        self.gate.wait(30)
        request = ExportTraceServiceRequest.FromString(spans_request(items))
        self.requests.append(request)
        if self.decide is not None:
            return self.decide(spans_of(request))
        return self.outcomes.pop(0) if self.outcomes else Outcome()

    def close(self) -> None:
        self.gate.set()

    @property
    def spans(self) -> list[Span]:
        """All that were sent, in order."""
        return [span for request in self.requests for span in spans_of(request)]

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [span.name for span in self.spans]


def spans_of(request: Any) -> list[Span]:
    """Of a request, in order."""
    return [span for part in request.resource_spans for scope in part.scope_spans for span in scope.spans]


@contextmanager
def lane_to(*exporters: ExporterPlan | Any, redactor: Redactor | None = None, **options: Any) -> Iterator[SpanLane]:
    """A lane that is stopped in the end.

    Args:
        exporters: plans, or transports.
        redactor: ours unless given.
        options: of each BatchPlan.
    """
    given: dict[str, Any] = {"delay_s": 0.02, "export_timeout_s": 5.0, **options}
    scripted = [each for each in exporters if not isinstance(each, ExporterPlan)]
    plans = [each if isinstance(each, ExporterPlan) else ExporterPlan(OTLP_HTTP, f"script:{n}")
             for n, each in enumerate(exporters)]  # fmt: skip
    real = transports.create

    def create(signal: str, plan: ExporterPlan) -> Any:
        return scripted.pop(0) if plan.endpoint.startswith("script:") else real(signal, plan)

    transports.create = create
    try:
        plan = TracesPlan(tuple(BatchPlan(each, **given) for each in plans))
        lane = SpanLane(plan, resolve({})[0], redactor or Redactor(), RESOURCE)
    finally:
        transports.create = real
    try:
        yield lane
    finally:
        for each in exporters:
            if isinstance(each, Scripted):
                each.gate.set()
        lane.stop(Deadline(1))


def recorder(engine: Any, lane: SpanLane, scope: InstrumentationScope = SCOPE) -> Any:
    """Of one scope."""
    return engine.Recorder(lane.arena, encoded_scope(scope))


def end(recording: Any, *names: str, **given: Any) -> None:
    """Spans of these names, begun and ended."""
    for name in names:
        recording.begin(name, **given).end()


def balanced(books: Books) -> Books:
    """The same, once offered = delivered + dropped + queued."""
    assert books.offered == books.delivered + books.lost + books.queued, books
    return books
