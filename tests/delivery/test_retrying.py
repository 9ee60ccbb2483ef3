"""When a batch is sent again: backoff with jitter, and the peace that a receiver asks for."""

from __future__ import annotations

import time

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from support.servers import wait_until
from test_worker import Scripted, working

from otel_trading.delivery.backoff import backoff_s
from otel_trading.delivery.outcome import Outcome
from otel_trading.delivery.redacting import Redacting
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline


@pytest.mark.parametrize(("attempt", "middle"), [(0, 0.5), (1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (5000, 5.0)])
def test_the_wait_doubles_up_to_five_seconds_and_varies_by_a_fifth(attempt: int, middle: float) -> None:
    """So that a thousand services do not come back at the same moment."""
    waits = [backoff_s(Outcome(retry=True), attempt) for _ in range(200)]
    assert 0.8 * middle <= min(waits) < 0.95 * middle
    assert 1.05 * middle < max(waits) <= 1.2 * middle


def test_the_receiver_decides_if_it_says_how_long() -> None:
    """Exactly, without jitter."""
    assert backoff_s(Outcome(retry=True, retry_after_s=7.5), 3) == 7.5


def test_a_receiver_that_asks_for_an_hour_of_peace_gets_it() -> None:
    """The batch is lost when its time is over; those behind it wait, and are not burnt one after the other."""
    transport = Scripted(*[Outcome(retry=True, reason="refused_by_server", retry_after_s=3600)] * 50)
    with working(transport, batch_items=1, export_timeout_s=0.2, delay_s=0.001) as worker:
        for number in range(20):
            worker.offer(number)
        wait_until(lambda: worker.books().dropped == {"refused_by_server": 1})
        worker.offer("one more wakes the worker")
        assert worker.flush(Deadline(0.3)) is False
        assert len(transport.batches) <= 2  # a flush may ask once
        assert worker.books().queued >= 19


def test_the_peace_ends() -> None:
    """Then what waits is delivered without anybody asking."""
    transport = Scripted(Outcome(retry=True, reason="refused_by_server", retry_after_s=0.3))
    with working(transport, batch_items=1, export_timeout_s=0.1, delay_s=0.001) as worker:
        for number in range(3):
            worker.offer(number)
        began = time.monotonic()
        wait_until(lambda: worker.books().delivered == 2)
        assert time.monotonic() - began > 0.25
        assert worker.books().dropped == {"refused_by_server": 1}


def test_a_span_that_cannot_be_redacted_is_not_sent_and_costs_itself() -> None:
    """Neither a secret nor its neighbours."""
    diagnostics.forget()
    redactions: list[str] = []

    def redact(span: ReadableSpan) -> ReadableSpan:
        redactions.append(span.name)
        if span.name == "bad":
            raise ValueError("no")
        return span

    spans = [ReadableSpan(name, resource=Resource({})) for name in ("a", "bad", "b")]
    inner = Scripted(Outcome(retry=True), Outcome({"partial_success": 1}))
    transport = Redacting(inner, redact)
    assert transport.send(spans, 1).retry is True
    assert transport.send(spans, 1) == Outcome({"partial_success": 1, "encode_error": 1})
    assert [[span.name for span in batch] for batch in inner.batches] == [["a", "b"]] * 2  # type: ignore[attr-defined]
    assert redactions == ["a", "bad", "b"], "once for both attempts"
    assert transport.send(spans[1:2], 1) == Outcome({"encode_error": 1})
    assert len(inner.batches) == 2
