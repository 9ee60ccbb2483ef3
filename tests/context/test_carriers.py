"""The current span over threads, executors, queues and ZeroMQ frames."""

from __future__ import annotations

import asyncio
import queue
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context

import otel_trading as ot
from otel_trading.context import headers, zeromq
from otel_trading.context.carried import carry
from otel_trading.testing import capture


def current_span_id() -> int:
    return trace.get_current_span().get_span_context().span_id


def test_threads_pools_and_run_in_executor_carry_the_span() -> None:
    """Without a line of the application's."""
    with capture(), ot.tracer().start_as_current_span("order.submit") as span:
        wanted = span.get_span_context().span_id
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(current_span_id()))
        thread.start()
        thread.join()
        with ThreadPoolExecutor(1) as pool:
            found.append(pool.submit(current_span_id).result())

        async def main() -> int:
            return await asyncio.get_running_loop().run_in_executor(None, current_span_id)

        found.append(asyncio.run(main()))
        assert found == [wanted] * 3


def test_a_thread_that_overrides_run_carries_the_span_too() -> None:
    """The stock instrumentation reaches only `Thread(target=...)`."""
    found: list[int] = []

    class Worker(threading.Thread):
        def run(self) -> None:
            found.append(current_span_id())

    with capture(), ot.tracer().start_as_current_span("order.submit") as span:
        threads: list[threading.Thread] = [Worker(), threading.Timer(0, lambda: found.append(current_span_id()))]
        for thread in threads:
            thread.start()
            thread.join()
    assert found == [span.get_span_context().span_id] * 2
    assert not hasattr(threading.Thread.start, "_otel_trading")


def test_the_knob_switches_it_off_and_a_shutdown_takes_it_back() -> None:
    """Thread is the interpreter's own again."""
    with capture(thread_context=False), ot.tracer().start_as_current_span("order.submit"):
        found: list[int] = []
        thread = threading.Thread(target=lambda: found.append(current_span_id()))
        thread.start()
        thread.join()
    assert found == [0]
    with capture():
        pass
    assert not hasattr(threading.Thread.start, "__wrapped__")


def test_asyncio_instrumentation_is_behind_a_knob() -> None:
    """Off by default: it costs tens of microseconds a task."""
    from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor

    with capture():
        assert not AsyncioInstrumentor().is_instrumented_by_opentelemetry
    with capture(asyncio_instrumentation=True):
        assert AsyncioInstrumentor().is_instrumented_by_opentelemetry
    assert not AsyncioInstrumentor().is_instrumented_by_opentelemetry


def test_tasks_keep_their_own_current_span() -> None:
    """Interleaved tasks do not see each other's."""

    async def work(name: str) -> bool:
        with ot.tracer().start_as_current_span(name) as span:
            await asyncio.sleep(0)
            return current_span_id() == span.get_span_context().span_id

    async def main() -> list[bool]:
        return await asyncio.gather(*(work(f"w{number}") for number in range(20)))

    with capture() as captured:
        assert all(asyncio.run(main()))
        assert len(captured.spans) == 20


def test_an_item_in_a_queue_brings_its_context() -> None:
    """A consumer's span is a child of the producer's."""
    items: queue.Queue[object] = queue.Queue()
    with capture() as captured:
        with ot.tracer().start_as_current_span("md.receive"):
            items.put(carry("tick"))
        with items.get().attached() as item, ot.tracer().start_as_current_span("book.update"):  # type: ignore[attr-defined]
            assert item == "tick"
        assert current_span_id() == 0
        child, tick = captured.span("book.update"), captured.span("md.receive")
    assert child.parent is not None
    assert child.parent.span_id == tick.context.span_id


def test_a_zeromq_message_brings_its_context_in_one_extra_frame() -> None:
    """And the payload frames stay as they are."""
    with capture(), ot.tracer().start_as_current_span("order.submit") as span:
        frames = zeromq.inject([b"topic", b"payload"])
        assert len(frames) == 3
    payload, context = zeromq.extract(frames)
    assert payload == [b"topic", b"payload"]
    told = trace.get_current_span(context).get_span_context()
    assert (told.trace_id, told.span_id, told.is_remote) == (
        span.get_span_context().trace_id,
        span.get_span_context().span_id,
        True,
    )
    assert dict(told.trace_state) == {"ot": "th:0"}


def test_real_zeromq_sockets_carry_it() -> None:
    """Over loopback."""
    import zmq

    with zmq.Context() as sockets, sockets.socket(zmq.PUSH) as push, sockets.socket(zmq.PULL) as pull, capture():
        port = push.bind_to_random_port("tcp://127.0.0.1")
        pull.connect(f"tcp://127.0.0.1:{port}")
        with ot.tracer().start_as_current_span("order.submit") as span:
            push.send_multipart(zeromq.inject([b"order"]))
        assert pull.poll(5000)
        payload, context = zeromq.extract(pull.recv_multipart())
    assert payload == [b"order"]
    assert trace.get_current_span(context).get_span_context().trace_id == span.get_span_context().trace_id


def test_without_a_span_no_frame_is_added() -> None:
    """A message to somebody else stays as it is."""
    assert zeromq.inject([b"a"]) == [b"a"]


@given(st.lists(st.binary(max_size=50), max_size=4))
def test_any_message_comes_back_whole_or_without_a_broken_frame(frames: list[bytes]) -> None:
    """Extracting never raises."""
    payload, context = zeromq.extract(frames)
    assert isinstance(context, Context)
    assert payload == (frames[:-1] if frames and frames[-1].startswith(zeromq.MARK) else frames)


@pytest.mark.parametrize("tail", [b"", b"\xff\xfe", b"00-zz-zz-01", b";;;", b"00-" + b"1" * 32 + b"-" + b"2" * 16])
def test_a_broken_frame_is_taken_off_and_tells_nothing(tail: bytes) -> None:
    """The message itself is unharmed."""
    payload, context = zeromq.extract([b"a", zeromq.MARK + tail])
    assert payload == [b"a"]
    assert not trace.get_current_span(context).get_span_context().is_valid


def test_headers_go_into_a_mapping_and_back() -> None:
    """For Kafka, AMQP or a websocket of one's own."""
    with capture(), ot.tracer().start_as_current_span("order.submit") as span:
        told = headers.inject({"content-type": "x"})
    assert sorted(told) == ["content-type", "traceparent", "tracestate"]
    context = headers.extract(told)
    assert trace.get_current_span(context).get_span_context().span_id == span.get_span_context().span_id
