"""The caps of the store: what is too old goes, then the oldest, until the rest fits."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from otel_trading.ground import clock

_ROUNDS = 100
_SHARE = 25
"""Each round removes a 25th of what is left: short transactions, and a hundred leave less than 2 % of any store."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a store may hold.

    Attributes:
        max_bytes: cap of the database file's used pages, default 256 MiB; the write-ahead log beside it comes on
            top, up to 16 MiB.
        max_age_s: age in seconds by the items' own time, default 7 days.
    """

    max_bytes: int = 256 * 1024 * 1024
    max_age_s: float = 7 * 86_400.0


def prune(connection: sqlite3.Connection, limits: Limits) -> None:
    """Deletes what is over the caps and gives the pages back to the file system.

    Traces go as a whole, never span by span. Call it outside a transaction.
    """
    oldest_ns = clock.wall_ns() - int(limits.max_age_s * 1e9)
    _transaction(
        connection,
        "SELECT trace_id FROM traces WHERE last_ns < ?",
        "SELECT id FROM logs WHERE time_ns < ?",
        "SELECT id FROM points WHERE time_ns < ?",
        oldest_ns,
    )
    for _ in range(_ROUNDS):
        if used_bytes(connection) <= limits.max_bytes:
            break
        _transaction(
            connection,
            "SELECT trace_id FROM traces ORDER BY id LIMIT 1 + (SELECT count(*) FROM traces) / ?",
            "SELECT id FROM logs ORDER BY id LIMIT 1 + (SELECT count(*) FROM logs) / ?",
            "SELECT id FROM points ORDER BY id LIMIT 1 + (SELECT count(*) FROM points) / ?",
            _SHARE,
        )
    connection.executescript("PRAGMA incremental_vacuum")  # execute() would give back one page only


def used_bytes(connection: sqlite3.Connection) -> int:
    """Bytes of the pages in use."""
    pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    free: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    size: int = connection.execute("PRAGMA page_size").fetchone()[0]
    return (pages - free) * size


def _transaction(connection: sqlite3.Connection, traces: str, logs: str, points: str, argument: int) -> None:
    """Deletes what the three queries select, in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        _delete_traces(connection, traces, argument)
        _delete_logs(connection, logs, argument)
        deleted = connection.execute(f"DELETE FROM points WHERE id IN ({points})", (argument,))
        if deleted.rowcount > 0:
            connection.execute("DELETE FROM series WHERE id NOT IN (SELECT series_id FROM points)")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _delete_traces(connection: sqlite3.Connection, selection: str, argument: int) -> None:
    trace_ids = connection.execute(selection, (argument,)).fetchall()
    connection.executemany(
        "DELETE FROM order_ids WHERE source = 's' AND row_id IN (SELECT id FROM spans WHERE trace_id = ?)",
        trace_ids,
    )
    for table in ("spans", "trace_services", "traces"):
        connection.executemany(f"DELETE FROM {table} WHERE trace_id = ?", trace_ids)


def _delete_logs(connection: sqlite3.Connection, selection: str, argument: int) -> None:
    log_ids = connection.execute(selection, (argument,)).fetchall()
    # The text index keeps no copy of the text and must be told what it was.
    connection.executemany(
        "INSERT INTO logs_text (logs_text, rowid, body, event_name, attributes)"
        " SELECT 'delete', id, body, event_name, attributes FROM logs WHERE id = ?",
        log_ids,
    )
    connection.executemany("DELETE FROM order_ids WHERE source = 'l' AND row_id = ?", log_ids)
    connection.executemany("DELETE FROM logs WHERE id = ?", log_ids)
