"""Spans never raise, keep odd values, and have a length that a stepping clock cannot spoil."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

import otel_trading as ot
from otel_trading.ground import clock, diagnostics
from otel_trading.testing import Captured, capture


class Side(enum.Enum):
    BUY = 1


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


@pytest.fixture
def captured() -> Iterator[Captured]:
    with capture() as made:
        yield made


def test_a_span_has_name_kind_attributes_times_events_and_links(captured: Captured) -> None:
    """All of it, with exact values."""
    tracer = ot.tracer("execution", "1.0")
    with tracer.start_as_current_span("md.receive binance", kind=SpanKind.CONSUMER) as tick:
        pass
    with tracer.start_as_current_span(
        "order.submit binance",
        kind=SpanKind.PRODUCER,
        attributes={"trading.order.client_id": "C1"},
        links=[trace.Link(tick.get_span_context(), {"reason": "signal"})],
    ) as span:
        captured.clock.advance(0.001)
        span.add_event("queued", {"depth": 3})
        captured.clock.advance(0.002)
    done = captured.span("order.submit binance")
    assert (done.kind, dict(done.attributes or {})) == (SpanKind.PRODUCER, {"trading.order.client_id": "C1"})
    assert done.end_time is not None
    assert done.start_time is not None
    assert done.end_time - done.start_time == 3_000_000
    assert [(e.name, e.timestamp - done.start_time, dict(e.attributes or {})) for e in done.events] == [
        ("queued", 1_000_000, {"depth": 3})
    ]
    assert done.links[0].context.span_id == tick.get_span_context().span_id
    assert done.instrumentation_scope is not None
    assert (done.instrumentation_scope.name, done.instrumentation_scope.version) == ("execution", "1.0")


def test_a_wall_clock_that_steps_back_makes_no_negative_span(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stock span would be 3,599.9 s long into the past."""
    with capture() as captured:
        with ot.tracer().start_as_current_span("order.submit"):
            captured.clock.advance(0.1)
            captured.clock.wall_ns -= 3600 * 10**9
        done = captured.span("order.submit")
    assert (done.end_time or 0) - (done.start_time or 0) == 100_000_000


def test_explicit_times_are_kept(captured: Captured) -> None:
    """A summary span has its own start and end."""
    ot.tracer().start_span("order filled", start_time=1_000).end(5_000)
    done = captured.span("order filled")
    assert (done.start_time, done.end_time) == (1_000, 5_000)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(Decimal("1.10"), "1.10"), (Side.BUY, "BUY"), (2**70, str(2**70)), (1.5, 1.5), (True, True), ([1, 2], (1, 2))],
)
def test_attribute_values_are_converted_by_the_one_table(captured: Captured, value: Any, expected: Any) -> None:
    """At the start, later, and on events."""
    with ot.tracer().start_as_current_span("order", attributes={"a": value}) as span:
        span.set_attribute("b", value)
        span.set_attributes({"c": value})
        span.add_event("e", {"d": value})
    done = captured.span("order")
    assert dict(done.attributes or {}) == {"a": expected, "b": expected, "c": expected}
    assert dict(done.events[0].attributes or {}) == {"d": expected}


def test_wrong_calls_never_raise(captured: Captured) -> None:
    """They are counted; the span is there with what was right."""
    tracer: Any = ot.tracer()
    with tracer.start_as_current_span("order", attributes=["not", "a", "mapping"]) as span:
        span.set_attribute(None, object())
        span.set_attributes("nonsense")
        span.add_event(None, 5, timestamp="late")
        span.add_link(None)
        span.set_status("broken")
        span.update_name(None)
        span.update_name("order \ud800")
        span.record_exception(Unprintable())
        span.set_attribute("good", 1)
        span.end("now")
        span.end()
        span.set_attribute("late", 1)
    assert captured.spans[0].attributes is not None
    assert captured.spans[0].attributes["good"] == 1
    tracer.start_span(None, context=5, kind="x", links=7, start_time="y").end()
    assert diagnostics.troubles()["traces.invalid_attributes"] >= 2


def test_an_exception_passes_through_and_is_recorded(captured: Captured) -> None:
    """Also one whose `__str__` raises: the application sees its own exception."""
    for error in (ValueError("too large"), Unprintable()):
        with pytest.raises(type(error)), ot.tracer().start_as_current_span("order"):
            raise error
    good, odd = captured.spans
    assert (good.status.status_code, good.status.description) == (StatusCode.ERROR, "ValueError: too large")
    assert (good.events[0].attributes or {})["exception.message"] == "too large"
    assert odd.status.status_code is StatusCode.ERROR
    assert "Unprintable" in str((odd.events[0].attributes or {})["exception.type"])


def test_ok_is_final(captured: Captured) -> None:
    """Rules of the specification's status."""
    with ot.tracer().start_as_current_span("order") as span:
        span.set_status(Status(StatusCode.OK))
        span.set_status(Status(StatusCode.ERROR, "late"))
    assert captured.span("order").status.status_code is StatusCode.OK


def test_the_decorator_works_on_functions_and_coroutines(captured: Captured) -> None:
    """One span a call."""
    tracer = ot.tracer()

    @tracer.start_as_current_span("plain")
    def plain() -> int:
        return 1

    @tracer.start_as_current_span("coroutine")
    async def coroutine() -> int:
        await asyncio.sleep(0)
        return 2

    assert (plain(), plain(), asyncio.run(coroutine())) == (1, 1, 2)
    assert [span.name for span in captured.spans] == ["plain", "plain", "coroutine"]


def test_processors_of_others_see_every_span(captured: Captured) -> None:
    """`add_span_processor` of the global provider is the current provider's."""
    seen: list[str] = []

    class Theirs(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            seen.append(span.name)

    provider: Any = trace.get_tracer_provider()
    provider.add_span_processor(Theirs())
    with ot.tracer().start_as_current_span("order"):
        pass
    assert seen == ["order"]


def test_limits_of_the_configuration_are_in_effect() -> None:
    """Attributes and lengths; what is beyond them is dropped, the first ones stay."""
    with capture(
        span_attribute_count_limit=2, span_attribute_value_length_limit=3, span_event_count_limit=1
    ) as captured:
        with ot.tracer().start_as_current_span("order") as span:
            for number in range(4):
                span.set_attribute(f"k{number}", "abcdef")
                span.add_event("e")
    done = captured.span("order")
    assert dict(done.attributes or {}) == {"k0": "abc", "k1": "abc"}
    assert (done.dropped_attributes, len(done.events), done.dropped_events) == (2, 1, 3)


def test_the_clock_of_capture_is_put_back() -> None:
    """Real time goes on afterwards."""
    with capture():
        assert ot.now() == 0
    assert ot.now() > 0
    assert clock.wall_ns() > 1_700_000_000_000_000_000
