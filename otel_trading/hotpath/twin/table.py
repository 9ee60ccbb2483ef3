"""From attributes to their cell, for records that are not bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from otel_trading.hotpath.twin import refusal
from otel_trading.hotpath.twin.attributes import key_of
from otel_trading.hotpath.twin.cell import Cell
from otel_trading.hotpath.twin.said import MISSING, said_by
from otel_trading.hotpath.twin.turn import Turn

MOST_ENTRIES = 1_000_000


class Table:
    """Remembers the cell of each set of attributes; asks `factory` for the others."""

    __slots__ = ("_cells", "_factory", "_limit", "_name", "_plain", "_told")

    def __init__(self, factory: Callable[[Any], Any], limit: int = 2000, name: str = "") -> None:
        if not callable(factory):
            raise TypeError("the factory of a table must be callable")
        if not 0 <= limit <= MOST_ENTRIES:
            raise ValueError(f"limit must be 0 to 1000000; was {limit}")
        if not isinstance(name, str):
            raise TypeError(f"the name of a table must be str, not {type(name).__name__}")
        self._factory = factory
        self._limit = limit
        self._name = name
        self._told: set[str] = set()
        # the attributes are kept beside the cell: they keep alive what the key knows by identity
        self._cells: dict[frozenset[Any], tuple[Cell, dict[Any, Any]]] = {}
        self._plain: Cell | None = None

    @property
    def name(self) -> str:
        """The instrument's name, for messages."""
        return self._name

    def __len__(self) -> int:
        return len(self._cells)

    def find(self, attributes: Any, /) -> Cell | None:
        """The cell of these attributes; None if the factory refuses them."""
        cell = self._find(attributes)
        if cell is None:
            refusal.refuse(self._name, self._told, refusal.NO_SERIES, attributes)
        return cell

    def record(
        self, amount: Any = MISSING, attributes: Any = MISSING, context: Any = MISSING, /, *more: Any, **named: Any
    ) -> None:
        """Records into the cell of these attributes. Never raises."""
        self._said((amount, attributes, context, *more), named, MISSING)

    set = record

    def add(
        self, amount: Any = MISSING, attributes: Any = MISSING, context: Any = MISSING, /, *more: Any, **named: Any
    ) -> None:
        """Adds to the cell of these attributes, 1 unless given. Never raises."""
        self._said((amount, attributes, context, *more), named, 1)

    def forget(self) -> None:
        """The factory is asked anew for every set of attributes."""
        with Turn.lock:
            self._cells, self._plain = {}, None
            self._told = set()

    def _said(self, positional: tuple[Any, ...], named: dict[str, Any], default: Any) -> None:
        said = said_by(positional, named, table=True)
        amount = MISSING if said is None else default if said[0] is MISSING else said[0]
        if said is None or amount is MISSING:
            refusal.refuse(self._name, self._told, refusal.ARGUMENTS)
            return
        cell = self.find(said[1])
        if cell is not None:
            cell._feed(amount, said[2], said[1])

    def _find(self, attributes: Any) -> Cell | None:
        if attributes is None or (type(attributes) is dict and not attributes):
            return self._find_plain()
        if type(attributes) is not dict:
            return self._ask(attributes)
        own = attributes.copy()  # another thread may change theirs
        key = key_of(own)
        if key is None:
            return self._ask(own)
        known = self._cells.get(key)
        if known is not None:
            return known[0]
        cell = self._ask(own.copy())
        if cell is not None:
            with Turn.lock:
                if len(self._cells) < self._limit:
                    self._cells.setdefault(key, (cell, own))
        return cell

    def _find_plain(self) -> Cell | None:
        if self._plain is None:
            cell = self._ask({})
            with Turn.lock:
                self._plain = self._plain or cell
            return cell
        return self._plain

    def _ask(self, attributes: Any) -> Cell | None:
        try:
            cell = self._factory(attributes)
        except Exception:
            return None
        return cell if isinstance(cell, Cell) else None
