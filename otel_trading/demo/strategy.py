"""Two toy strategies: follow a move of the mid price, or lean on the heavier side of the book."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from statistics import fmean

from otel_trading.demo.messages import Side, Tick

NAME = "momentum_or_imbalance"
"""Of both together, which look at each tick; an idea names the one that had it."""
_WINDOW = 32
_WARM_UP = 3
_MOVE_BPS = 0.4
_IMBALANCE = 0.3
_PAUSE_S = (0.05, 0.25)
_ENOUGH = 3.0
_TURNS_BACK = 0.75
_FAT_FINGER = 0.05
_FAT_FINGER_OFFSET = 0.03


@dataclass(frozen=True, slots=True)
class Idea:
    """What to do: `strategy` is momentum or imbalance, `price` a limit."""

    strategy: str
    side: Side
    quantity: float
    price: float
    mid: float


class Strategy:
    """Looks at each tick; speaks up at most a few times a second. Used by one thread."""

    def __init__(self, seed: int) -> None:
        """Starts without an opinion; `seed` decides pauses, sizes and the occasional slip of the finger."""
        self._rng = random.Random(seed)
        self._mids: deque[float] = deque(maxlen=_WINDOW)
        self._quiet_until_ns = 0
        self._wanted = 0.0

    def look(self, tick: Tick, now_ns: int) -> Idea | None:
        """Returns an idea or, nearly always, None.

        Args:
            tick: the newest one; without bid and ask it teaches nothing.
            now_ns: monotonic nanoseconds, for the pause between two ideas.
        """
        if not tick.bid or not tick.ask:
            return None
        mid = (tick.bid + tick.ask) / 2
        self._mids.append(mid)
        if len(self._mids) < _WARM_UP or now_ns < self._quiet_until_ns:
            return None
        choice = self._momentum(mid) or self._imbalance(tick)
        if choice is None:
            return None
        self._quiet_until_ns = now_ns + int(self._rng.uniform(*_PAUSE_S) * 1e9)
        strategy, side = choice
        side, quantity = self._side(side), self._rng.choice((1.0, 1.0, 2.0))
        self._wanted += quantity if side == "buy" else -quantity
        return Idea(strategy, side, quantity, self._price(tick, side, mid), mid)

    def _momentum(self, mid: float) -> tuple[str, Side] | None:
        move_bps = (mid / fmean(self._mids) - 1) * 10_000
        if abs(move_bps) < _MOVE_BPS:
            return None
        return "momentum", "buy" if move_bps > 0 else "sell"

    def _imbalance(self, tick: Tick) -> tuple[str, Side] | None:
        bids, asks = tick.bid_quantity or 0.0, tick.ask_quantity or 0.0
        if bids + asks <= 0 or abs(bids - asks) / (bids + asks) < _IMBALANCE:
            return None
        return "imbalance", "buy" if bids > asks else "sell"

    def _side(self, side: Side) -> Side:
        """Mostly turns back once enough of one side was asked for, so that risk does not refuse all the rest."""
        enough = self._wanted >= _ENOUGH if side == "buy" else self._wanted <= -_ENOUGH
        if enough and self._rng.random() < _TURNS_BACK:
            return "sell" if side == "buy" else "buy"
        return side

    def _price(self, tick: Tick, side: str, mid: float) -> float:
        away = _FAT_FINGER_OFFSET if self._rng.random() < _FAT_FINGER else 0.0
        if side == "buy":
            return round((tick.ask or mid) * (1 + away), 2)
        return round((tick.bid or mid) * (1 - away), 2)
