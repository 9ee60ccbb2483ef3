"""Spans from the recorders to the receivers: in order, in bounded requests, each in the books once, at any moment."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.servers import Receiver, free_port, receiver, wait_until
from traces.span_lanes import RESOURCE, SCOPE, Scripted, balanced, end, lane_to, recorder, spans_of

from otel_trading.config.plan import CONSOLE, OTLP_GRPC, OTLP_HTTP, ExporterPlan
from otel_trading.delivery import stock
from otel_trading.delivery.outcome import REASONS, Outcome
from otel_trading.ground.clock import Deadline
from otel_trading.hotpath import choose
from otel_trading.privacy import screening
from otel_trading.privacy.redaction import Redactor
from otel_trading.traces import lane as lanes
from otel_trading.traces.export import SpanDelivery
from otel_trading.traces.lane import SpanLane, encoded_scope


@pytest.fixture(params=["native", "python"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Native module or twin."""
    loaded = choose(request.param)
    monkeypatch.setattr(lanes, "engine", loaded)
    monkeypatch.setattr(screening, "engine", loaded)
    return loaded


@pytest.fixture
def otlp() -> Iterator[Receiver]:
    """A real server."""
    with receiver() as made:
        yield made


def flush(lane: SpanLane, timeout_s: float = 10) -> bool:
    """As the runtime does it."""
    return lane.flushed(lane.ask_to_flush(), Deadline(timeout_s))


def http(otlp: Receiver, **options: Any) -> ExporterPlan:
    return ExporterPlan(OTLP_HTTP, f"{otlp.url}/v1/traces", **options)


def test_spans_arrive_with_resource_and_scope_as_the_stock_encoder_writes_them(engine: Any, otlp: Receiver) -> None:
    """Schema URLs and attributes of the scope included."""
    with lane_to(http(otlp, compression="gzip")) as lane:
        end(recorder(engine, lane), "a", "b", attributes={"venue": "binance"})
        assert flush(lane)
        assert (2, 2, {}, 0) == tuple(vars_of(lane))
    ((_, _, request),) = otlp.requests
    (part,) = request.resource_spans
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    tracer = provider.get_tracer(SCOPE.name, SCOPE.version, SCOPE.schema_url, SCOPE.attributes)
    theirs: Any = tracer.start_span("a")
    stock = encode_spans([theirs]).resource_spans[0]
    assert (stock.resource, stock.schema_url) == (part.resource, part.schema_url)
    (scope,) = part.scope_spans
    assert (stock.scope_spans[0].scope, stock.scope_spans[0].schema_url) == (scope.scope, scope.schema_url)
    assert ["a", "b"] == [span.name for span in scope.spans]
    assert "binance" == scope.spans[0].attributes[0].value.string_value


def vars_of(lane: SpanLane) -> Iterator[Any]:
    books = balanced(lane.books())
    return iter((books.offered, books.delivered, books.dropped, books.queued))


def test_grpc_carries_the_same_bytes(engine: Any) -> None:
    """Through the transport of our own."""
    from delivery.test_stock import Collector, serve

    collector = Collector()
    server, port = serve(collector)
    try:
        with lane_to(ExporterPlan(OTLP_GRPC, f"http://127.0.0.1:{port}", insecure=True)) as lane:
            end(recorder(engine, lane), *map(str, range(1000)))
            assert flush(lane)
    finally:
        server.stop(0).wait()
    assert list(map(str, range(1000))) == [span.name for request in collector.requests for span in spans_of(request)]


def test_lone_span_is_sent_after_the_delay_without_a_flush(engine: Any) -> None:
    """Once, not once in the arena and once more in the queue."""
    transport = Scripted()
    with lane_to(transport, delay_s=1) as lane:
        began = time.monotonic()
        end(recorder(engine, lane), "a")
        wait_until(lambda: transport.names == ["a"])
        assert 0.9 < time.monotonic() - began < 1.95


def test_full_batch_is_sent_without_delay(engine: Any) -> None:
    """However long that is."""
    transport = Scripted()
    with lane_to(transport, delay_s=60, batch_items=100) as lane:
        end(recorder(engine, lane), *map(str, range(100)))
        wait_until(lambda: len(transport.names) == 100)


def test_requests_hold_no_more_spans_than_a_batch(engine: Any) -> None:
    """Also when many wait, of several scopes and urgencies, and none is lost or sent twice."""
    transport = Scripted()
    transport.gate.clear()
    with lane_to(transport, batch_items=50) as lane:
        recorders = [recorder(engine, lane, type(SCOPE)(name)) for name in ("x", "y")]
        for number in range(1000):
            end(recorders[number % 2], str(number), urgency=number % 3)
        transport.gate.set()
        assert flush(lane)
    sizes = [len(spans_of(request)) for request in transport.requests]
    assert max(sizes) <= 50
    assert set(map(str, range(1000))) == set(transport.names)
    assert 1000 == len(transport.names)


