"""A record: what a log call captured, before anything is converted, redacted or rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, TypeAlias

from opentelemetry.context import Context

from otel_trading.logs.levels import Level

Failure: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None]
"""An exception as `sys.exc_info()` gives it."""


@dataclass(slots=True)
class Record:
    """One log call.

    Attributes:
        time_ns: UTC nanoseconds since 1970.
        level: of the call.
        event: what happened; the first argument of the call, of any type.
        arguments: for `%` formatting of `event`.
        logger: the logger's name.
        fields: the key-values as the caller gave them.
        context: of OpenTelemetry, with the current span.
        failure: the exception that the call is about.
        stack: the rendered stack, if the call asked for it.
    """

    time_ns: int
    level: Level
    event: object
    arguments: tuple[object, ...]
    logger: str
    fields: Mapping[str, object]
    context: Context
    failure: Failure | None = None
    stack: str | None = None


class Sink(Protocol):
    """What takes records: the pipeline of the current `init()`."""

    level_number: int
    service: str
    has_stdout: bool

    @property
    def busy(self) -> bool:
        """True while this thread is inside `accept`."""

    def accept(self, record: Record, *, stdout: bool = True, otlp: bool = True) -> None:
        """Takes one record for one or both ways out; never raises, never blocks."""
