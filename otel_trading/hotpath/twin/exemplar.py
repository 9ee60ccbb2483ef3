"""A measurement is offered as an exemplar if its bucket still wants one.

Where the hook came with a context variable, a span must be current as well, and not known to be unsampled.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from otel_trading.hotpath.twin.series import Series

EAGER_TRIES = 64
"""In vain, before a cell looks less often,"""

LAZY_STEP = 16
"""then at each so many-th measurement of a bucket."""

Hook = Callable[[Any, int, Any, Any, Any], bool]


class _State:
    hook: Hook | None = None
    variable: ContextVar[Any] | None = None
    span_key: str = ""
    flags: tuple[str, int] | None = None


def set_exemplar_hook(
    hook: Hook | None,
    variable: ContextVar[Any] | None = None,
    span_key: str | None = None,
    flags: tuple[str, int] | None = None,
    /,
) -> None:
    """`hook(owner, bucket, value, context, origin) -> bool` is offered measurements made in a span; True: it was taken.

    Args:
        hook: None: nobody is offered any.
        variable: the ContextVar that holds the context, a dict.
        span_key: the key under which a span is in there. Without both each measurement is offered that its bucket
            wants, span or not.
        flags: name of an attribute of spans that holds a tuple, and where the trace flags are in it. A span that tells
            there that it is not sampled is as none.
    """
    if hook is None:
        _State.hook = None
        return
    alone = variable is None and span_key is None and flags is None
    in_spans = isinstance(variable, ContextVar) and isinstance(span_key, str) and (flags is None or _is_place(flags))
    if not callable(hook) or not (alone or in_spans):
        raise TypeError(
            "the exemplar hook is a callable, alone or with a ContextVar, a str and where trace flags are, or None"
        )
    _State.variable, _State.span_key, _State.flags, _State.hook = variable, span_key or "", flags, hook


def _is_place(flags: object) -> bool:
    return (
        type(flags) is tuple
        and len(flags) == 2
        and type(flags[0]) is str
        and type(flags[1]) is int
        and 0 <= flags[1] <= sys.maxsize
    )


def offer(series: Series, value: int | float, amount: object, context: Any, origin: Any) -> None:
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
    if (variable is None or _has_span(variable, context)) and _ask(hook, series.owner, bucket, amount, context, origin):
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
    span = dict.get(context, _State.span_key) if isinstance(context, dict) else None
    return span is not None and _may_be_sampled(span)


def _may_be_sampled(span: object) -> bool:
    """False if its flags say that it is not; the hook decides on a span that does not tell."""
    flags = getattr(span, "flags", None)  # a span of ours
    if type(flags) is int:
        return bool(flags & 1)
    if _State.flags is None:
        return True
    name, place = _State.flags
    try:
        held = getattr(span, name)
    except Exception:
        return True
    if not isinstance(held, tuple) or place >= len(held) or not isinstance(held[place], int):
        return True
    return bool(int(held[place]) & 1)


def _ask(hook: Hook, owner: Any, bucket: int, amount: Any, context: Any, origin: Any) -> bool:
    try:
        return hook(owner, bucket, amount, context, origin) is True
    except Exception:
        return False
