"""The bridge from `logging`: every record of every logger, whatever the application does to handlers.

A handler on the root logger would be closed by `dictConfig` and missed by `propagate=False`. Instead
`logging.Logger.callHandlers`, which every enabled record passes exactly once, is wrapped while a pipeline runs.
Loggers, handlers, levels and filters stay the application's: what it has not enabled does not come here.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry.instrumentation.utils import is_instrumentation_enabled

from otel_trading.ground import clock, values
from otel_trading.ground.diagnostics import trouble
from otel_trading.logs import current, levels
from otel_trading.logs.failures import failure_of
from otel_trading.logs.record import Record

_OWN = ("otel_trading", "opentelemetry")
"""Never bridged, nor is what is below them: a failed export that is exported again would never end."""

_STANDARD_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_SENT_FOR_NS = 1_000_000_000

_original = logging.Logger.callHandlers
_active = False
_buried = False  # our wrapper stayed below another one when the bridge stopped
_thread = threading.local()


def install() -> None:
    """Starts the bridge. Our wrapper may still be there, under that of somebody else: then it comes to life again."""
    global _original, _active, _buried
    if logging.Logger.callHandlers is not _call_handlers and not _buried:
        _original = logging.Logger.callHandlers
        logging.Logger.callHandlers = _call_handlers  # type: ignore[method-assign]
    _active = True


def uninstall() -> None:
    """Stops the bridge; takes our wrapper away unless somebody else has wrapped it meanwhile. Takes no lock."""
    global _active, _buried
    if not _active:
        return
    _active = False
    _buried = logging.Logger.callHandlers is not _call_handlers
    if not _buried:
        logging.Logger.callHandlers = _original  # type: ignore[method-assign]


def already_sent(logger: str) -> None:
    """Says that the next record of this logger, on this thread, went to OTLP by the structlog processor."""
    _thread.sent = (logger, clock.monotonic_ns())


def _call_handlers(self: logging.Logger, record: logging.LogRecord) -> None:
    """Stands in the place of `logging.Logger.callHandlers`."""
    shown = False
    if _active:
        try:
            shown = _bridge(self, record)
        except Exception as error:
            trouble("logs.standard_library", "a record of logging was not taken: %s", type(error).__name__)
    if shown and not self.hasHandlers():
        return  # it is on stdout: logging's last resort would print it again
    _original(self, record)


def _bridge(logger: logging.Logger, record: logging.LogRecord) -> bool:
    """Returns True if the record became a line on stdout."""
    sink = current.sink
    if sink is None or record.levelno < sink.level_number or sink.busy or _is_own(record.name):
        return False
    if not is_instrumentation_enabled():  # an export is running: its HTTP client logs about it
        return False
    otlp = not _was_sent(record.name)
    stdout = not _writes_to_terminal(logger)
    sink.accept(_captured(record), stdout=stdout, otlp=otlp)
    return stdout and sink.has_stdout


def _is_own(name: str) -> bool:
    return name.startswith(_OWN) and name.partition(".")[0] in _OWN


def _was_sent(logger: str) -> bool:
    sent = getattr(_thread, "sent", None)
    if sent is None:
        return False
    _thread.sent = None
    return bool(sent[0] == logger and clock.monotonic_ns() - sent[1] < _SENT_FOR_NS)


def _captured(record: logging.LogRecord) -> Record:
    event: object = record.msg
    fields = {name: value for name, value in record.__dict__.items() if name not in _STANDARD_FIELDS}
    if isinstance(event, dict) and "event" in event:  # structlog's ProcessorFormatter.wrap_for_formatter
        fields = {name: value for name, value in (fields | event).items() if not str(name).startswith("_")}
        event = fields.pop("event")
    arguments: Any = record.args or ()
    return Record(
        time_ns=clock.wall_ns(),
        level=levels.of(record.levelno),
        event=event,
        arguments=arguments if isinstance(arguments, tuple) else (arguments,),
        logger=values.text(record.name),
        fields=fields,
        context=otel_context.get_current(),
        failure=failure_of(record.exc_info),
        stack=record.stack_info,
    )


def _writes_to_terminal(logger: logging.Logger) -> bool:
    """True if a handler that this logger's records reach writes to standard output or error."""
    at: logging.Logger | None = logger
    while at is not None:
        if any(_is_terminal(handler) for handler in at.handlers):
            return True
        at = at.parent if at.propagate else None
    return False


def _is_terminal(handler: logging.Handler) -> bool:
    stream = getattr(handler, "stream", None)
    if stream is None:
        stream = getattr(getattr(handler, "console", None), "file", None)  # rich
    if stream is None:
        return False
    if any(stream is standard for standard in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)):
        return True
    try:
        return stream.fileno() in (1, 2)
    except Exception:
        return False
