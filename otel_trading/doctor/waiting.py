"""Asks a store again and again until it has what is looked for, or waiting has become pointless."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from otel_trading.ground.clock import Deadline
from otel_trading.stores.errors import StoreError

T = TypeVar("T")

_PAUSE_S = 0.2
SILENCE_S = 2.0
"""How long a store that gives no answer is asked again."""


@dataclass(frozen=True, slots=True)
class Search(Generic[T]):
    """How a search ended.

    Attributes:
        found: what was found; None for nothing.
        seconds: until it was found or given up.
        error: what the store answered last, if that was no answer.
    """

    found: T | None
    seconds: float
    error: StoreError | None = None


def search(ask: Callable[[], T | None], deadline: Deadline, hopeless: Callable[[float], bool]) -> Search[T]:
    """Asks until something is found.

    Args:
        ask: returns None for nothing; may raise StoreError.
        deadline: of the search.
        hopeless: told the seconds so far, says whether further waiting is pointless.
    """
    began = time.perf_counter()
    while True:
        error: StoreError | None = None
        found: T | None = None
        try:
            found = ask()
        except StoreError as raised:
            error = raised
        seconds = time.perf_counter() - began
        over = deadline.over or (seconds > SILENCE_S if error else hopeless(seconds))
        if found is not None or over:
            return Search(found, seconds, error)
        time.sleep(min(_PAUSE_S, deadline.remaining_s()))
