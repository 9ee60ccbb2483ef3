"""The logger that applications hold: structlog's shape, and no call ever raises.

A call captures time, level, event, key-values and context, and hands the record to the current pipeline. That is
looked up at each call, so that a logger made before `init()`, or kept over a `shutdown()`, comes to life.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping
from typing import Any

import structlog.contextvars
from opentelemetry import context as otel_context
from structlog import DropEvent
from structlog.typing import Processor

from otel_trading.ground import clock, values
from otel_trading.ground.diagnostics import trouble
from otel_trading.logs import current, levels
from otel_trading.logs.failures import failure_of
from otel_trading.logs.last_resort import SINK as LAST_RESORT
from otel_trading.logs.levels import CRITICAL, DEBUG, ERROR, INFO, TRACE, WARNING, Level
from otel_trading.logs.record import Record

PROCESSORS: list[Processor] = []
"""The chain of our loggers. Empty: the pipeline does the work. What an application, or structlog's own
`capture_logs`, puts in runs over the key-values first; the first renderer among them ends the run."""


class LoggerName:
    """What our loggers wrap in structlog's sense: nothing but a name."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        """Takes the logger's name."""
        self.name = name

    def __repr__(self) -> str:
        return f"LoggerName({self.name!r})"


class Logger(structlog.BoundLoggerBase):
    """A logger with bound key-values. Immutable: `bind` and the like return new ones. Safe in threads and forks.

    Every logging method takes the event, arguments for `%` formatting, and key-values. `exc_info=` takes True, an
    exception or a triple, `stack_info=True` adds the stack; `event_name=` is OpenTelemetry's name of the event.
    Names of order ids (`client_order_id=` and so on) become their attributes in OTLP. Nothing raises; trouble inside
    is counted as `logs.call`. The `a...` methods do the same for code that awaits its logger.
    """

    def bind(self, /, **new_values: Any) -> Logger:
        """Returns a logger with these key-values added."""
        return Logger(self._logger, self._processors, {**self._context, **new_values})

    def new(self, /, **new_values: Any) -> Logger:
        """Returns a logger with these key-values only."""
        return Logger(self._logger, self._processors, new_values)

    def unbind(self, /, *keys: str) -> Logger:
        """Returns a logger without these keys; one that is missing is no error, unlike in structlog."""
        kept = {name: value for name, value in self._context.items() if name not in keys}
        return Logger(self._logger, self._processors, kept)

    try_unbind = unbind

    def trace(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """Logs below debug: every tick, every frame."""
        self._log(TRACE, event, arguments, fields)

    def debug(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """Logs what helps to find a fault."""
        self._log(DEBUG, event, arguments, fields)

    def info(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """Logs what happened as expected."""
        self._log(INFO, event, arguments, fields)

    msg = info

    def warning(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """Logs what somebody should look at."""
        self._log(WARNING, event, arguments, fields)

    warn = warning

    def error(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """Logs what failed; written at once where that does not block."""
        self._log(ERROR, event, arguments, fields)

    err = error

    def critical(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """Logs what stops the trading; written at once where that does not block."""
        self._log(CRITICAL, event, arguments, fields)

    fatal = critical

    def exception(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """Logs an error with the exception that is being handled."""
        fields.setdefault("exc_info", True)
        self._log(ERROR, event, arguments, fields)

    def log(self, level: int | str, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """Logs at a level given by number or name; what is neither counts as info."""
        self._log(levels.of(level), event, arguments, fields)

    async def atrace(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """`trace`, to be awaited."""
        self._log(TRACE, event, arguments, fields)

    async def adebug(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """`debug`, to be awaited."""
        self._log(DEBUG, event, arguments, fields)

    async def ainfo(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """`info`, to be awaited."""
        self._log(INFO, event, arguments, fields)

    async def awarning(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """`warning`, to be awaited."""
        self._log(WARNING, event, arguments, fields)

    awarn = awarning

    async def aerror(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """`error`, to be awaited."""
        self._log(ERROR, event, arguments, fields)

    async def acritical(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """`critical`, to be awaited."""
        self._log(CRITICAL, event, arguments, fields)

    afatal = acritical

    async def aexception(self, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """`exception`, to be awaited."""
        fields.setdefault("exc_info", True)
        self._log(ERROR, event, arguments, fields)

    async def alog(self, level: int | str, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        """`log`, to be awaited."""
        self._log(levels.of(level), event, arguments, fields)

    def is_enabled_for(self, level: int | str) -> bool:
        """True if an event of this level would be taken now."""
        return levels.of(level).number >= (current.sink or LAST_RESORT).level_number

    isEnabledFor = is_enabled_for

    def get_effective_level(self) -> int:
        """Returns the lowest number that is taken now."""
        return (current.sink or LAST_RESORT).level_number

    getEffectiveLevel = get_effective_level

    def _log(self, level: Level, event: Any, arguments: tuple[Any, ...], fields: dict[str, Any]) -> None:
        sink = current.sink or LAST_RESORT
        if level.number < sink.level_number and not self._processors:
            return
        try:
            record = self._record(level, event, arguments, fields)
            if level.number >= sink.level_number:
                sink.accept(record)
        except DropEvent:
            return
        except Exception as error:
            trouble("logs.call", "a log call failed and its event is lost: %s", type(error).__name__)

    def _record(self, level: Level, event: Any, arguments: tuple[Any, ...], fields: dict[str, Any]) -> Record:
        if event is None and "event" in fields:
            event = fields.pop("event")
        failure = failure_of(fields.pop("exc_info", None))
        stack = "".join(traceback.format_stack(sys._getframe(3))) if fields.pop("stack_info", None) else None
        bound: Mapping[str, Any] = {**structlog.contextvars.get_contextvars(), **self._context}
        name = getattr(self._logger, "name", "")
        merged = {**bound, **fields}
        if self._processors:
            event, merged = self._processed(level, event, merged)
        return Record(
            clock.wall_ns(), level, event, arguments, name, merged, otel_context.get_current(), failure, stack
        )

    def _processed(self, level: Level, event: Any, fields: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        result: dict[str, Any] = {**fields, "event": event}
        for processor in self._processors:
            if getattr(processor, "sends_to_otlp", False):  # the pipeline will
                continue
            returned = processor(self._logger, level.name, result)
            if not isinstance(returned, dict):
                break
            result = returned
        event = result.pop("event", event)
        return event, result


def get_logger(name: str | None = None, /, **initial_values: Any) -> Logger:
    """Returns a logger that never raises and knows `trace`.

    Args:
        name: of the logger; None takes the name of the calling module.
        **initial_values: key-values bound to it.

    It may be called before `init()` and kept over `shutdown()`. Without `init()`, warnings and worse go to standard
    error, the rest nowhere.
    """
    return Logger(make_logger_name(name), PROCESSORS, initial_values)


def make_logger_name(*names: Any) -> LoggerName:
    """Returns what our loggers wrap; structlog calls it with the arguments of its own `get_logger`."""
    if names and names[0] is not None:
        return LoggerName(values.text(names[0]))
    return LoggerName(_calling_module())


def _calling_module() -> str:
    """The first module up the stack that is neither structlog's nor ours."""
    frame = sys._getframe(2)
    for _ in range(12):
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(("structlog.", "otel_trading.logs.", "otel_trading.face")):
            return str(module)
        if frame.f_back is None:
            break
        frame = frame.f_back
    return ""
