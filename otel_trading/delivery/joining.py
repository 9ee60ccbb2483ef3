"""Our processor in an application's own provider, which keeps its processors for ever: one, used again each time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from otel_trading import sdk
from otel_trading.delivery.lane import Lane


class Joining:
    """The processors of one signal in applications' own providers."""

    def __init__(self, add: str, create: Callable[[], Any]) -> None:
        """Remembers how to join.

        Args:
            add: the provider's method that takes a processor.
            create: makes a processor whose `lane` may be set, and None for none.
        """
        self._add = add
        self._create = create
        self._joined: WeakKeyDictionary[Any, Any] = WeakKeyDictionary()

    def join(self, provider: Any, lane: Lane) -> Callable[[], None]:
        """Delivers what the provider makes too, if nobody else does.

        Returns:
            A function that lets go again.
        """
        delivery = self._joined.get(provider)
        if delivery is None:
            add: Any = getattr(provider, self._add, None)
            if add is None or sdk.has_processors(provider):
                return lambda: None
            delivery = self._joined[provider] = self._create()
            add(delivery)
        delivery.lane = lane

        def let_go() -> None:
            delivery.lane = None

        return let_go
