"""What the arguments of record, set, add and their like say, whatever they are."""

from __future__ import annotations

from typing import Any

MISSING: Any = object()
"""Stands for an argument that was not given."""

_CELL = ("amount", "context")
_TABLE = ("amount", "attributes", "context")


def said_by(positional: tuple[Any, ...], named: dict[str, Any], table: bool) -> tuple[Any, Any, Any] | None:
    """Amount (or MISSING), attributes and context (or None); None for a call that no method has."""
    known = _TABLE if table else _CELL
    given = [value for value in positional if value is not MISSING]
    if len(given) > len(known):
        return None
    found = dict(zip(known, given, strict=False))
    for name, value in named.items():
        if name not in known or name in found:
            return None
        found[name] = value
    return found.get("amount", MISSING), found.get("attributes"), found.get("context")
