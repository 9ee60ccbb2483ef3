"""An exception as spans tell it (semantic conventions, "Exceptions on spans"); one whose `__str__` raises too."""

from __future__ import annotations

import traceback
from typing import Any

from opentelemetry.trace import Span, Status, StatusCode

from otel_trading.ground import values


def described(exception: BaseException, escaped: bool) -> dict[str, Any]:
    """The attributes of its event."""
    try:
        stack = "".join(traceback.format_exception(exception))
    except Exception:
        stack = ""
    kind = type(exception)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return {
        "exception.type": name,
        "exception.message": values.text(exception),
        "exception.stacktrace": stack,
        "exception.escaped": values.text(escaped),
    }


def mark_failed(span: Span, error: BaseException, record: bool, set_status: bool, escaped: bool = False) -> None:
    """Records an exception on a span and makes it the span's status, each if it is wanted."""
    if not span.is_recording():
        return
    if record:
        span.record_exception(error, escaped=escaped)
    if set_status:
        span.set_status(Status(StatusCode.ERROR, f"{type(error).__name__}: {values.text(error)}"))
