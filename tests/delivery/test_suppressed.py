"""Telemetry never traces itself: what the delivery does makes no spans."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from opentelemetry import trace
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from support.servers import Receiver
from test_worker import Scripted, working

from otel_trading.delivery.outcome import Outcome
from otel_trading.ground.clock import Deadline
from otel_trading.testing import capture


class ByRequests(Scripted):
    """A transport that posts with a library that is instrumented."""

    def __init__(self, url: str, *outcomes: Outcome | BaseException) -> None:
        super().__init__(*outcomes)
        self._url = url

    def send(self, items: Any, timeout_s: float) -> Outcome:
        requests.post(f"{self._url}/v1/traces", data=b"", timeout=5)
        return super().send(items, timeout_s)


@pytest.fixture
def instrumented() -> Iterator[None]:
    RequestsInstrumentor().instrument()
    yield
    RequestsInstrumentor().uninstrument()


def test_requests_of_an_exporter_make_no_spans(otlp: Receiver, instrumented: None) -> None:
    """Neither the first nor its repetition."""
    with capture() as captured:
        requests.post(f"{otlp.url}/v1/traces", data=b"", timeout=5)
        assert len(captured.spans) == 1, "the library is instrumented"
        transport = ByRequests(otlp.url, Outcome(retry=True, reason="refused_by_server", retry_after_s=0.01))
        with working(transport) as worker:
            with trace.get_tracer("application").start_as_current_span("application"):
                worker.offer(ReadableSpan("x", resource=Resource({})))
                assert worker.flush(Deadline(5)) is True
        assert len(otlp.requests) >= 3
        assert [span.name for span in captured.spans].count("POST") == 1
