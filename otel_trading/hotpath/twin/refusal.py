"""What was not recorded and why: counted by reason, and told once for each reason and cell. Never an exception."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from otel_trading.hotpath.twin.turn import Turn

NOT_A_NUMBER = "not_a_number"
NOT_FINITE = "not_finite"
NEGATIVE = "negative"
CLOSED = "closed"
START = "invalid_start"
NO_TIME = "not_a_time"
ARGUMENTS = "invalid_arguments"
NO_SERIES = "no_series"
FORWARD = "forward_failed"
MEMORY = "no_memory"

_REASONS = (NOT_A_NUMBER, NOT_FINITE, NEGATIVE, CLOSED, START, NO_TIME, ARGUMENTS, NO_SERIES, FORWARD, MEMORY)

Hook = Callable[[str, str, Any], object]


class _State:
    """Counts are appended and summed up later: `append` is one step of the interpreter, an addition is three."""

    counts: dict[str, int] = dict.fromkeys(_REASONS, 0)
    fresh: deque[str] = deque()
    hook: Hook | None = None


def refuse(name: str, told: set[str], why: str, value: object = None) -> None:
    """Counts, and tells the hook if it is the first of its kind in `told`."""
    _State.fresh.append(why)
    if len(_State.fresh) > 1000:
        refusals()
    hook = _State.hook
    if hook is None or why in told:
        return
    with Turn.lock:  # of two threads one tells
        if why in told:
            return
        told.add(why)
    try:
        hook(why, name, value)
    except Exception:
        return


def refusals() -> dict[str, int]:
    """What was not recorded, by reason."""
    with Turn.lock:
        counts = _State.counts
        while _State.fresh:
            counts[_State.fresh.popleft()] += 1
        return dict(counts)


def forget_refusals() -> None:
    """Counts from 0 again."""
    with Turn.lock:
        _State.fresh.clear()
        _State.counts = dict.fromkeys(_REASONS, 0)


def set_refusal_hook(hook: Hook | None, /) -> None:
    """`hook(reason, name, value)` is called once for each reason and cell; None for nobody."""
    if hook is not None and not callable(hook):
        raise TypeError("the refusal hook must be callable, or None")
    _State.hook = hook
