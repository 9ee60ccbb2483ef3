"""The last lines of a run: what was lost, and in debug the whole books."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from otel_trading.delivery.books import Books
from otel_trading.ground import diagnostics


def say(books: Mapping[str, Books]) -> None:
    """Says one line if anything was lost since `init()`, and the books at level debug."""
    lost = [f"{_share(found)} {name} ({_reasons(found)})" for name, found in books.items() if found.lost]
    if lost:
        diagnostics.say(logging.WARNING, "telemetry was lost: %s", "; ".join(lost))
    diagnostics.say(logging.DEBUG, "books: %s", json.dumps({name: found.as_dict() for name, found in books.items()}))


def _share(books: Books) -> str:
    return f"{books.lost} of {books.offered}"


def _reasons(books: Books) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in sorted(books.dropped.items()))
