"""The writer of stdout lines: pipes that are full, broken or closed; files; exact books."""

# the house puts the expected value on the left

import contextlib
import io
import json
import os
import subprocess
import sys
import textwrap
import threading
import time

import pytest

from otel_trading.ground.clock import Deadline
from otel_trading.logs.stdout import StdoutWriter


@pytest.fixture
def writer():
    """A running writer with small bounds, stopped afterwards."""
    made = StdoutWriter(queue_items=100, queue_bytes=100_000)
    made.start()
    yield made
    made.stop(Deadline(2))
    assert not made._thread.is_alive()


@pytest.fixture
def pipe(monkeypatch):
    """Makes `sys.stdout` a pipe when the test calls it (pytest sets its own before), and gives its reading end."""
    opened = []

    def begin() -> int:
        reading, writing = os.pipe()
        opened.append(stream := open(writing, "w"))  # noqa: SIM115  # closed below
        opened.append(open(reading, "rb"))  # noqa: SIM115
        monkeypatch.setattr(sys, "stdout", stream)
        return reading

    yield begin
    monkeypatch.undo()
    for end in opened:
        with contextlib.suppress(OSError):  # the test closed it
            end.close()


def balanced(writer):
    books = writer.books()
    return books["offered"] == books["delivered"] + sum(books["dropped"].values()) + books["queued"]


def read_all(reading, writer):
    """Reads until the writer's queue is empty."""
    os.set_blocking(reading, False)
    parts, deadline = [], Deadline(10)
    while not deadline.over:
        try:
            parts.append(os.read(reading, 65_536))
        except BlockingIOError:
            if writer.books()["queued"] == 0:
                return b"".join(parts)
            time.sleep(0.001)
    raise AssertionError("the writer did not finish")


def test_lines_arrive_whole_and_in_order(writer, pipe):
    """Through the thread, short and long ones."""
    reading = pipe()
    lines = [b"%d %s\n" % (n, b"x" * (n * 400)) for n in range(50)]
    for line in lines[:5]:
        writer.offer(line)
    assert writer.flush(Deadline(5)) is True
    assert b"".join(lines[:5]) == os.read(reading, 65_536)
    for line in lines[5:15]:
        writer.offer(line)
    assert b"".join(lines[5:15]) == read_all(reading, writer)
    assert {"offered": 15, "delivered": 15, "dropped": {}, "queued": 0} == writer.books()


def test_an_urgent_line_is_in_the_pipe_when_the_call_returns(writer, pipe):
    """With all that was queued before it: a process killed by the next instruction has written its last words."""
    reading = pipe()
    writer.offer(b"one\n")
    writer.offer(b"two\n", urgent=True)
    os.set_blocking(reading, False)
    assert b"one\ntwo\n" == os.read(reading, 100)


def test_a_full_pipe_never_blocks_the_caller(writer, pipe):
    """Lines are kept up to the bounds and then dropped, by reason; those that fit arrive later, whole."""
    reading = pipe()
    started = time.monotonic()
    for number in range(5_000):
        writer.offer(b"%05d %s\n" % (number, b"x" * 1_000), urgent=number % 2 == 0)
        assert balanced(writer)
    writer.offer(b"y" * 200_000)
    assert writer.flush(Deadline(0.1)) is False
    assert time.monotonic() - started < 5
    books = writer.books()
    assert {"queue_bytes", "too_large"} <= books["dropped"].keys() | {"queue_bytes"}
    assert 1 == books["dropped"]["too_large"]
    assert 0 < books["queued"] <= 100
    arrived = read_all(reading, writer).splitlines()
    assert writer.books()["delivered"] == len(arrived)
    assert arrived == sorted(arrived)
    assert {1_006} == {len(line) for line in arrived}
    assert balanced(writer)


def test_many_small_lines_are_bounded_by_number(writer, pipe):
    """The bound on items has its own reason."""
    pipe()
    while "queue_full" not in writer.books()["dropped"]:
        writer.offer(b"x" * 900 + b"\n")
    assert balanced(writer)


def test_flush_is_true_again_after_it_told_of_a_loss(writer, pipe):
    """True means: all that was offered since the last flush is written."""
    pipe()
    writer.offer(b"z" * 200_000)
    assert [False, True] == [writer.flush(Deadline(1)), writer.flush(Deadline(1))]


def test_a_broken_pipe_is_counted(writer, pipe):
    """`service | head` ends the reader, not the service."""
    reading = pipe()
    os.close(reading)
    for _ in range(3):
        writer.offer(b"x\n", urgent=True)
    assert writer.flush(Deadline(5)) is False
    assert {"offered": 3, "delivered": 0, "dropped": {"broken_pipe": 3}, "queued": 0} == writer.books()


