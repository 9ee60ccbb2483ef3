"""Bound handles, timers and `timed`: what they record, and that they never raise."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from decimal import Decimal
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import otel_trading as ot
from otel_trading.ground import diagnostics
from otel_trading.testing import Captured, capture
from otel_trading.testing.captured import points


@pytest.fixture
def captured() -> Iterator[Captured]:
    with capture() as made:
        yield made


def test_bind_takes_a_mapping_and_literal_keywords(captured: Captured) -> None:
    """Keywords are keys as they stand; nothing is translated."""
    handle = ot.meter().create_counter("orders", unit="{order}").bind({"trading.venue": "binance"}, order_type="limit")
    handle.add(2)
    handle.add()
    point = captured.metric("orders")
    assert (point.unit, point.value) == ("{order}", 3)
    assert point.attributes == {"trading.venue": "binance", "order_type": "limit"}


def test_binding_alone_creates_no_series(captured: Captured) -> None:
    """A series begins with its first measurement."""
    ot.meter().create_counter("orders").bind(venue="x")
    assert captured.metrics == []


def test_later_changes_of_the_mapping_do_not_change_the_handle(captured: Captured) -> None:
    """Attributes are fixed at bind time."""
    attributes = {"venue": "a"}
    handle = ot.meter().create_counter("orders").bind(attributes)
    attributes["venue"] = "b"
    handle.add(1)
    assert captured.metric("orders").attributes == {"venue": "a"}


def test_the_bound_call_is_the_unbound_call_with_those_attributes(captured: Captured) -> None:
    """The specification's first rule of Bind."""
    counter = ot.meter().create_counter("orders")
    counter.bind(venue="a").add(1)
    counter.add(2, {"venue": "a"})
    assert captured.metric("orders").value == 3


@pytest.mark.parametrize(("kind", "expected"), [("create_up_down_counter", -2), ("create_gauge", -2)])
def test_up_down_counters_and_gauges_have_handles(captured: Captured, kind: str, expected: int) -> None:
    """All synchronous instruments can be bound."""
    handle = getattr(ot.meter(), kind)("position", unit="{contract}").bind(book="a")
    (handle.add if kind.endswith("counter") else handle.record)(-2)
    assert captured.metric("position", book="a").value == expected


def test_bind_works_on_instruments_of_another_provider() -> None:
    """`ot.bind(any OpenTelemetry instrument)`."""
    reader = InMemoryMetricReader()
    meter = MeterProvider([reader], shutdown_on_exit=False).get_meter("theirs")
    ot.bind(meter.create_counter("c"), {"a": 1}, b=2).add(3)
    ot.bind(meter.create_histogram("h", unit="ms")).record(4)
    ot.bind(meter.create_gauge("g"), {}).record(5)
    told = {point.name: point for point in points(reader.get_metrics_data())}
    assert (told["c"].value, told["c"].attributes) == (3, {"a": 1, "b": 2})
    assert (told["h"].count, told["h"].sum, told["g"].value) == (1, 4, 5)


def test_a_handle_of_an_instrument_from_before_any_provider_knows_its_unit() -> None:
    """OpenTelemetry's proxies keep it under an underscore."""
    from support import children

    code = """
    from opentelemetry import metrics
    proxy = metrics.get_meter("early").create_histogram("early.latency", unit="s")
    import otel_trading as ot
    from otel_trading.testing import capture
    handle = ot.bind(proxy)
    with capture() as captured:
        with handle.time(): captured.clock.advance(2)
        print(captured.metric("early.latency").sum)
    """
    assert children.run(code).out == "2.0\n"


def test_bind_rejects_what_is_no_synchronous_instrument() -> None:
    """At start-up an error helps."""
    with pytest.raises(TypeError, match="bind\\(\\) takes a counter"):
        ot.bind("orders")


def test_the_context_argument_reaches_the_exemplar(captured: Captured) -> None:
    """A handle may be used outside of the span that it belongs to."""
    from opentelemetry import trace

    with ot.tracer().start_as_current_span("order.submit") as span:
        context = trace.set_span_in_context(span)
    ot.meter().create_histogram("h").bind().record(1, context=context)
    data = captured._reader.get_metrics_data()
    assert data is not None
    exemplar = data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0].exemplars[0]
    assert exemplar.trace_id == span.get_span_context().trace_id


