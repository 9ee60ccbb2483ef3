"""Leaving the process: a bad endpoint never delays it beyond the deadline, and what can arrive arrives."""

from __future__ import annotations

import signal
import threading

import pytest
from support import children
from support.servers import Receiver, drip, flood, free_port, hang, raw_server, receiver, wait_until

SERVICE = """
import otel_trading as ot
ot.init("risk", otlp_endpoint={url!r}, prometheus_port=0, stdout="off")
ot.meter().create_counter("orders").bind().add(1)
for _ in range(20):
    with ot.tracer().start_as_current_span("order.submit"):
        ot.get_logger().info("submitted")
import time
print(time.monotonic(), flush=True)
"""

BUSY_S = 3
"""What a busy machine may add to the deadline of five seconds; a second deadline would be more."""


def _leave(url: str) -> children.Ended:
    ended = children.run(SERVICE.format(url=url))
    assert ended.code == 0, ended.err
    assert _leaving_s(ended) < 5 + BUSY_S
    return ended


def _leaving_s(ended: children.Ended) -> float:
    """Seconds from the program's last line to the end of its process; both clocks are the machine's."""
    return ended.at - float(ended.out)


def test_exit_is_quick_with_a_dead_endpoint() -> None:
    """Nobody listens: that and what was lost are said in a line each, and nothing is waited for."""
    ended = _leave(f"http://127.0.0.1:{free_port()}")
    first, last = ended.err.splitlines()
    assert "no OpenTelemetry receiver takes data" in first
    assert "telemetry was lost: " in last
    assert "20 of 20 traces (unreachable 20)" in last
    assert "20 of 20 logs (unreachable 20)" in last
    assert _leaving_s(ended) < 3.0


@pytest.mark.parametrize("behaviour", [hang, drip, flood], ids=["hangs", "drips", "floods"])
def test_exit_is_within_the_deadline_with_a_hostile_endpoint(behaviour: object) -> None:
    """The endpoint takes the connection and never gives a usable answer."""
    with raw_server(behaviour) as url:
        _leave(url)


def test_exit_is_within_the_deadline_with_an_endpoint_that_answers_503() -> None:
    """503 is retried, but not beyond the deadline."""
    with receiver() as refusing:
        refusing.answer = lambda path: (503, {}, b"")
        _leave(refusing.url)


def test_exit_is_within_the_deadline_with_a_retry_after_of_an_hour() -> None:
    """A server cannot make us wait."""
    with receiver() as refusing:
        refusing.answer = lambda path: (429, {"retry-after": "3600"}, b"")
        _leave(refusing.url)


def test_exit_delivers_everything(otlp: Receiver) -> None:
    """All three signals arrive without any call to flush or shutdown."""
    _leave(otlp.url)
    assert len(otlp.spans) == 20
    assert len(otlp.logs) == 20
    assert "orders" in [metric.name for metric in otlp.metrics]


def test_exit_is_quick_with_a_dead_grpc_endpoint() -> None:
    """The stock gRPC exporter waits where it likes; leaving does not."""
    code = SERVICE.format(url=f"http://127.0.0.1:{free_port()}").replace(
        'stdout="off"', 'stdout="off", otlp_protocol="grpc"'
    )
    ended = children.run(code)
    assert ended.code == 0, ended.err
    assert _leaving_s(ended) < 5 + BUSY_S


def test_sigterm_delivers_what_was_buffered_and_keeps_the_exit_status(otlp: Receiver) -> None:
    """The default action still happens after the flush."""
    code = SERVICE.format(url=otlp.url) + "\ntime.sleep(60)\n"
    code = code.replace('stdout="off"', 'stdout="off", traces_schedule_delay_s=60, logs_schedule_delay_s=60')
    with children.start(code) as child:
        assert child.stdout is not None
        child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=10)
    assert child.returncode == -signal.SIGTERM
    assert len(otlp.spans) == 20
    assert len(otlp.logs) == 20


def test_sigterm_delivers_though_the_interrupted_code_holds_a_lock_that_the_flush_needs(otlp: Receiver) -> None:
    """The lock of a callback here; the same goes for locks of ours inside a recording."""
    code = SERVICE.format(url=otlp.url).replace('stdout="off"', 'stdout="off", traces_schedule_delay_s=60')
    code += """
import os, signal, threading
from opentelemetry.metrics import Observation
book = threading.Lock()
def levels(options):
    with book:
        return [Observation(7)]
ot.meter().create_observable_gauge("book.levels", [levels], "{level}")
with book:
    os.kill(os.getpid(), signal.SIGTERM)
while True:
    time.sleep(0.001)
"""
    ended = children.run(code)
    assert (ended.code, ended.err) == (-signal.SIGTERM, "")
    assert len(otlp.spans) == 20
    (levels,) = [metric for metric in otlp.metrics if metric.name == "book.levels"]
    assert [(point.as_int, levels.unit) for point in levels.gauge.data_points] == [(7, "{level}")]
    assert _leaving_s(ended) < 3.0


def test_sigterm_ends_in_time_with_an_endpoint_that_hangs() -> None:
    """The flush has a deadline there too."""
    with raw_server(hang) as url:
        code = SERVICE.format(url=url) + "\ntime.sleep(60)\n"
        with children.start(code) as child:
            assert child.stdout is not None
            child.stdout.readline()
            child.send_signal(signal.SIGTERM)
            child.communicate(timeout=8)
        assert child.returncode == -signal.SIGTERM


