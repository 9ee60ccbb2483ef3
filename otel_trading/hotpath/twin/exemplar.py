"""A measurement is offered as an exemplar if its bucket still wants one.

Where the hook came with a context variable, a span must be current as well.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from otel_trading.hotpath.twin.series import Series

EAGER_TRIES = 64
"""In vain, before a cell looks less often,"""

LAZY_STEP = 16
"""then at each so many-th measurement of a bucket."""

Hook = Callable[[Any, int, Any, Any], bool]


class _State:
    hook: Hook | None = None
    variable: ContextVar[Any] | None = None
    span_key: str = ""


def set_exemplar_hook(
    hook: Hook | None, variable: ContextVar[Any] | None = None, span_key: str | None = None, /
) -> None:
    """`hook(owner, bucket, value, context) -> bool` is offered measurements made in a span; True: it was taken.

    Args:
        hook: None: nobody is offered any.
        variable: the ContextVar that holds the context, a dict.
        span_key: the key under which a span is in there. Without both each measurement is offered that its bucket
            wants, span or not.
    """
    if hook is None:
        _State.hook = None
        return
    alone = variable is None and span_key is None
    in_spans = isinstance(variable, ContextVar) and isinstance(span_key, str)
    if not callable(hook) or not (alone or in_spans):
        raise TypeError("the exemplar hook is a callable, alone or with a ContextVar and a str, or None")
    _State.variable, _State.span_key, _State.hook = variable, span_key or "", hook


def offer(series: Series, value: int | float, amount: object, context: Any) -> None:
    """Offers `amount`, as the caller gave it, if the bucket of `value` wants one. Never raises."""
    armed, bucket = series.armed, series.bucket_of(value)
    # still waiting to be counted, and beyond the buckets as they are now: the next one will do
    wanted = armed[bucket] if armed is not None and 0 <= bucket < len(armed) else 0
    if armed is None or not wanted:
        return
    if wanted > 1:
        armed[bucket] = wanted - 1  # of two threads at once one does not count, and none goes on to 0
        return
    hook, variable = _State.hook, _State.variable
    if hook is None:
        return
    if (variable is None or _has_span(variable, context)) and _ask(hook, series.owner, bucket, amount, context):
        armed[bucket] = 0
    elif variable is None:
        return
    elif series.tries >= EAGER_TRIES:
        armed[bucket] = LAZY_STEP
    else:
        series.tries += 1


def _has_span(variable: ContextVar[Any], context: Any) -> bool:
    if context is None:
        context = variable.get(None)
    return isinstance(context, dict) and dict.__contains__(context, _State.span_key)


def _ask(hook: Hook, owner: Any, bucket: int, amount: Any, context: Any) -> bool:
    try:
        return hook(owner, bucket, amount, context) is True
    except Exception:
        return False