@pytest.mark.parametrize(
    ("unit", "expected"), [("s", 0.0025), ("ms", 2.5), ("us", 2500.0), ("ns", 2_500_000.0), ("min", 0.0025 / 60)]
)
def test_durations_are_converted_to_the_instruments_unit(captured: Captured, unit: str, expected: float) -> None:
    """`time()` and `record_since` measure nanoseconds."""
    handle = ot.meter().create_histogram("latency", unit=unit).bind(stage="risk")
    with handle.time():
        captured.clock.advance(0.0025)
    started = ot.now()
    captured.clock.advance(0.0025)
    handle.record_since(started)
    point = captured.metric("latency", stage="risk")
    assert (point.unit, point.count) == (unit, 2)
    assert point.sum == pytest.approx(2 * expected, rel=1e-12)


def test_a_unit_that_is_no_time_is_counted_and_not_recorded(captured: Captured) -> None:
    """Also a start that is no reading of now()."""
    with ot.meter().create_histogram("size", unit="By").bind().time():
        pass
    latency = ot.meter().create_histogram("latency", unit="s").bind()
    for start in (None, "now", 1.5, ot.now() + 10**12):
        latency.record_since(start)  # type: ignore[arg-type]
    assert captured.metrics == []
    assert diagnostics.troubles() == {"metrics.not_a_time": 1, "metrics.invalid_start": 4}


def test_a_block_that_raises_is_recorded_and_raises(captured: Captured) -> None:
    """Telemetry swallows nothing of the application's."""
    handle = ot.meter().create_histogram("latency", unit="s").bind()
    with pytest.raises(ZeroDivisionError), handle.time():
        captured.clock.advance(1)
        1 / 0  # noqa: B018
    assert captured.metric("latency").sum == 1.0


WRONG: list[Any] = ["x", None, [], 10**400, math.nan, math.inf, object()]


@pytest.mark.parametrize("kind", ["create_counter", "create_up_down_counter", "create_histogram", "create_gauge"])
@pytest.mark.parametrize("wrong", WRONG, ids=["text", "None", "list", "huge", "nan", "inf", "object"])
def test_a_wrong_value_never_raises_and_harms_no_other(captured: Captured, kind: str, wrong: Any) -> None:
    """It is counted, and the good values before and after are there."""
    instrument = getattr(ot.meter(), kind)("things")
    call = getattr(instrument, {"create_histogram": "record", "create_gauge": "set"}.get(kind, "add"))
    call(1)
    call(wrong)
    call(2)
    handle = instrument.bind()
    getattr(handle, "add", getattr(handle, "record", None))(wrong)  # type: ignore[misc]
    point = captured.metric("things")
    expected = {"create_gauge": 2}.get(kind, 3)
    assert (point.sum if kind == "create_histogram" else point.value) == expected
    assert sum(diagnostics.troubles().values()) == 2


@pytest.mark.parametrize(
    "attributes", [["venue"], "venue", 5, {("a", "b"): 1}, {"venue": Decimal("1.10")}, {"x": object()}]
)
def test_wrong_attributes_never_raise(captured: Captured, attributes: Any) -> None:
    """The measurement itself is kept."""
    ot.meter().create_counter("orders").add(1, attributes)
    assert captured.metric("orders").value == 1


def test_a_decimal_is_recorded_as_a_float(captured: Captured) -> None:
    """The stock SDK's sum would be poisoned and the next float raise."""
    histogram = ot.meter().create_histogram("price")
    for value in (Decimal("1.25"), 2.5, Decimal("3.25")):
        histogram.record(value)  # type: ignore[arg-type]
    assert captured.metric("price").sum == 7.0


def test_negative_values_of_counters_and_histograms_are_counted_and_not_recorded(captured: Captured) -> None:
    """Neither takes any, as the specification says."""
    ot.meter().create_counter("orders").add(-1)
    ot.meter().create_histogram("slippage").record(-1)
    assert captured.metrics == []
    assert diagnostics.troubles() == {"metrics.negative_value": 2}


# -- timed -------------------------------------------------------------------------------------------------------


@pytest.fixture
def handle() -> Any:
    return ot.meter("timed").create_histogram("call", unit="s").bind()


