"""Cells as the tests of both engines make them."""

from __future__ import annotations

from typing import Any

BOUNDS = (1, 2.5, 5, 10, 100, 1000.5)


def cell(engine: Any, kind: str = "explicit", name: str = "order.latency", **what: Any) -> Any:
    """A configured cell; explicit ones have BOUNDS unless others are given."""
    if kind == "explicit":
        what["bounds"] = engine.Bounds(what.pop("bounds", BOUNDS))
    made = engine.Cell(name)
    made.configure(kind, **what)
    return made


def refused(engine: Any) -> dict[str, int]:
    """The reasons that occurred, with their counts."""
    return {reason: count for reason, count in engine.refusals().items() if count}
