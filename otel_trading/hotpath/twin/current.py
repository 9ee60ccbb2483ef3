"""The current context of OpenTelemetry: an immutable dict in a ContextVar, with the current span under one key."""

from __future__ import annotations

from contextvars import ContextVar, Token
from typing import Any


class Current:
    """Where the context is; nowhere until `set_current`."""

    variable: ContextVar[Any] | None = None
    context_type: type[dict[str, Any]] = dict
    span_key = ""


def set_current(variable: ContextVar[Any], context_type: type[dict[str, Any]], span_key: str, /) -> None:
    """Where the current context is: a ContextVar that holds a dict of this type, with the span under this key."""
    if not isinstance(variable, ContextVar) or not isinstance(span_key, str):
        raise TypeError("set_current takes a ContextVar, a type of context and a key")
    if not (isinstance(context_type, type) and issubclass(context_type, dict)):
        raise TypeError("a context must be a dict")
    Current.variable, Current.context_type, Current.span_key = variable, context_type, span_key


def context_now() -> Any:
    """The caller's; None if none was ever set."""
    variable = Current.variable
    return None if variable is None else variable.get(None)


def span_in(context: Any) -> Any:
    """The span in a context; None if there is none."""
    return context.get(Current.span_key) if isinstance(context, dict) else None


def context_with(context: Any, span: Any) -> dict[str, Any]:
    """A context with everything of another one and this span."""
    told = {**context, Current.span_key: span} if isinstance(context, dict) else {Current.span_key: span}
    return Current.context_type(told)


def attach(context: Any, /) -> Token[Any]:
    """Makes it the current context."""
    variable = Current.variable
    if variable is None:
        raise RuntimeError("nobody has said where the current context is")
    return variable.set(context)


def detach(token: Any, /) -> bool:
    """The context of before; False if the token is of another thread's or task's."""
    variable = Current.variable
    try:
        if variable is not None:
            variable.reset(token)
            return True
    except (ValueError, RuntimeError, TypeError):
        pass
    return False