def test_requests_hold_no_more_than_four_mebibytes(engine: Any) -> None:
    """Collectors refuse larger ones; a single larger span is sent alone."""
    transport = Scripted()
    transport.gate.clear()
    with lane_to(transport) as lane:
        recording = recorder(engine, lane)
        for number in range(30):
            end(recording, str(number), attributes={f"k{i}": "x" * 60_000 for i in range(8)})
        transport.gate.set()
        assert flush(lane)
    assert 30 == len(transport.names)
    assert max(request.ByteSize() for request in transport.requests) < 4.2 * 1024 * 1024
    assert len(transport.requests) < 30


@pytest.mark.parametrize(
    ("options", "reason"), [({"queue_items": 100}, "queue_full"), ({"queue_bytes": 9000}, "bytes_full")]
)
def test_receiver_that_hangs_costs_what_does_not_fit(engine: Any, options: Any, reason: str) -> None:
    """By its reason; orders find room among ticks; memory is that of the arena and a batch or two."""
    transport = Scripted()
    transport.gate.clear()
    with lane_to(transport, batch_items=10, **options) as lane:
        recording = recorder(engine, lane)
        for number in range(2000):
            end(recording, f"tick {number}", urgency=0)
        ticks = balanced(lane.books())
        assert {reason} == set(ticks.dropped)
        end(recording, "order", urgency=2)
        failed = recording.begin("failed", urgency=0)
        failed.set_status(2)
        failed.end()
        assert ticks.dropped == lane.books().dropped
        assert lane.books().queued <= 180
        transport.gate.set()
        assert not flush(lane), "something was lost before it"
        assert ["order", "failed"] == [name for name in transport.names if not name.startswith("tick")]
        assert flush(lane), "nothing was lost since"
    balanced(lane.books())


def test_flush_sends_also_what_does_not_fit_into_the_queue_at_once(engine: Any) -> None:
    """The arena may hold more than a worker takes."""
    transport = Scripted()
    transport.gate.clear()
    with lane_to(transport, batch_items=10, queue_items=1000, delay_s=60) as lane:
        end(recorder(engine, lane), *map(str, range(900)))
        ticket = lane.ask_to_flush()
        transport.gate.set()
        assert lane.flushed(ticket, Deadline(10))
        assert 900 == lane.books().delivered


def test_flush_that_comes_too_late_says_so(engine: Any) -> None:
    """And returns in time."""
    transport = Scripted()
    transport.gate.clear()
    with lane_to(transport) as lane:
        end(recorder(engine, lane), "a")
        began = time.monotonic()
        assert not flush(lane, 0.1)
        assert time.monotonic() - began < 0.5


def test_stop_delivers_what_waits_and_turns_away_what_comes(engine: Any) -> None:
    """More than the queue holds; books are closed exactly."""
    transport = Scripted()
    transport.gate.clear()
    with lane_to(transport, batch_items=10, queue_items=1000, delay_s=60) as lane:
        recording = recorder(engine, lane)
        end(recording, *map(str, range(900)))
        lane.ask_to_stop(Deadline(10))
        end(recording, "late")
        transport.gate.set()
        assert not lane.stop(Deadline(10)), "one came too late"
    books = balanced(lane.books())
    assert (901, 900, {"after_shutdown": 1}, 0) == (books.offered, books.delivered, books.dropped, books.queued)
    assert "late" not in transport.names


def test_stop_gives_up_at_its_deadline_and_counts(engine: Any) -> None:
    """With a receiver that hangs."""
    transport = Scripted()
    transport.gate.clear()
    with lane_to(transport, batch_items=10) as lane:
        end(recorder(engine, lane), *map(str, range(300)))
        began = time.monotonic()
        assert not lane.stop(Deadline(0.2))
        assert time.monotonic() - began < 1
        books = balanced(lane.books())
        assert (300, 0, {"deadline": 300}) == (books.offered, books.delivered, books.dropped)


@pytest.mark.parametrize("status", [400, 413])
def test_refused_batch_is_divided_down_to_the_span(engine: Any, otlp: Receiver, status: int) -> None:
    """In the middle of a chunk; the others arrive once, in order."""

    def decide(_: str) -> tuple[int, dict[str, str], bytes]:
        bad = any(span.name == "bad" for span in spans_of(otlp.requests[-1][2]))
        return (status if bad else 200), {}, b""

    otlp.decide = decide
    names = [str(number) for number in range(200)]
    names[77] = "bad"
    with lane_to(http(otlp)) as lane:
        end(recorder(engine, lane), *names)
        assert not flush(lane)
        books = balanced(lane.books())
    assert (199, {"refused_by_server": 1}) == (books.delivered, books.dropped)
    taken = [
        span.name for _, _, request in otlp.requests
        if not any(span.name == "bad" for span in spans_of(request)) for span in spans_of(request)
    ]  # fmt: skip
    assert [name for name in names if name != "bad"] == taken


