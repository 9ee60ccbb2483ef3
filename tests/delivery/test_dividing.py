"""A refused batch is divided until the item is found for which it was refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from support.servers import Receiver
from test_worker import Scripted, working

import otel_trading as ot
from otel_trading.delivery.dividing import Dividing, divided
from otel_trading.delivery.outcome import Outcome
from otel_trading.ground.clock import Deadline
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.testing.captured import points


class Picky(Scripted):
    """A receiver that refuses a request if one of its items is bad."""

    def __init__(self, *bad: int) -> None:
        super().__init__()
        self.bad = bad
        self.taken: list[object] = []

    def send(self, items: Any, timeout_s: float) -> Outcome:
        self.batches.append(list(items))
        if any(item in self.bad for item in items):
            return Outcome({"refused_by_server": len(items)}, divide=True)
        self.taken += items
        return Outcome()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.data())
def test_bad_items_cost_themselves_only(count: int, data: st.DataObject) -> None:
    """Wherever they stand; the rest arrives in order, once."""
    bad = data.draw(st.lists(st.integers(0, count - 1), max_size=2))
    transport = Picky(*bad)
    with working(transport, batch_items=count, queue_items=count, delay_s=60) as worker:
        for number in range(count):
            worker.offer(number)
        assert worker.flush(Deadline(10)) is not bool(bad)
        books = worker.books()
    assert transport.taken == [number for number in range(count) if number not in bad]
    assert (books.delivered, books.lost, books.queued) == (len(transport.taken), len(set(bad)), 0)


def test_a_receiver_that_refuses_everything_is_not_flooded() -> None:
    """Some dozen requests for the first batch, one for each further one, until it takes something."""
    transport = Picky(*range(10_000))
    with working(transport, batch_items=512, queue_items=10_000, delay_s=60) as worker:
        for number in range(512 * 4):
            worker.offer(number)
        assert worker.flush(Deadline(10)) is False
        assert worker.books().dropped == {"refused_by_server": 2048}
    assert len(transport.batches) < 25 + 3


def test_a_receiver_that_takes_again_is_trusted_again() -> None:
    """One good batch is enough."""
    dividing = Dividing("test")
    for item in range(3):
        assert dividing.halves([item]) == []
    dividing.begin()
    assert dividing.halves([1, 2]) == []
    dividing.taken()
    assert dividing.halves([1, 2]) == [[1], [2]]


def test_one_collection_of_metrics_is_divided_by_its_metrics() -> None:
    """Through all scopes, each metric once."""
    reader = InMemoryMetricReader()
    provider = CellMeterProvider([reader], shutdown_on_exit=False)
    for scope, names in (("a", "uv"), ("b", "w"), ("c", "xyz")):
        for name in names:
            provider.get_meter(scope).create_counter(name).add(1)
    parts = [[reader.get_metrics_data()]]
    found = []
    while parts:
        items = parts.pop()
        halves = divided(items)
        parts += reversed(halves)
        if not halves:
            found.append([point.name for point in points(items[0])])  # type: ignore[arg-type]
    assert found == [["u"], ["v"], ["w"], ["x"], ["y"], ["z"]]


@pytest.mark.parametrize("status", [400, 413])
def test_one_span_that_the_collector_refuses_costs_one_span(otlp: Receiver, status: int) -> None:
    """All the way, with a real receiver; the other 99 arrive once."""
    refused = 0

    def answer(path: str) -> tuple[int, dict[str, str], bytes]:
        nonlocal refused
        spans = otlp.spans
        if any(span.name == "bad" for span in spans):
            refused += 1
            otlp.requests.pop()
            return status, {}, b""
        return 200, {}, b""

    otlp.decide = answer
    telemetry = ot.init(
        "x", otlp_endpoint=otlp.url, metrics_exporter="none", logs_exporter="none", stdout="off",
        traces_schedule_delay_s=60,
    )  # fmt: skip
    for number in range(100):
        with ot.tracer().start_as_current_span("bad" if number == 37 else f"order.{number}"):
            pass
    assert telemetry.flush(10) is False
    books = telemetry.books()["traces"]
    assert (books.delivered, books.dropped, books.queued) == (99, {"refused_by_server": 1}, 0)
    assert sorted(span.name for span in otlp.spans) == sorted(f"order.{n}" for n in range(100) if n != 37)
    assert 1 <= refused <= 8