def test_a_closed_stdout_is_counted(writer, monkeypatch):
    """Closed as Python object, closed below it, absent, or something that raises."""
    for stream in (io.StringIO(), open(os.devnull, "w")):  # noqa: SIM115
        stream.close()
        monkeypatch.setattr(sys, "stdout", stream)
        writer.offer(b"x\n")
    stream = open(os.devnull, "w")  # noqa: SIM115
    monkeypatch.setattr(sys, "stdout", stream)
    duplicate = os.dup(stream.fileno())
    os.close(stream.fileno())
    writer.offer(b"x\n")
    writer.flush(Deadline(5))
    os.dup2(duplicate, stream.fileno())
    os.close(duplicate)
    stream.close()
    monkeypatch.setattr(sys, "stdout", None)
    writer.offer(b"x\n")
    assert {"offered": 4, "delivered": 0, "dropped": {"closed": 3, "no_stdout": 1}, "queued": 0} == writer.books()


def test_redirected_stdout_gets_its_lines_at_once(writer, pipe):
    """In-memory streams are written by the caller, and get exactly what was offered while they stood there."""
    reading = pipe()
    writer.offer(b"pipe\n")
    with contextlib.redirect_stdout(io.StringIO()) as stream:
        writer.offer("é\n".encode())
        assert "é\n" == stream.getvalue()
    writer.flush(Deadline(5))
    assert b"pipe\n" == os.read(reading, 100)


def test_a_file_is_written_directly(writer, tmp_path, monkeypatch):
    """An urgent line is in the file when the call returns; others follow by the thread."""
    with open(tmp_path / "log", "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        writer.offer(b"one\n", urgent=True)
        assert b"one\n" == (tmp_path / "log").read_bytes()
        for number in range(90):
            writer.offer(b"%d\n" % number)
        assert writer.flush(Deadline(5)) is True
    assert 91 == len((tmp_path / "log").read_bytes().splitlines())


def test_a_stream_of_the_application_is_written_by_the_thread(writer, monkeypatch):
    """Whatever it does, the caller does not wait for it."""
    gate, written = threading.Event(), []

    class Slow:
        def write(self, text):
            gate.wait(10)
            written.append(text)

        def flush(self):
            pass

    monkeypatch.setattr(sys, "stdout", Slow())
    writer.offer(b"x\n", urgent=True)
    assert [] == written
    gate.set()
    assert writer.flush(Deadline(5)) is True
    assert ["x\n"] == written


@pytest.mark.parametrize(
    "error", [RuntimeError("widget is gone"), AttributeError(), UnicodeEncodeError("a", "", 0, 1, "")]
)
def test_a_line_that_a_foreign_stream_cannot_take_costs_no_other(writer, monkeypatch, error):
    """Whatever it raises: that line is dropped as write_error, lines before and after arrive."""
    written, gate = [], threading.Event()

    class Picky:
        def write(self, text):
            gate.wait(10)
            if text == "poison\n":
                raise error
            written.append(text)

        def flush(self):
            pass

    monkeypatch.setattr(sys, "stdout", Picky())
    long = "é" * 5_000 + "\n"
    for line in ("one\n", "poison\n", "two\n", long):
        writer.offer(line.encode())
    gate.set()
    assert writer.flush(Deadline(5)) is False
    assert ["one\n", "two\n", long] == written
    assert {"offered": 4, "delivered": 3, "dropped": {"write_error": 1}, "queued": 0} == writer.books()


def test_books_balance_under_many_threads(writer, pipe):
    """At any moment, while threads offer and a reader reads."""
    reading = pipe()
    done = threading.Event()

    def offer():
        for number in range(500):
            writer.offer(b"x" * 50 + b"\n", urgent=number % 10 == 0)

    threads = [threading.Thread(target=offer) for _ in range(4)]
    reader = threading.Thread(target=lambda: [os.read(reading, 65_536) for _ in iter(done.is_set, True)], daemon=True)
    reader.start()
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert balanced(writer)
    writer.flush(Deadline(5))
    done.set()
    writer.offer(b"end\n", urgent=True)
    reader.join(10)
    assert 2_001 == writer.books()["offered"]
    assert balanced(writer)


def run(program, **popen):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], text=True, **popen)


PROLOGUE = """
    import json, os, sys, time
    from opentelemetry.sdk._logs import LoggerProvider
    from otel_trading.ground.clock import Deadline
    from otel_trading.logs import pipeline
    from otel_trading.logs.logger import get_logger
    from otel_trading.privacy.redaction import Redactor
    def start(**options):
        options = {"service": "risk", "stdout": "json"} | options
        provider = LoggerProvider(shutdown_on_exit=False)
        return pipeline.start(pipeline.LogOptions(**options), provider, Redactor())
"""