def test_partial_success_counts_spans(engine: Any) -> None:
    """As the receiver says."""
    transport = Scripted(Outcome({"partial_success": 3}))
    with lane_to(transport) as lane:
        end(recorder(engine, lane), *map(str, range(10)))
        assert not flush(lane)
        assert (10, 7, {"partial_success": 3}, 0) == tuple(vars_of(lane))


def test_secrets_do_not_leave(engine: Any, otlp: Receiver) -> None:
    """Names, values, events, links and status, in the middle of others."""
    with lane_to(http(otlp), redactor=Redactor(["desk_pin"])) as lane:
        recording = recorder(engine, lane)
        end(recording, *map(str, range(100)))
        span = recording.begin("GET /?signature=abc", attributes={"api_key": "hunter2", "desk_pin": 7, "ok": "yes"})
        span.add_event("password=hunter2", {"cookie": "hunter2"})
        span.add_link(1, 2, {"token": "hunter2"})
        span.set_status(2, "secret: hunter2")
        span.end()
        end(recording, *map(str, range(100)))
        assert flush(lane)
        assert 201 == lane.books().delivered
    assert "hunter2" not in str(otlp.spans)
    (found,) = (span for span in otlp.spans if span.name.startswith("GET"))
    values = {pair.key: pair.value.string_value for pair in found.attributes}
    assert {"api_key": "[redacted]", "desk_pin": "[redacted]", "ok": "yes"} == values


