"""Log levels: names, the standard library's numbers, OpenTelemetry's severities."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from otel_trading.sdk import SeverityNumber


@dataclass(frozen=True, slots=True)
class Level:
    """One level.

    Attributes:
        number: on the standard library's scale; 5 for trace.
        name: lower case, as JSON lines show it.
        severity: OpenTelemetry's number.
    """

    number: int
    name: str
    severity: SeverityNumber

    @property
    def severity_text(self) -> str:
        """OpenTelemetry's severity text: the level's own name in upper case."""
        return self.name.upper()


TRACE = Level(5, "trace", SeverityNumber.TRACE)
DEBUG = Level(logging.DEBUG, "debug", SeverityNumber.DEBUG)
INFO = Level(logging.INFO, "info", SeverityNumber.INFO)
WARNING = Level(logging.WARNING, "warning", SeverityNumber.WARN)
ERROR = Level(logging.ERROR, "error", SeverityNumber.ERROR)
CRITICAL = Level(logging.CRITICAL, "critical", SeverityNumber.FATAL)

_ALL = (TRACE, DEBUG, INFO, WARNING, ERROR, CRITICAL)
_BY_NUMBER = {level.number: level for level in _ALL}
_ALIASES = {"warn": WARNING, "fatal": CRITICAL, "exception": ERROR, "err": ERROR, "msg": INFO, "notset": TRACE}
BY_NAME = {level.name: level for level in _ALL} | _ALIASES
"""Every name that a level may be given by, lower case."""


def of(level: object) -> Level:
    """Returns the level for a number or a name of any case; `info` for what is neither. Never raises.

    Numbers between the standard ones keep their place: 15 is severity DEBUG4, and its name is the one that the
    application gave it with `logging.addLevelName`, otherwise `level 15`.
    """
    if isinstance(level, int):
        return _BY_NUMBER.get(level) or _between(int(level))
    if isinstance(level, str):
        found = BY_NAME.get(level.lower())
        if found is None:
            number = logging.getLevelName(level)
            found = of(number) if isinstance(number, int) else INFO
        return found
    return INFO


def _between(number: int) -> Level:
    name = str(logging.getLevelName(number)).lower()
    if number < logging.DEBUG:
        return Level(number, name, SeverityNumber.TRACE)
    base = min(number // 10, 5)
    severity = SeverityNumber(base * 4 + 1 + min(number - base * 10, 3))
    return Level(number, name, severity)
