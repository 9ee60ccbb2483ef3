"""The tables of the store, and how a database file is opened for writing and for reading."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from otel_trading.ground.errors import OtelTradingError

APPLICATION_ID = 0x6F747472  # "ottr", in the file's header: says whose database this is
SCHEMA_VERSION = 1

TERMINAL_STATUSES = ("filled", "canceled", "rejected", "expired", "denied")
"""Words of FIX OrdStatus that end an order, and `denied` for a refusal by one's own risk."""

_ORDER_SPANS = ", ".join(f"'order {status}'" for status in TERMINAL_STATUSES)

TABLES = """
CREATE TABLE spans (
    id INTEGER PRIMARY KEY, trace_id TEXT NOT NULL, span_id TEXT NOT NULL, parent_id TEXT NOT NULL,
    name TEXT NOT NULL, kind TEXT NOT NULL, service TEXT NOT NULL, start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL, duration_ns INTEGER GENERATED ALWAYS AS (end_ns - start_ns) VIRTUAL,
    status TEXT NOT NULL, status_message TEXT NOT NULL, attributes TEXT NOT NULL, events TEXT NOT NULL,
    links TEXT NOT NULL, UNIQUE (trace_id, span_id));
CREATE INDEX spans_by_service_duration ON spans (service, duration_ns);

-- One row a trace, kept up to date with each batch, so that lists need not group all spans.
CREATE TABLE traces (
    id INTEGER PRIMARY KEY, trace_id TEXT NOT NULL UNIQUE, first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,
    spans INTEGER NOT NULL, errors INTEGER NOT NULL, root_name TEXT NOT NULL, root_service TEXT NOT NULL,
    order_status TEXT);
CREATE INDEX traces_by_time ON traces (first_ns);
CREATE INDEX traces_of_orders ON traces (last_ns) WHERE order_status IS NOT NULL;
CREATE TABLE trace_services (
    service TEXT NOT NULL, trace_id TEXT NOT NULL, PRIMARY KEY (trace_id, service)) WITHOUT ROWID;

CREATE TABLE logs (
    id INTEGER PRIMARY KEY, time_ns INTEGER NOT NULL, severity_number INTEGER NOT NULL, severity TEXT NOT NULL,
    body TEXT NOT NULL, event_name TEXT NOT NULL, trace_id TEXT NOT NULL, span_id TEXT NOT NULL,
    service TEXT NOT NULL, attributes TEXT NOT NULL);
CREATE INDEX logs_by_trace ON logs (trace_id) WHERE trace_id <> '';
CREATE INDEX logs_by_time ON logs (time_ns);
-- Filled once a batch: a trigger per row is seven times slower.
CREATE VIRTUAL TABLE logs_text USING fts5 (body, event_name, attributes, content = 'logs', content_rowid = 'id');

-- Each order id that a span ('s') or a log line ('l') carries, for exact search. row_id is spans.id or logs.id.
CREATE TABLE order_ids (
    value TEXT NOT NULL, source TEXT NOT NULL, row_id INTEGER NOT NULL,
    PRIMARY KEY (value, source, row_id)) WITHOUT ROWID;
CREATE INDEX order_ids_by_row ON order_ids (source, row_id);

CREATE TABLE series (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, name TEXT NOT NULL, unit TEXT NOT NULL, kind TEXT NOT NULL,
    attributes TEXT NOT NULL, UNIQUE (service, name, unit, kind, attributes));
CREATE TABLE points (
    id INTEGER PRIMARY KEY, series_id INTEGER NOT NULL, time_ns INTEGER NOT NULL, value REAL, count INTEGER,
    total REAL, buckets TEXT NOT NULL);
CREATE INDEX points_by_series ON points (series_id, time_ns);
CREATE INDEX points_by_time ON points (time_ns);
"""

SUMMARISE_TRACE = f"""
INSERT INTO traces (trace_id, first_ns, last_ns, spans, errors, root_name, root_service, order_status)
SELECT s.trace_id, min(s.start_ns), max(s.end_ns), count(*), sum(s.status = 'error'),
    (SELECT name FROM spans WHERE trace_id = ? ORDER BY parent_id <> '', start_ns LIMIT 1),
    (SELECT service FROM spans WHERE trace_id = ? ORDER BY parent_id <> '', start_ns LIMIT 1),
    max(CASE WHEN s.name IN ({_ORDER_SPANS}) THEN substr(s.name, 7) END)
FROM spans AS s WHERE s.trace_id = ? GROUP BY s.trace_id
ON CONFLICT (trace_id) DO UPDATE SET first_ns = excluded.first_ns, last_ns = excluded.last_ns,
    spans = excluded.spans, errors = excluded.errors, root_name = excluded.root_name,
    root_service = excluded.root_service, order_status = excluded.order_status
"""


class StoreError(OtelTradingError):
    """The store cannot be opened, read or written; the message says which file and why."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Opens or creates a store in WAL mode, so that other processes read while this one writes.

    Raises:
        StoreError: the file cannot be created or written, or is no store of ours.
    """
    try:
        connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise StoreError(f"cannot open the store {path}: {error}. Give a file in a writable directory.") from None
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(f"cannot write the store {path}: {error}. Give another file.") from None
    except StoreError:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Opens an existing store read-only, also while another process writes it.

    Raises:
        StoreError: there is no such file, or it is no store of ours.
    """
    if not path.is_file():
        raise StoreError(f"there is no store at {path}.")
    try:
        return _opened_for_reading(path, "mode=ro")
    except sqlite3.Error as error:
        problem = error
    try:
        # In a directory that cannot be written SQLite can make no file for its locks. Nobody else writes there either.
        return _opened_for_reading(path, "mode=ro&immutable=1")
    except sqlite3.Error:
        raise StoreError(f"cannot read the store {path}: {problem}.") from None


def _opened_for_reading(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}", uri=True, timeout=5, isolation_level=None, check_same_thread=False
    )
    try:
        _check_identity(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    fresh = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    if not fresh:
        _check_identity(connection, path)
        connection.execute("BEGIN IMMEDIATE")  # a read-only file is found here, not at the first batch
        connection.execute("ROLLBACK")
    else:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only possible before the first table
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may cost the last batches, never the file
    connection.execute("PRAGMA journal_size_limit = 16777216")
    if fresh:
        connection.executescript(
            f"BEGIN; {TABLES} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )


def _check_identity(connection: sqlite3.Connection, path: Path) -> None:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    if application != APPLICATION_ID:
        raise StoreError(f"{path} is a database, but no otel-trading store. Give another file.")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"the store {path} has layout {version}; this version reads layout {SCHEMA_VERSION}. "
            "Read it with the version that wrote it, or give another file."
        )
