"""The current context of OpenTelemetry: an immutable dict in a ContextVar, with the current span under one key.

What is looked up for each span is a name of this module, where the interpreter finds it at once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any


class _Nowhere:
    """A token of nothing."""


NOWHERE = _Nowhere()


def _none(otherwise: Any) -> Any:
    return otherwise


def _enter_nowhere(context: Any) -> _Nowhere:
    return NOWHERE


def _leave_nowhere(token: Any) -> None:
    if token is not NOWHERE:
        raise TypeError("a token is of a context")


variable: ContextVar[Any] | None = None
"""Where the context is; nowhere until `set_current`."""
get: Callable[[Any], Any] = _none
"""The caller's context; what is given if none was ever set."""
enter: Callable[[Any], Any] = _enter_nowhere
"""Makes it the current context; gives a token, never None."""
leave: Callable[[Any], None] = _leave_nowhere
"""The context of before; raises TypeError, ValueError or RuntimeError for what is no token of this context."""
context_type: type[dict[str, Any]] = dict
key = ""
"""Under which the span is."""

_put = dict.setdefault


def set_current(given: ContextVar[Any], of: type[dict[str, Any]], span_key: str, /) -> None:
    """Where the current context is: a ContextVar that holds a dict of this type, with the span under this key."""
    global variable, get, enter, leave, context_type, key
    if not isinstance(given, ContextVar) or not isinstance(span_key, str):
        raise TypeError("set_current takes a ContextVar, a type of context and a key")
    if not (isinstance(of, type) and issubclass(of, dict)):
        raise TypeError("a context must be a dict")
    variable, context_type, key = given, of, span_key
    get, enter, leave = given.get, given.set, given.reset


def span_in(context: Any) -> Any:
    """The span in a context; None if there is none."""
    return context.get(key) if isinstance(context, dict) else None


def with_span(context: Any, span: Any) -> dict[str, Any]:
    """A context with everything of another one and this span."""
    if context and (len(context) > 1 or key not in context):
        return context_type({**context, key: span})
    made = context_type()
    _put(made, key, span)  # what the type has in its place refuses
    return made


def attach(context: Any, /) -> Any:
    """Makes it the current context."""
    if variable is None:
        raise RuntimeError("nobody has said where the current context is")
    return enter(context)


def detach(token: Any, /) -> bool:
    """The context of before; False if the token is of another thread's or task's."""
    try:
        leave(token)
    except (ValueError, RuntimeError, TypeError):
        return False
    return True
