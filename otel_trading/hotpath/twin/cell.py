"""A cell is one series and the handle that records into it, in one object.

What it holds is replaced as a whole by `configure`, so that a handle which the application keeps outlives shutdown and
the next init.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from otel_trading.hotpath.twin import chain, refusal
from otel_trading.hotpath.twin.clock import Clocks
from otel_trading.hotpath.twin.exponential import FINEST, Exponential
from otel_trading.hotpath.twin.feed import into
from otel_trading.hotpath.twin.kinds import ExplicitHistogram, ExponentialHistogram, LastValue
from otel_trading.hotpath.twin.number import LEAST, MOST, number_of
from otel_trading.hotpath.twin.plan import check
from otel_trading.hotpath.twin.said import MISSING, said_by
from otel_trading.hotpath.twin.series import MOST_WAITING, Series
from otel_trading.hotpath.twin.timed import wrapped
from otel_trading.hotpath.twin.timer import Timer
from otel_trading.hotpath.twin.turn import Turn

_INFINITY = math.inf


def _recorder(default: Any, says: str) -> Callable[..., None]:
    """A recording method; `default` is the amount if none is given. Flat, since a call costs more than an addition."""

    def record(
        self: Cell,
        amount: Any = MISSING,
        context: Any = MISSING,
        /,
        *more: Any,
        **named: Any,
    ) -> None:
        series = self._series
        kind = type(amount)
        if (
            series.plain
            and context is MISSING
            and not named
            and ((kind is float and 0.0 <= amount < _INFINITY) or (kind is int and 0 <= amount <= MOST))
        ):
            waiting = series.waiting
            waiting.append(amount)
            if not series.started_ns:
                series.start()
            lock = Turn.lock
            if not lock.acquire(False):
                if len(waiting) > MOST_WAITING:
                    series.count_waiting(True)
                return
            try:
                if series.counter is not lock:  # as in `Series.count_waiting`
                    series.counter = lock
                    try:
                        while waiting:
                            series.count(waiting.popleft())
                    finally:
                        series.counter = None
            finally:
                lock.release()
        elif context is MISSING and not named and (amount is not MISSING or default is not MISSING):
            self._feed(default if amount is MISSING else amount, None)
        else:
            self._said((amount, context, *more), named, default)

    record.__doc__ = says
    return record


class Cell:
    """One series and the handle that records into it; closed until `configure`."""

    __slots__ = ("_name", "_series")

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"the name of a cell must be str, not {type(name).__name__}")
        self._name = name
        self._series = Series("closed", False, 0.0, None, None)

    def __repr__(self) -> str:
        return f"<Cell {self._name!r} {self.kind}>"

    @property
    def name(self) -> str:
        """The instrument's name, for messages."""
        return self._name

    @property
    def kind(self) -> str:
        """What the cell is now."""
        return self._series.kind

    @property
    def owner(self) -> Any:
        """What exemplars are offered with."""
        return self._series.owner

    @property
    def next(self) -> Cell | None:
        """The cell that is fed every record as well."""
        found: Cell | None = self._series.next
        return found

    @property
    def started_ns(self) -> int:
        """Wall time of the first record since `configure`; 0 before."""
        return self._series.started_ns

    # ---- recording ----

    record = _recorder(MISSING, "Records a number; `context` is a candidate for the exemplar. Never raises.")
    set = record
    add = _recorder(1, "Adds a number, 1 unless given. Never raises.")

    def record_since(self, start_ns: Any = MISSING, context: Any = MISSING, /, *more: Any, **named: Any) -> None:
        """Records the time since `start_ns = now()`. Never raises."""
        series = self._series
        if start_ns is MISSING or more or (named and (context is not MISSING or set(named) != {"context"})):
            refusal.refuse(self._name, series.told, refusal.ARGUMENTS)
            return
        at_ns = Clocks.now()
        if type(start_ns) is not int or not 0 <= start_ns <= at_ns:
            why = refusal.CLOSED if series.kind == "closed" else refusal.START
            refusal.refuse(self._name, series.told, why, start_ns)
            return
        given = named.get("context") if named else context
        self._record_ns(at_ns - start_ns, None if given is MISSING else given)

    def time(self) -> Timer:
        """A context manager that records how long its block took, also when it raises."""
        return Timer(self)

    def wrap(self, function: Callable[..., Any], coroutine: bool = False, /) -> Callable[..., Any]:
        """A callable that records how long each call of `function` took."""
        return wrapped(self, function, bool(coroutine))

    def _said(self, positional: tuple[Any, ...], named: dict[str, Any], default: Any) -> None:
        said = said_by(positional, named, table=False)
        amount = MISSING if said is None else default if said[0] is MISSING else said[0]
        if said is None or amount is MISSING:
            refusal.refuse(self._name, self._series.told, refusal.ARGUMENTS)
        else:
            self._feed(amount, said[2])

    def _record_ns(self, elapsed_ns: int, context: Any = None) -> None:
        series = self._series
        if series.per_ns > 0.0:
            self._feed(elapsed_ns * series.per_ns, context)
        elif series.kind != "dropped" or series.next is not None:
            why = refusal.CLOSED if series.kind == "closed" else refusal.NO_TIME
            refusal.refuse(self._name, series.told, why)

    def _feed(self, amount: Any, context: Any, attributes: Any = MISSING) -> None:
        kind = type(amount)
        if (kind is float and -_INFINITY < amount < _INFINITY) or (kind is int and LEAST <= amount <= MOST):
            number = amount
        else:
            number = number_of(amount)
            if isinstance(number, str):
                series = self._series
                why = refusal.CLOSED if series.kind == "closed" else number
                refusal.refuse(self._name, series.told, why, amount)
                return
        cell: Cell | None = self
        origin = self._series.owner if attributes is MISSING else {} if attributes is None else attributes
        refused: set[str] = set()
        while cell is not None:
            reason = into(cell._series, number, amount, context, origin)
            if reason is not None and reason not in refused:
                # once for a record, whatever the number of streams, under the name of the cell that was called
                refused.add(reason)
                refusal.refuse(self._name, self._series.told, reason, amount)
            cell = cell._series.next

    # ---- what it is ----

    def configure(
        self,
        kind: str,
        *,
        bounds: Any = None,
        max_size: int = 160,
        max_scale: int = FINEST,
        zero_threshold: float = 0.0,
        per_ns: float = 0.0,
        negative: bool | None = None,
        exemplars: bool = False,
        owner: Any = None,
        next: Any = None,
    ) -> None:
        """Forgets what was recorded and becomes a cell of this kind, at once."""
        check(kind, bounds, owner, max_size, max_scale, zero_threshold, per_ns)
        if next is not None and not isinstance(next, Cell):
            raise TypeError("next must be a Cell or None")
        takes_negative = kind == "gauge" if negative is None else negative
        common = (
            kind,
            kind == "up_down" or bool(kind in ("gauge", "explicit", "forwarded") and takes_negative),
            float(per_ns),
            owner,
            next,
        )
        series: Series
        if kind == "explicit":
            series = ExplicitHistogram(*common, bounds)
        elif kind == "exponential":
            series = ExponentialHistogram(*common, Exponential(max_size, max_scale, zero_threshold))
        else:
            series = LastValue(*common) if kind == "gauge" else Series(*common)
        if exemplars and kind not in ("closed", "dropped"):
            series.armed = [1] * series.buckets()
            series.plain = False
        with Turn.lock:  # two cells configured at once must not lead to each other
            chain.check(next, self)
            self._series = series

    def extend(self, further: Cell, /) -> None:
        """Feeds one more cell, after all that are fed; what was recorded stays where it is."""
        if not isinstance(further, Cell):
            raise TypeError("extend takes a Cell")
        with Turn.lock:
            chain.extend(self, further)

    def close(self) -> None:
        """Forgets everything; from now on records are refused as closed, until `configure`."""
        self._series = Series("closed", False, 0.0, None, None)

    def arm(self) -> None:
        """Every bucket wants an exemplar again."""
        self._series.arm()

    def snapshot(self) -> tuple[int, int | float, int | float | None, int | float | None, Any]:
        """Count, sum, min, max, detail, at one moment."""
        with Turn.lock:
            self._series.count_waiting(True)
            return self._series.snapshot()

    def take(self) -> tuple[int, int | float, int | float | None, int | float | None, Any]:
        """What `snapshot` gives, and at the same moment the cell begins anew."""
        with Turn.lock:
            self._series.count_waiting(True)
            return self._series.take()
