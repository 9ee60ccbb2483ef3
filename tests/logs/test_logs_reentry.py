"""Signal handlers and finalisers that log while their own thread logs: no deadlock, exact books."""

import json
import subprocess
import sys
import textwrap

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from support import children

from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline
from otel_trading.logs import pipeline
from otel_trading.privacy.redaction import Redactor

PROLOGUE = """
    import faulthandler, gc, itertools, json, os, signal, sys, time
    from opentelemetry.sdk._logs import LoggerProvider
    from otel_trading.ground.clock import Deadline
    from otel_trading.logs import pipeline
    from otel_trading.logs.logger import get_logger
    from otel_trading.privacy.redaction import Redactor
    faulthandler.dump_traceback_later(30, exit=True)  # says where it hangs
    calls, log = itertools.count(), get_logger("a")
    def log_one(text, error=False):
        next(calls)
        (log.error if error else log.info)(text)
    def unbalanced(books):
        return books["offered"] - books["delivered"] - sum(books["dropped"].values()) - books["queued"]
    provider = LoggerProvider(shutdown_on_exit=False)
    running = pipeline.start(pipeline.LogOptions("risk", stdout="json", queue_items=500), provider, Redactor())
"""
EPILOGUE = """
    stopped = running.stop(Deadline(10))
    sys.stderr.write(json.dumps({"calls": next(calls), **running.books()}))
"""


def outcome(program):
    """The books of a program that logs to a pipe, and how many lines arrived."""
    text = textwrap.dedent(PROLOGUE) + textwrap.dedent(program) + textwrap.dedent(EPILOGUE)
    # unmeasured: coverage's own lock is not re-entrant, and a handler would wait for it for ever
    done = subprocess.run(
        [sys.executable, "-c", text],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=children.environment(measured=False),
    )
    assert 0 == done.returncode, done.stderr
    lines = done.stdout.splitlines()
    assert all(json.loads(line)["service"] == "risk" for line in lines)
    return json.loads(done.stderr.splitlines()[-1]), len(lines)


def exact(books, lines):
    return (
        (books["calls"], lines, 0) == (books["offered"], books["delivered"], books["queued"])
        and books["offered"] == books["delivered"] + sum(books["dropped"].values())
    )  # fmt: skip


@pytest.mark.skipif(not hasattr(__import__("signal"), "setitimer"), reason="POSIX")
def test_a_signal_handler_logs_within_a_log_call():
    """200 times a second for 2 s; the handler asks for the books, too, and they balance there."""
    books, lines = outcome("""
    wrong, depth = [], 0
    def handler(*_):
        global depth
        if depth == 2:  # on a busy machine handlers interrupt each other; the pipeline takes three calls in one another
            return
        depth += 1
        log_one("handler", error=time.monotonic_ns() % 2 == 0)
        if unbalanced(running.books()):
            wrong.append(running.books())
        depth -= 1
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        log_one("loop")
    signal.setitimer(signal.ITIMER_REAL, 0)
    assert not wrong, wrong[:3]
    """)
    assert exact(books, lines), (books, lines)
    assert books["offered"] > 500


def test_a_finaliser_logs_within_a_log_call():
    """The collector runs every few allocations, in the caller's thread and in the writer's."""
    books, lines = outcome("""
    class Node:
        def __init__(self):
            self.me = self  # only the collector finds it
        def __del__(self):
            log_one("closed")
    gc.set_threshold(5)
    end = time.monotonic() + 2
    while time.monotonic() < end:
        Node()
        log_one("loop")
    gc.set_threshold(0)
    gc.collect()
    """)
    assert exact(books, lines), (books, lines)
    assert books["offered"] > 500


def test_a_handler_at_every_step_of_the_writer_leaves_exact_books():
    """A trace function logs at each line of the writer's own code, which no signal could hit so surely."""
    books, lines = outcome("""
    inside = False
    def tracer(frame, event, _):
        global inside
        if not frame.f_code.co_filename.endswith(("stdout.py", "emit.py")):
            return None
        if not inside:
            inside = True
            log_one("between", error=event == "return")
            assert not unbalanced(running.books())
            inside = False
        return tracer
    for number in range(6):
        sys.settrace(tracer)
        log_one("outer", error=number % 5 == 0)
        sys.settrace(None)
        running.flush(Deadline(10))
    """)
    assert exact(books, lines), (books, lines)
    assert books["offered"] > 200


def test_an_event_within_the_sdk_goes_to_stdout_only_and_is_counted(capsys):
    """Its logger cache holds a plain lock: to enter it again in the same thread would hang."""
    diagnostics.forget()
    names = []

    class Provider(LoggerProvider):
        def get_logger(self, name, *arguments, **more):
            names.append(name)
            if name == "outer":
                log("inner").info("within")  # as a handler would, right here
            return super().get_logger(name, *arguments, **more)

    from otel_trading.logs.logger import get_logger as log

    running = pipeline.start(pipeline.LogOptions("risk", stdout="json"), Provider(shutdown_on_exit=False), Redactor())
    log("outer").info("first")
    log("inner").info("afterwards")
    running.stop(Deadline(5))
    assert ["outer", "inner"] == names
    assert 1 == diagnostics.troubles()["logs.reentered"]
    events = [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()]
    assert ["first", "within", "afterwards"] == [event for event in events if not event.startswith("a log call")]
    diagnostics.forget()