def test_span_that_cannot_be_redacted_costs_itself(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As encode_error, whatever stands beside it; a chunk of which nothing is left sends nothing."""
    real = screening.redact_encoded

    def fail(span: bytes, redactor: Redactor) -> bytes:
        if b"broken" in span:
            raise ValueError("broken")
        return real(span, redactor)

    monkeypatch.setattr(screening, "redact_encoded", fail)
    transport = Scripted()
    with lane_to(transport) as lane:
        recording = recorder(engine, lane)
        end(recording, "a", "password=broken", "b")
        assert not flush(lane)
        end(recording, "password=broken")
        assert not flush(lane)
        assert (4, 2, {"encode_error": 2}, 0) == tuple(vars_of(lane))
    assert ["a", "b"] == transport.names


def test_spans_of_an_applications_own_provider_go_the_same_way(engine: Any, otlp: Receiver) -> None:
    """In one request with ours."""
    with lane_to(http(otlp), delay_s=60) as lane:
        provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
        provider.add_span_processor(SpanDelivery(lane))
        provider.get_tracer("theirs").start_span("theirs", attributes={"api_key": "hunter2"}).end()
        end(recorder(engine, lane), "ours")
        assert flush(lane)
        assert (2, 2, {}, 0) == tuple(vars_of(lane))
    assert {"ours", "theirs"} == {span.name for span in otlp.spans}
    assert "hunter2" not in str(otlp.requests)


def test_stock_exporter_gets_the_sdks_spans(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redacted; with resource, scope and parent."""
    exporter = InMemorySpanExporter()
    monkeypatch.setattr(stock, "_console", lambda signal: exporter)
    with lane_to(ExporterPlan(CONSOLE)) as lane:
        recording = recorder(engine, lane)
        parent = recording.begin("parent")
        end(recording, "child", parent=parent, attributes={"api_key": "hunter2", "n": (1, 2)})
        parent.end()
        assert flush(lane)
        assert (2, 2, {}, 0) == tuple(vars_of(lane))
    child, theirs = exporter.get_finished_spans()
    assert {"api_key": "[redacted]", "n": (1, 2)} == dict(child.attributes or {})
    assert child.parent is not None
    assert theirs.context is not None
    assert (parent.span_id, parent.trace_id) == (child.parent.span_id, theirs.context.trace_id)
    assert (RESOURCE, SCOPE) == (child.resource, child.instrumentation_scope)


def test_slow_receiver_does_not_keep_spans_from_another(engine: Any) -> None:
    """Each has its own queue, and the books count for both."""
    slow, quick = Scripted(), Scripted()
    slow.gate.clear()
    with lane_to(slow, quick, batch_items=10, queue_items=200) as lane:
        recording = recorder(engine, lane)
        for number in range(100):
            end(recording, *(f"{number}.{i}" for i in range(10)))
            wait_until(lambda number=number: len(quick.names) == 10 * (number + 1))
        books = balanced(lane.books())
        assert 2000 == books.offered
        assert books.delivered == 1000
        assert books.dropped["queue_full"] >= 700
        assert books.queued <= 230
    balanced(lane.books())


def test_loads_are_each_workers_share(engine: Any) -> None:
    """With what waits in the arena, for the metrics of the SDK."""
    transport = Scripted()
    transport.gate.clear()
    with lane_to(transport, batch_items=10, queue_items=100) as lane:
        end(recorder(engine, lane), *map(str, range(200)))
        wait_until(lambda: lane.loads()[0].in_flight == 10)
        (load,) = lane.loads()
        assert load.waiting + load.in_flight == load.books.queued == 200 - load.books.lost
        assert (OTLP_HTTP, 100) == (load.kind, load.capacity)


def test_lane_without_exporters_takes_nothing_and_keeps_nothing(engine: Any) -> None:
    """Nobody would get it."""
    with lane_to() as lane:
        end(recorder(engine, lane), *map(str, range(100)))
        assert (0, 0, {}, 0) == tuple(vars_of(lane))
        assert 0 == lane.arena.books()["queued"]
        assert flush(lane)
        assert [] == lane.loads()


def test_books_balance_at_every_moment(engine: Any) -> None:
    """While four threads end spans, one flushes, and the receiver takes, refuses and loses."""
    transport = Scripted()
    answers = [
        Outcome(),
        Outcome({"partial_success": 1}),
        Outcome(retry=True, retry_after_s=0.001),
        Outcome(divide=False),
    ]
    state = {"sent": 0}

    def decide(spans: Any) -> Outcome:
        state["sent"] += 1
        return answers[state["sent"] % 4]

    transport.decide = decide
    with lane_to(transport, batch_items=16, queue_items=300) as lane:
        over = threading.Event()

        def record(number: int) -> None:
            recording = recorder(engine, lane)
            while not over.is_set():
                end(recording, "n", urgency=number % 3)

        threads = [threading.Thread(target=record, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 1.5
        last = 0
        while time.monotonic() < until:
            books = balanced(lane.books())
            assert books.offered >= last
            assert set(books.dropped) <= set(REASONS)
            last = books.offered
            flush(lane, 0.05)
        over.set()
        for thread in threads:
            thread.join()
        lane.stop(Deadline(5))
        books = balanced(lane.books())
        assert 0 == books.queued
        assert books.offered == lane.arena.books()["offered"]


def test_pump_that_dies_is_replaced(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """And its spans arrive."""
    transport = Scripted()
    with lane_to(transport, batch_items=10, delay_s=0.05) as lane:
        real, died = lane._pump.move, []  # type: ignore[union-attr]  # there is an exporter

        def fail_once(*given: Any) -> None:
            if not died:
                died.append(1)
                raise SystemExit
            real(*given)

        monkeypatch.setattr(lane._pump, "move", fail_once)
        end(recorder(engine, lane), "a")
        wait_until(lambda: transport.names == ["a"])
        assert [1] == died


def test_dead_collector_costs_bounded_memory(engine: Any) -> None:
    """Of 100,000 spans, no more waits than the bounds say."""
    plan = ExporterPlan(OTLP_HTTP, f"http://127.0.0.1:{free_port()}/v1/traces", timeout_s=0.2)
    with lane_to(plan, queue_bytes=1 << 20, queue_items=1 << 20, batch_items=64) as lane:
        recording = recorder(engine, lane)
        for number in range(100_000 if engine.NAME == "native" else 20_000):
            end(recording, "order.submit", attributes={"n": number})
        assert lane.arena.books()["queued_bytes"] <= 1 << 20
        worker = lane.workers[0]
        assert worker._queue.size < 200_000
        books = balanced(lane.books())
        assert books.dropped["bytes_full"] > 0
        assert not flush(lane, 2)


def test_child_of_a_fork_has_none_of_the_parents_spans(engine: Any) -> None:
    """They are sent once, by the parent."""
    transport = Scripted()
    transport.gate.clear()
    with lane_to(transport, delay_s=60) as lane:
        end(recorder(engine, lane), "a", "b")
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            lane.after_fork_in_child()
            books = lane.books()
            lane.stop(Deadline(0.1))
            os.write(writing, f"{books.offered} {books.queued} {lane.arena.books()['queued']}".encode())
            os._exit(0)
        os.waitpid(child, 0)
        assert b"0 0 0" == os.read(reading, 100)
        transport.gate.set()
        assert flush(lane)
        assert ["a", "b"] == transport.names


def test_scope_comes_back_from_its_fields() -> None:
    """For exporters that take objects."""
    from otel_trading.traces.encoded_fields import decoded_scope

    assert SCOPE == decoded_scope(encoded_scope(SCOPE))
    bare = type(SCOPE)("bare")
    assert ("bare", None) == (decoded_scope(encoded_scope(bare)).name, decoded_scope(encoded_scope(bare)).version)
    assert "s\\udcff" == decoded_scope(encoded_scope(type(SCOPE)("s\udcff"))).name
