"""Exceptions in log calls: from what callers pass as `exc_info` to three fields."""

from __future__ import annotations

import sys
import traceback

from otel_trading.ground import values
from otel_trading.logs.record import Failure


def failure_of(exc_info: object) -> Failure | None:
    """Returns the exception meant by `exc_info=`: True (the current one), an exception, or a triple."""
    if not exc_info:
        return None
    if isinstance(exc_info, BaseException):
        return type(exc_info), exc_info, exc_info.__traceback__
    if isinstance(exc_info, tuple):
        complete = len(exc_info) == 3 and isinstance(exc_info[1], BaseException)
        return (type(exc_info[1]), exc_info[1], exc_info[2]) if complete else None
    kind, error, trace = sys.exc_info()
    return (kind, error, trace) if kind is not None and error is not None else None


def fields_of(failure: Failure) -> dict[str, str]:
    """Returns `exception.type`, `.message` and `.stacktrace`, as the semantic conventions have them."""
    kind, error, trace = failure
    try:
        lines = "".join(traceback.format_exception(kind, error, trace))
    except Exception:  # a traceback that cannot be rendered must not cost the event
        lines = values.unrepresentable(error)
    return {
        "exception.type": _name(kind),
        "exception.message": values.text(error),
        "exception.stacktrace": values.clean(lines),
    }


def _name(kind: type[BaseException]) -> str:
    module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
    return f"{module}{kind.__qualname__}"
