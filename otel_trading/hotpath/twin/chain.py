"""Chains of cells: a record that came to the first goes to all. Only whoever has the turn changes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from otel_trading.hotpath.twin.cell import Cell


def check(next: Cell | None, cell: Cell) -> None:
    """Raises ValueError if `cell` is in the chain that begins at `next`: a record would go round for ever."""
    while next is not None:
        if next is cell:
            raise ValueError("next must not lead back to the cell")
        next = next.next


def extend(cell: Cell, further: Cell) -> None:
    """The last cell of a chain feeds `further` from now on; raises ValueError if that leads back."""
    last = cell
    while last.next is not None:
        last = last.next
    check(further, last)
    last._series.plain = False
    last._series.next = further