def test_sigterm_during_the_flush_at_exit_is_obeyed_after_it() -> None:
    """Nothing is lost, nothing hangs, and the exit status tells of the signal."""
    gate = threading.Event()
    with receiver() as slow:
        asked = threading.Event()

        def answer(_path: str) -> tuple[int, dict[str, str], bytes]:
            asked.set()
            gate.wait(10)
            return 200, {}, b""

        slow.answer = answer
        with children.start(SERVICE.format(url=slow.url)) as child:
            assert child.stdout is not None
            child.stdout.readline()
            assert asked.wait(10)
            child.send_signal(signal.SIGTERM)
            gate.set()
            child.communicate(timeout=10)
        assert child.returncode == -signal.SIGTERM
        assert len(slow.spans) == 20


def test_a_handler_of_the_application_stays() -> None:
    """A SIGTERM handler set before init() is not touched, nor is SIGINT's default."""
    code = """
    import signal, os
    def mine(*_): print("mine", flush=True)
    signal.signal(signal.SIGTERM, mine)
    before = signal.getsignal(signal.SIGINT)
    import otel_trading as ot
    ot.init("x", traces_exporter="none", metrics_exporter="none", logs_exporter="none")
    assert signal.getsignal(signal.SIGTERM) is mine
    assert signal.getsignal(signal.SIGINT) is before
    os.kill(os.getpid(), signal.SIGTERM)
    """
    assert children.run(code).out == "mine\n"


def test_an_ignored_sigterm_stays_ignored() -> None:
    """SIG_IGN is a decision of the application."""
    code = """
    import signal, os
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    import otel_trading as ot
    ot.init("x", traces_exporter="none", metrics_exporter="none", logs_exporter="none")
    os.kill(os.getpid(), signal.SIGTERM)
    print("alive")
    """
    assert children.run(code).out == "alive\n"


def test_asyncio_signal_handling_stays_as_it_was(otlp: Receiver) -> None:
    """A loop's own SIGTERM handler wins, cancellation by SIGINT works, and atexit still delivers."""
    code = f"""
    import asyncio, os, signal
    import otel_trading as ot
    ot.init("x", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off")
    async def main():
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        with ot.tracer().start_as_current_span("order.submit"):
            os.kill(os.getpid(), signal.SIGTERM)
            await stop.wait()
        print("graceful", flush=True)
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("cancelled", flush=True)
            raise
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    """
    ended = children.run(code)
    assert ended.out.split() == ["graceful", "cancelled", "interrupted"]
    assert len(otlp.spans) == 1


def test_uvicorn_shuts_down_gracefully_and_delivers(otlp: Receiver) -> None:
    """uvicorn takes SIGTERM over, finishes, and raises it again: our handler then delivers."""
    code = f"""
    import uvicorn
    import otel_trading as ot
    ot.init("x", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off", traces_schedule_delay_s=60)
    async def app(scope, receive, send):
        assert scope["type"] == "lifespan"
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({{"type": "lifespan.startup.complete"}})
                with ot.tracer().start_as_current_span("order.submit"):
                    print("ready", flush=True)
            else:
                print("graceful", flush=True)
                await send({{"type": "lifespan.shutdown.complete"}})
                return
    uvicorn.run(app, port=0, log_level="critical")
    """
    with children.start(code) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGTERM)
        out, _ = child.communicate(timeout=15)
    assert "graceful" in out
    assert child.returncode == -signal.SIGTERM
    assert len(otlp.spans) == 1


def test_a_multiprocessing_child_that_calls_init_delivers_at_its_end(otlp: Receiver) -> None:
    """Such a child leaves by os._exit and runs no atexit functions."""
    code = f"""
    import multiprocessing as mp
    import otel_trading as ot
    def child():
        ot.init("child", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off", traces_schedule_delay_s=60)
        with ot.tracer().start_as_current_span("order.submit"):
            pass
    if __name__ == "__main__":
        ot.init("parent", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off")
        process = mp.get_context("fork").Process(target=child)
        process.start(); process.join()
        print(process.exitcode)
    """
    assert children.run(code).out == "0\n"
    assert [span.name for span in otlp.spans] == ["order.submit"]


def test_terminate_ends_a_forked_child_at_once(otlp: Receiver) -> None:
    """The parent's SIGTERM handler is not inherited in effect."""
    code = f"""
    import multiprocessing as mp, time
    import otel_trading as ot
    ot.init("parent", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off")
    process = mp.get_context("fork").Process(target=time.sleep, args=(60,))
    process.start()
    time.sleep(0.2)
    process.terminate(); process.join(5)
    print(process.exitcode)
    """
    assert children.run(code).out == f"{-signal.SIGTERM}\n"


def test_the_receiver_is_told_once_when_it_goes_and_once_when_it_comes_back(otlp: Receiver) -> None:
    """Not a stream of warnings."""
    code = f"""
    import sys, time
    import otel_trading as ot
    from otel_trading.delivery import reachability
    t = ot.init("x", otlp_endpoint={otlp.url!r}, prometheus_port=0, stdout="off")
    for _ in range(5):
        with ot.tracer().start_as_current_span("order.submit"): pass
        t.flush(0.3)
    print("gone", flush=True)
    while reachability.silent_places():
        t.flush(0.3); time.sleep(0.05)
    """
    otlp.answer = lambda path: (503, {}, b"")
    with children.start(code) as child:
        assert child.stdout is not None
        child.stdout.readline()
        otlp.answer = lambda path: (200, {}, b"")
        _, err = child.communicate(timeout=20)
    lines = children.without_engine(err).splitlines()
    assert len(lines) == 2, err
    assert "it answers 503" in lines[0]
    assert "takes data again" in lines[1]
    wait_until(lambda: len(otlp.spans) >= 5)
