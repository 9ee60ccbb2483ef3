"""Starts the canary's process, hears what became of the canary, and ends the process whatever it does."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from otel_trading.doctor.delivered import Delivery
from otel_trading.ground.clock import Deadline

_MOST_LINES = 200
_START_S = 6.0  # interpreter and imports on a busy machine
_ENDING_S = 1.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What the canary's process told.

    Attributes:
        canary: the id that all three signals carry.
        trace_id: of the span and of the log record.
        sampled: the span was recorded.
        began_ns: the time that is stamped on the span, nanoseconds since 1970.
        deliveries: by signal.
        metrics_url: where it serves /metrics; None if nowhere.
        mistake: why `init()` refused; empty if it did not.
        failure: why nothing was told; empty if something was.
    """

    canary: str
    trace_id: str = ""
    sampled: bool = False
    began_ns: int = 0
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)
    metrics_url: str | None = None
    mistake: str = ""
    failure: str = ""

    def delivered(self, signal: str) -> bool:
        """True if a receiver acknowledged all of the signal."""
        return signal in self.deliveries and self.deliveries[signal].whole


@contextmanager
def canary(
    name: str, config_file: str | None, arguments: Mapping[str, Any], flush_s: float, deadline: Deadline
) -> Iterator[Sent]:
    """Sends a canary; while the block runs its process lives and serves /metrics.

    Args:
        name: the canary's id.
        config_file: as for `init()`.
        arguments: of `init()`.
        flush_s: longest time for delivery.
        deadline: of the whole examination.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", "otel_trading.doctor.canary"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    said: list[str] = []
    threading.Thread(target=_keep, args=(child.stderr, said), daemon=True).start()
    try:
        order = {"canary": name, "config_file": config_file, "arguments": dict(arguments), "timeout_s": flush_s}
        limit_s = min(_START_S + flush_s, deadline.remaining_s())
        yield _sent(name, _told(child, order, limit_s), said)
    finally:
        _end(child)


def _told(child: subprocess.Popen[str], order: Mapping[str, Any], limit_s: float) -> dict[str, Any]:
    """The one line that the process writes; a document with `failure` if none comes."""
    lines: queue.Queue[str] = queue.Queue()
    assert child.stdin is not None
    assert child.stdout is not None
    reading = child.stdout
    try:
        child.stdin.write(json.dumps(order) + "\n")
        child.stdin.flush()
        threading.Thread(target=lambda: lines.put(reading.readline()), daemon=True).start()
        document = json.loads(lines.get(timeout=max(0.1, limit_s)))
    except queue.Empty:
        return {"failure": f"no answer within {limit_s:.0f} s"}
    except (OSError, ValueError):
        return {"failure": "it ended without an answer"}
    return document if isinstance(document, dict) else {"failure": "its answer cannot be read"}


def _sent(name: str, told: Mapping[str, Any], said: list[str]) -> Sent:
    lines = tuple(said)
    if "failure" in told:
        return Sent(name, failure=f"{told['failure']}: {lines[-1]}" if lines else str(told["failure"]))
    if "mistake" in told:
        return Sent(name, mistake=str(told["mistake"]))
    return Sent(
        name,
        str(told["trace_id"]),
        bool(told["sampled"]),
        int(told["began_ns"]),
        {signal: Delivery.from_books(books, lines) for signal, books in told["books"].items()},
        told["metrics_url"],
    )


def _keep(stream: IO[str] | None, said: list[str]) -> None:
    """Reads to the end, so that the process never waits for us, and keeps the first lines."""
    assert stream is not None
    try:
        for line in stream:
            if len(said) < _MOST_LINES and line.strip():
                said.append(line.strip().removeprefix("otel_trading: "))
    except (OSError, ValueError):  # closed at the end
        pass


def _end(child: subprocess.Popen[str]) -> None:
    """Closes its input, which ends it; kills it if it does not obey."""
    assert child.stdin is not None
    try:
        child.stdin.close()
    except OSError:  # it has ended already
        pass
    try:
        child.wait(_ENDING_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    finally:
        for stream in (child.stdout, child.stderr):
            if stream is not None:
                stream.close()
