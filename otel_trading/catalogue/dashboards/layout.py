"""Where panels stand on Grafana's grid of 24 columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from otel_trading.catalogue.dashboards.model import Kind, Panel, Row

COLUMNS = 24
MOST = 4
"""Panels in a line; a fifth would be too narrow to read."""
_HEIGHTS: dict[Kind, int] = {"stat": 4, "gauge": 6}
_HEIGHT = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Upper left corner and size, in cells."""

    x: int
    y: int
    width: int
    height: int


def placed(rows: tuple[Row, ...]) -> Iterator[tuple[Row | Panel, Place]]:
    """Each row's title and panels with their places, from top to bottom."""
    y = 0
    for row in rows:
        yield row, Place(0, y, COLUMNS, 1)
        y += 1
        for line in _lines(row):
            height = max(_HEIGHTS.get(panel.kind, _HEIGHT) for panel in line)
            width = COLUMNS // _columns(row)
            for number, panel in enumerate(line):
                yield panel, Place(number * width, y, width, height)
            y += height


def _columns(row: Row) -> int:
    return row.columns or max(1, min(len(row.panels), MOST))


def _lines(row: Row) -> Iterator[tuple[Panel, ...]]:
    columns = _columns(row)
    for first in range(0, len(row.panels), columns):
        yield row.panels[first : first + columns]