def test_a_function_is_timed_and_keeps_its_signature(captured: Captured, handle: Any) -> None:
    """Name, docstring and signature stay."""

    @ot.timed(handle)
    def check(quantity: int, *, price: float = 1.0) -> float:
        """Checks."""
        captured.clock.advance(2)
        return quantity * price

    assert check(3, price=2.0) == 6.0
    assert (check.__name__, check.__doc__) == ("check", "Checks.")
    assert [str(parameter.kind) for parameter in inspect.signature(check).parameters.values()] == [
        "POSITIONAL_OR_KEYWORD",
        "KEYWORD_ONLY",
    ]
    assert captured.metric("call").sum == 2.0


def test_methods_static_methods_and_class_methods_work(captured: Captured, handle: Any) -> None:
    """Descriptors stay descriptors, in either order of decorators."""

    class Book:
        @ot.timed(handle)
        def method(self) -> object:
            return self

        @ot.timed(handle)
        @staticmethod
        def static_inside(x: int) -> int:
            return x

        @staticmethod
        @ot.timed(handle)
        def static_outside(x: int) -> int:
            return x

        @ot.timed(handle)
        @classmethod
        def of_class(cls) -> object:
            return cls

    book = Book()
    assert (book.method(), book.static_inside(1), Book.static_outside(2), Book.of_class()) == (book, 1, 2, Book)
    assert captured.metric("call").count == 4


def test_a_coroutine_is_timed_to_return_exception_and_cancellation(captured: Captured, handle: Any) -> None:
    """`iscoroutinefunction` stays true."""

    @ot.timed(handle)
    async def step(fail: bool = False, wait: bool = False) -> str:
        captured.clock.advance(1)
        if wait:
            await asyncio.Event().wait()
        if fail:
            raise KeyError("x")
        return "done"

    async def main() -> None:
        assert await step() == "done"
        with pytest.raises(KeyError):
            await step(fail=True)
        task = asyncio.create_task(step(wait=True))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert inspect.iscoroutinefunction(step)
    asyncio.run(main())
    assert (captured.metric("call").count, captured.metric("call").sum) == (3, 3.0)


def test_a_generator_is_timed_from_first_next_to_its_end(captured: Captured, handle: Any) -> None:
    """What is sent, thrown and returned passes through; a generator that never began is not recorded."""

    @ot.timed(handle)
    def ticks() -> Generator[int, int, str | None]:
        received = yield 1
        try:
            yield received
        except ValueError:
            captured.clock.advance(3)
            return "returned"
        return None

    assert inspect.isgeneratorfunction(ticks)
    ticks()
    captured.clock.advance(100)
    generator: Any = ticks()
    assert (next(generator), generator.send("sent")) == (1, "sent")
    with pytest.raises(StopIteration) as stopped:
        generator.throw(ValueError())
    assert stopped.value.value == "returned"
    closed: Any = ticks()
    next(closed)
    captured.clock.advance(4)
    closed.close()
    assert (captured.metric("call").count, captured.metric("call").sum) == (2, 7.0)


def test_an_async_generator_is_timed_and_passes_everything_through(captured: Captured, handle: Any) -> None:
    """asend, athrow and aclose reach the generator; its finally block runs."""
    log: list[str] = []

    @ot.timed(handle)
    async def ticks() -> AsyncIterator[Any]:
        try:
            received = yield 1
            log.append(f"sent {received}")
            try:
                yield 2
            except ValueError:
                yield "caught"
            yield 3
        finally:
            log.append("closed")

    async def main() -> None:
        generator: Any = ticks()
        assert await anext(generator) == 1
        assert await generator.asend("x") == 2
        assert await generator.athrow(ValueError()) == "caught"
        captured.clock.advance(5)
        await generator.aclose()
        assert [item async for item in ticks()] == [1, 2, 3]

    assert inspect.isasyncgenfunction(ticks)
    asyncio.run(main())
    assert log == ["sent x", "closed", "sent None", "closed"]
    assert (captured.metric("call").count, captured.metric("call").sum) == (2, 5.0)


@pytest.mark.parametrize("make", [lambda h: h.time, lambda h: h.record, lambda h: h.record_since])
def test_handles_from_before_init_do_nothing_and_do_not_raise(make: Callable[[Any], Any]) -> None:
    """No telemetry runs."""
    make(ot.meter().create_histogram("h", unit="s").bind())
    handle = ot.meter().create_histogram("h", unit="s").bind()
    handle.record(1)
    with handle.time():
        pass