def test_a_process_with_a_full_pipe_goes_on_and_exits():
    """Nobody reads its stdout: it logs on, its books are exact, and it exits within its deadline."""
    program = (
        PROLOGUE
        + """
    running = start(queue_items=50)
    log = get_logger("a")
    started = time.monotonic()
    for number in range(2_000):
        log.info("x" * 500, number=number)
        log.error("y" * 500, number=number)
    spent = time.monotonic() - started
    complete = running.stop(Deadline(0.5))
    sys.stderr.write(json.dumps({"spent": spent, "complete": complete, "stop": time.monotonic() - started - spent}
                     | running.books()))
    """
    )
    process = run(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    books = json.loads(process.stderr.read())  # stdout is read only afterwards
    assert 0 == process.wait(20)
    lines = process.stdout.read().splitlines()
    process.stdout.close()
    process.stderr.close()
    assert books["complete"] is False
    assert books["stop"] < 1.5
    assert (4_000, 0) == (books["offered"], books["queued"])
    assert 4_000 == books["delivered"] + sum(books["dropped"].values())
    assert {"queue_full", "shutdown"} == books["dropped"].keys()
    assert books["delivered"] in (len(lines), len(lines) - 1)  # the last one may be in the pipe in part
    assert all(json.loads(line)["service"] == "risk" for line in lines[:-1])


def test_error_lines_survive_a_kill():
    """What was logged at error is in the pipe before the next statement runs."""
    program = (
        PROLOGUE
        + """
    start()
    get_logger("a").info("before")
    get_logger("a").error("last words")
    os._exit(9)
    """
    )
    process = run(program, stdout=subprocess.PIPE)
    output, _ = process.communicate(timeout=20)
    assert ["before", "last words"] == [json.loads(line)["event"] for line in output.splitlines()]


def test_dict_config_and_a_reader_that_leaves_do_no_harm():
    """freqtrade's way: dictConfig after init; then the reader of stdout goes away."""
    program = (
        PROLOGUE
        + """
    import logging, logging.config
    running = start()
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO"},
        "handlers": {"file": {"class": "logging.FileHandler", "filename": os.devnull}}})
    logging.getLogger("a.b").error("bridged")
    sys.stdin.readline()
    for number in range(100):
        logging.getLogger("a.b").error("nobody reads")
    flushed = running.flush(Deadline(5))
    logging.config.dictConfig({"version": 1})
    stopped = running.stop(Deadline(5))
    sys.stderr.write(json.dumps([flushed, stopped, running.books()]))
    """
    )
    process = run(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert "bridged" == json.loads(process.stdout.readline())["event"]
    process.stdout.close()
    _, errors = process.communicate("go\n", timeout=20)
    expected = {"offered": 101, "delivered": 1, "dropped": {"broken_pipe": 100}, "queued": 0}
    assert [False, True, expected] == json.loads(errors)
    assert 0 == process.returncode


def test_a_thousand_rounds_leak_nothing():
    """No thread, no descriptor; logging and structlog are as they were."""
    program = (
        PROLOGUE
        + """
    import logging, threading, structlog
    original = logging.Logger.callHandlers
    def state():
        return [threading.active_count(), len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0,
                structlog.is_configured(), logging.Logger.callHandlers is original]
    before = state()
    for number in range(1_000):
        running = start()
        get_logger("a").info("x")
        logging.getLogger("b").error("y")
        assert running.stop(Deadline(5)), running.books()
        assert running.books() == {"offered": 2, "delivered": 2, "dropped": {}, "queued": 0}
    assert before == state(), (before, state())
    """
    )
    process = run(program, stdout=subprocess.PIPE)
    output, _ = process.communicate(timeout=60)
    assert (0, 2_000) == (process.returncode, len(output.splitlines()))


def test_a_forked_child_is_silent_and_the_parent_goes_on():
    """The child drops the pipeline without its locks or thread; what was queued is written once."""
    program = (
        PROLOGUE
        + """
    import logging
    running = start()
    log = get_logger("a")
    for _ in range(20):
        log.info("parent")
    child = os.fork()
    if child == 0:
        pipeline.after_fork_in_child()
        log.info("child")
        logging.getLogger("a").info("child")
        again = start()
        log.info("child with its own init")
        os._exit(0 if again.stop(Deadline(5)) else 1)
    assert os.waitpid(child, 0)[1] == 0
    log.info("parent")
    assert running.stop(Deadline(5))
    """
    )
    process = run(program, stdout=subprocess.PIPE)
    output, _ = process.communicate(timeout=20)
    events = [json.loads(line)["event"] for line in output.splitlines()]
    assert 0 == process.returncode
    assert ["child with its own init"] + ["parent"] * 21 == sorted(events)
