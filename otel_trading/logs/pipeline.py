"""The way of a log event: record -> event (converted, redacted) -> one line on stdout and one OTLP record."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass
from typing import Any, Literal

from otel_trading.ground import values
from otel_trading.ground.clock import Deadline
from otel_trading.ground.diagnostics import trouble
from otel_trading.logs import chain, current, levels, standard_library
from otel_trading.logs.emit import OtlpEmitter
from otel_trading.logs.event import Event, event_of
from otel_trading.logs.levels import ERROR
from otel_trading.logs.record import Record
from otel_trading.logs.render import Render, console_lines, json_lines
from otel_trading.logs.stdout import StdoutWriter
from otel_trading.privacy.redaction import Redactor
from otel_trading.sdk import LoggerProvider

_DEEPEST = 3  # log calls made while a log call is handled, by a value's __repr__ or a synchronous exporter


@dataclass(frozen=True, slots=True)
class LogOptions:
    """What the configuration says about logs.

    Attributes:
        service: the service's name, on every line.
        level: the lowest level taken; a name or a number's text.
        stdout: `json`, `console`, `off`; `auto` is console on a terminal and JSON otherwise, decided at the start.
        bridge_standard_library: take the records of `logging` too.
        queue_items: lines kept at most while nobody reads stdout.
        queue_bytes: bytes kept at most.
    """

    service: str
    level: str = "info"
    stdout: Literal["auto", "json", "console", "off"] = "auto"
    bridge_standard_library: bool = True
    queue_items: int = 10_000
    queue_bytes: int = 8_388_608


class LogPipeline:
    """What loggers look up at each call, from `start` to `stop`. Safe in threads; not in a forked child."""

    def __init__(self, options: LogOptions, logger_provider: LoggerProvider, redactor: Redactor) -> None:
        """Builds the way; `start` makes it the current one."""
        self.service = values.text(options.service)
        self.level_number = levels.of(int(options.level) if options.level.isdigit() else options.level).number
        self._redactor = redactor
        self._emitter = OtlpEmitter(logger_provider)
        self._render = _renderer(options.stdout, self.service)
        self._writer = None if self._render is None else StdoutWriter(options.queue_items, options.queue_bytes)
        self.has_stdout = self._writer is not None
        self._thread = threading.local()
        if self._writer is not None:
            self._writer.start()

    @property
    def busy(self) -> bool:
        """True while this thread is inside `accept`: what is logged now is about logging."""
        return bool(getattr(self._thread, "depth", 0))

    def accept(self, record: Record, *, stdout: bool = True, otlp: bool = True) -> None:
        """Renders and emits one record in the caller's thread. Never raises; trouble costs this event only."""
        depth = getattr(self._thread, "depth", 0)
        if depth >= _DEEPEST:
            trouble("logs.too_deep", "a log call inside %d others was dropped", _DEEPEST)
            return
        self._thread.depth = depth + 1
        try:
            event = event_of(record, self._redactor)
            if stdout:
                self._to_stdout(event)
            if otlp:
                self._to_otlp(event)
        except Exception as error:
            trouble("logs.event", "a log event could not be prepared and is lost: %s", type(error).__name__)
        finally:
            self._thread.depth = depth

    def flush(self, deadline: Deadline) -> bool:
        """Returns True if all lines offered since the last flush are written before the deadline."""
        return self._writer is None or self._writer.flush(deadline)

    def stop(self, deadline: Deadline) -> bool:
        """Stops being the current pipeline, undoes bridge and structlog's configuration, flushes, ends the thread."""
        if current.sink is self:
            current.sink = None
            standard_library.uninstall()
            chain.release_structlog()
        return self._writer is None or self._writer.stop(deadline)

    def books(self) -> dict[str, Any]:
        """Returns offered, delivered, dropped (by reason) and queued lines of stdout, exact at any moment."""
        if self._writer is None:
            return {"offered": 0, "delivered": 0, "dropped": {}, "queued": 0}
        return self._writer.books()

    def _to_stdout(self, event: Event) -> None:
        if self._writer is None or self._render is None:
            return
        try:
            self._writer.offer(self._render(event), urgent=event.level.number >= ERROR.number)
        except Exception as error:
            trouble("logs.stdout", "a log event could not be written to stdout: %s", type(error).__name__)

    def _to_otlp(self, event: Event) -> None:
        try:
            self._emitter.emit(event)
        except Exception as error:
            trouble("logs.otlp", "a log event could not be emitted: %s", type(error).__name__)


def start(options: LogOptions, logger_provider: LoggerProvider, redactor: Redactor) -> LogPipeline:
    """Makes a pipeline, makes it the current one, bridges `logging`, configures structlog if nobody did."""
    pipeline = LogPipeline(options, logger_provider, redactor)
    current.sink = pipeline
    if options.bridge_standard_library:
        standard_library.install()
    chain.configure_structlog()
    return pipeline


def after_fork_in_child() -> None:
    """Drops the parent's pipeline in the child: no lock is taken, no thread joined, what is queued is the parent's."""
    current.sink = None
    standard_library.uninstall()
    chain.release_structlog()


def _renderer(mode: str, service: str) -> Render | None:
    terminal = _is_terminal()
    if mode == "off" or (mode == "auto" and sys.stdout is None):
        return None
    if mode == "console" or (mode == "auto" and terminal):
        return console_lines(colours=terminal and not os.environ.get("NO_COLOR"))
    return json_lines(service)


def _is_terminal() -> bool:
    try:
        return sys.stdout.isatty()
    except Exception:  # None, closed, or something without isatty
        return False
