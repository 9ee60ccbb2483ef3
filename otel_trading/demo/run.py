"""The demo from beginning to end: what `otel-trading demo` calls."""

from __future__ import annotations

import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import orjson

from otel_trading.demo import extra, replay, screen, verdict
from otel_trading.demo.session import Options, Session
from otel_trading.demo.stack import StackMissing, find
from otel_trading.demo.supervise import ChildDied
from otel_trading.ground.errors import ConfigurationError
from otel_trading.viewer.schema import StoreError
from otel_trading.viewer.text import log_text, trace_lines

BAD_ARGUMENT = 2


def run(options: Options, *, stack: bool = False, by_otlp: bool = False, targets: Path | None = None) -> int:
    """Runs the demo and returns the exit code.

    Args:
        options: what the user asked for; its `stack` is filled here.
        stack: send to a real stack, whose addresses the knobs tell.
        by_otlp: see `Stack`.
        targets: see `Stack`.

    Returns:
        0 when the run ended as asked; with `as_json` only if all checks passed. 1 when a service failed or a check
        did not pass. 2 when the options cannot be used; one line on standard error says why.
    """
    try:
        extra.check()
        if options.replay is not None:
            replay.check_readable(options.replay)
        if stack:
            options = replace(options, stack=find(by_otlp=by_otlp, targets=targets))
        elif by_otlp or targets:
            return _refuse("--metrics and --prometheus-targets are for --stack.")
        session = Session(options)
    except (extra.MissingExtra, StoreError, StackMissing, ConfigurationError) as error:
        return _refuse(str(error))
    except OSError as error:
        return _refuse(f"cannot use {error.filename or 'the cache directory'}: {error.strerror or error}.")
    with session, _StopOnSignals() as stop:
        session.start()
        with screen.choose(options.as_json) as show:
            session.play(stop, show)
        session.end()
        document = summary(session)
        if options.as_json:
            print(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        else:
            _say_goodbye(session, document)
    failed = session.story.trouble is not None or (options.as_json and not document["ok"])
    return 1 if failed else 0


def summary(session: Session) -> dict[str, Any]:
    """Returns the JSON document of a run that has ended."""
    story, since_ns = session.story, session.began_ns
    found = verdict.orders(session.reader, since_ns)
    correlated = session.reader.correlated_logs(since_ns=since_ns)
    results = verdict.checks(found, correlated, story.endpoints)
    trouble = story.trouble
    detail = str(trouble) if trouble else "all four ran to the end"
    results.insert(0, verdict.Check("services", trouble is None, detail))
    return {
        "ok": all(check.ok for check in results),
        "failed_checks": [check.name for check in results if not check.ok],
        "checks": verdict.as_json(results),
        "began_ns": str(since_ns),
        "elapsed_s": round(session.elapsed_s, 3),
        "ready_s": _rounded(story.ready_s),
        "first_complete_order_s": _rounded(story.first_complete_s),
        "market": _market(session),
        "store": str(session.store_path),
        "stored": session.reader.counts(),
        "received": session.received,
        "made": {name: told.get("made") for name, told in story.statuses.items()},
        "metrics_urls": {name: endpoint.url for name, endpoint in story.endpoints.items()},
        "orders": found,
        "correlated_logs": correlated,
        "metrics": verdict.metrics(story.endpoints),
        "example": verdict.example(session.reader, since_ns),
        "exit_codes": story.exit_codes,
        "died": _obituary(trouble) if isinstance(trouble, ChildDied) else None,
        "links": screen.links(session),
        "next_command": screen.next_command(session),
    }


class _StopOnSignals:
    """Turns Ctrl-C and SIGTERM into an event while the run lasts, and puts the handlers back afterwards."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> threading.Event:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._on_signal)
        return self._stop

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._stop.set()


def _say_goodbye(session: Session, document: dict[str, Any]) -> None:
    """Prints the newest complete order once more, the counts, and the command to type next."""
    newest = session.story.newest
    if newest is not None:
        print(f"newest complete order ({newest.order_status}), trace {newest.trace_id}:")
        for line in trace_lines(session.reader.spans(newest.trace_id), session.reader.span):
            print(f"  {line}")
        for log_line in session.reader.logs_of_trace(newest.trace_id):
            print(f"  {log_text(log_line)}")
    stored, orders = document["stored"], document["orders"]
    statuses = ", ".join(f"{count} {status}" for status, count in orders["by_status"].items()) or "none"
    print(f"orders ended: {statuses}; {orders['complete']} of them complete across all services")
    print(f"stored: {stored['spans']} spans, {stored['logs']} log lines, {stored['points']} metric points")
    print(f"in {session.store_path}" + _lifetime(session.options))
    if session.story.trouble is None and document["failed_checks"]:
        print(f"not seen yet: {', '.join(document['failed_checks'])}")
    _tell_trouble(session)
    for name, url in screen.links(session).items():
        print(f"{name}: {url}")
    print(f"next: {screen.next_command(session)}")


def _tell_trouble(session: Session) -> None:
    trouble = session.story.trouble
    if trouble is None:
        return
    print(f"otel-trading demo: {trouble}. Its files: {session.run.path}", file=sys.stderr)
    for line in trouble.last_lines if isinstance(trouble, ChildDied) else ():
        print(f"  {line}", file=sys.stderr)


def _lifetime(options: Options) -> str:
    if options.store is not None or options.keep:
        return ", kept"
    return ", until the next run of the demo (--keep keeps it)"


def _market(session: Session) -> dict[str, Any]:
    options, told = session.options, session.story.statuses.get("market-data", {})
    source = str(options.replay) if options.replay else "simulated"
    return {"source": source, "seed": options.seed, "rate": options.rate, "replay": told.get("replay")}


def _obituary(died: ChildDied) -> dict[str, Any]:
    return {"service": died.service, "exit_code": died.exit_code, "last_lines": died.last_lines}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _refuse(reason: str) -> int:
    print(f"otel-trading demo: {reason}", file=sys.stderr)
    return BAD_ARGUMENT
