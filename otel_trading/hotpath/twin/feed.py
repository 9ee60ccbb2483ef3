"""One number into one cell: counted, forwarded, passed by, or a reason why not."""

from __future__ import annotations

from typing import Any

from otel_trading.hotpath.twin import refusal
from otel_trading.hotpath.twin.exemplar import offer
from otel_trading.hotpath.twin.series import Series


def into(series: Series, number: int | float, amount: Any, context: Any, origin: Any) -> str | None:
    """Takes the number; the reason if it is refused. Runs no code of others while a lock is held."""
    kind = series.kind
    if kind == "dropped":
        return None
    if kind == "closed":
        return refusal.CLOSED
    if number < 0 and not series.signed:
        return refusal.NEGATIVE
    if kind == "forwarded":
        return _forward(series, number, context, origin)
    series.waiting.append(number)
    if not series.started_ns:
        series.start()
    series.count_waiting(False)
    if series.armed is not None:
        offer(series, number, amount, context, origin)
    return None


def _forward(series: Series, number: int | float, context: Any, origin: Any) -> str | None:
    try:
        if series.armed is None:
            series.owner(number, context)
        else:
            series.owner(number, context, origin)
    except Exception:
        return refusal.FORWARD
    return None
