"""Each hostile receiver against each way to leave: deadlines kept, books exact, nothing raised."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from support.hostile import HTTP, Hostile
from support.hostile_grpc import GRPC
from support.nursery import Ended, Nursery, nursery

FLUSH_S, SHUTDOWN_S = 0.4, 0.6

SERVICE = """
import json, os, signal, sys, time
import otel_trading as ot
knobs = {knobs!r}
def work(name):
    telemetry = ot.init(name, diagnostics_level="debug", stdout="off", own_metrics=False, metrics_exporter="otlp",
                        shutdown_timeout_s={shutdown_s}, traces_schedule_delay_s=60, logs_schedule_delay_s=60, **knobs)
    ot.meter().create_counter("orders").add(1)
    for number in range(20):
        with ot.tracer().start_as_current_span(f"order.{{number}}"):
            ot.get_logger().info("submitted")
    return telemetry
"""
SERVERS = {**HTTP, **GRPC}
WAYS = {
    "flush": """
telemetry = work("x")
began = time.monotonic()
clean = telemetry.flush({flush_s})
took_s = time.monotonic() - began
found = {{name: books.as_dict() for name, books in telemetry.books().items()}}
print(json.dumps([clean, took_s, found]))
print(time.monotonic(), flush=True)
""",
    "exit": """
work("x")
print(time.monotonic(), flush=True)
""",
    "fork": """
work("parent")
pid = os.fork()
if pid == 0:
    work("child")
    sys.exit(0)
print(os.waitpid(pid, 0)[1])
print(time.monotonic(), flush=True)
""",
    "sigterm": """
work("x")
print(time.monotonic(), flush=True)
os.kill(os.getpid(), signal.SIGTERM)
time.sleep(60)
""",
}


@pytest.fixture(scope="module")
def nest() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


def run(nest: Nursery, server: str, hostile: Hostile, way: str) -> Ended:
    protocol = "grpc" if server.startswith("grpc") else "http/protobuf"
    knobs = {"otlp_endpoint": hostile.url, "otlp_protocol": protocol, **hostile.knobs}
    code = (SERVICE + WAYS[way]).format(knobs=knobs, flush_s=FLUSH_S, shutdown_s=SHUTDOWN_S)
    return nest.run(code, 20)


def last_books(ended: Ended) -> list[dict[str, Any]]:
    """Those that the process, and its child, said at the end."""
    marked = [line.partition(" books: ")[2] for line in ended.err.splitlines() if "DEBUG: books: " in line]
    return [json.loads(text) for text in marked]


def balanced(books: dict[str, Any]) -> bool:
    return bool(books["offered"] == books["delivered"] + sum(books["dropped"].values()) + books["queued"])


def late(ended: Ended, way: str) -> bool:
    """A flush is allowed 100 ms more than its limit; leaving, which ends the interpreter and grpc's threads too, two
    seconds, for machines that are busy.
    """
    lines = ended.out.splitlines()
    flushed_late = way == "flush" and json.loads(lines[0])[1] > FLUSH_S + 0.1
    return flushed_late or ended.at - float(lines[-1]) > SHUTDOWN_S + 2.0


def short_of_time(ended: Ended, hostile: Hostile) -> bool:
    """Something was lost to the deadline though the receiver answers."""
    lost = {reason for books in last_books(ended) for of_signal in books.values() for reason in of_signal["dropped"]}
    return "deadline" in lost - hostile.reasons


def holds(books: dict[str, Any], hostile: Hostile) -> None:
    """Nothing is uncounted at the end, and the reasons are those of the receiver."""
    for signal_books in books.values():
        assert balanced(signal_books), books
        assert signal_books["queued"] == 0
        assert set(signal_books["dropped"]) <= hostile.reasons
    assert books["traces"]["offered"] == books["logs"]["offered"] == 20
    if hostile.delivered is not None:
        assert books["traces"]["delivered"] == hostile.delivered


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("server", SERVERS)
def test_leaving_is_bounded_and_counted(nest: Nursery, server: str, way: str) -> None:
    """Whatever the receiver does."""
    with SERVERS[server]() as hostile:
        for _ in range(3):  # once or twice may be the machine's fault
            ended = run(nest, server, hostile, way)
            if not (late(ended, way) or short_of_time(ended, hostile)):
                break
    assert not late(ended, way)
    assert "Traceback" not in ended.err, ended.err
    assert ended.code == (-signal.SIGTERM if way == "sigterm" else 0), ended.err
    # a child that was slow to call init() had begun by itself, and says that it ended with nothing
    told = [books for books in last_books(ended) if books["traces"]["offered"]]
    assert len(told) == (2 if way == "fork" else 1), ended.err
    for books in told:
        holds(books, hostile)
    if way == "flush":
        clean, _, at_flush = json.loads(ended.out.splitlines()[0])
        assert all(balanced(books) for books in at_flush.values())
        lost_nothing = all(not books["dropped"] and not books["queued"] for books in at_flush.values())
        assert clean is lost_nothing
    elif way == "fork":
        assert ended.out.splitlines()[0] == "0"
