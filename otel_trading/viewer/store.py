"""The writing side of the embedded store: batches of rows in, within caps of size and age."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import orjson

from otel_trading.viewer import schema
from otel_trading.viewer.order_ids import order_id_values
from otel_trading.viewer.retention import Limits, prune
from otel_trading.viewer.rows import LogLine, Point, Span
from otel_trading.viewer.schema import StoreError

_WRITES_BETWEEN_PRUNES = 64
_CACHED_SERIES = 10_000


class Store:
    """One SQLite file with spans, logs and metric points; one writer, any number of reading processes.

    Methods may be called from any thread; a lock lets one batch in at a time. A forked child must not use it.
    """

    def __init__(self, path: Path | str, limits: Limits | None = None) -> None:
        """Opens or creates the file.

        Args:
            path: the database file; its directory must exist.
            limits: caps of size and age; None means 256 MiB and 7 days.

        Raises:
            StoreError: the file cannot be written or is not a store.
        """
        self.path = Path(path)
        self._limits = limits or Limits()
        self._connection = schema.open_for_writing(self.path)
        self._lock = threading.Lock()
        self._series: dict[tuple[str, ...], int] = {}
        self._writes = 0
        self._closed = False

    def write(self, *, spans: Sequence[Span] = (), logs: Sequence[LogLine] = (), points: Sequence[Point] = ()) -> None:
        """Adds one batch in one transaction; readers see all of it or nothing.

        A span that is there already (a retried request) is left as it is.

        Raises:
            StoreError: the disk is full, the file is gone, or the store is closed.
        """
        with self._lock:
            if self._closed:
                raise StoreError(f"the store {self.path} is closed.")
            try:
                self._write(spans, logs, points)
            except (sqlite3.Error, OverflowError, orjson.JSONEncodeError) as error:
                self._series.clear()  # ids of rolled back series are void
                raise StoreError(f"cannot write to the store {self.path}: {error}.") from error

    def prune(self) -> None:
        """Applies the caps now; `write` does so by itself every 64 batches."""
        with self._lock:
            prune(self._connection, self._limits)
            self._series.clear()

    def close(self) -> None:
        """Merges the write-ahead log into the file and closes it. A second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error:
                pass  # a reader is in the way or the disk is full: the log beside the file stays valid
            self._connection.close()

    def _write(self, spans: Sequence[Span], logs: Sequence[LogLine], points: Sequence[Point]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._add_spans(spans)
            self._add_logs(logs)
            self._add_points(points)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")
        self._writes += 1
        if self._writes % _WRITES_BETWEEN_PRUNES == 0:
            prune(self._connection, self._limits)
            self._series.clear()

    def _add_spans(self, spans: Sequence[Span]) -> None:
        execute = self._connection.execute
        for span in spans:
            added = execute(
                "INSERT OR IGNORE INTO spans (trace_id, span_id, parent_id, name, kind, service, start_ns, end_ns,"
                " status, status_message, attributes, events, links) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (
                    span.trace_id,
                    span.span_id,
                    span.parent_id,
                    span.name,
                    span.kind,
                    span.service,
                    span.start_ns,
                    span.end_ns,
                    span.status,
                    span.status_message,
                    _json(span.attributes),
                    _json([asdict(event) for event in span.events]),
                    _json([asdict(link) for link in span.links]),
                ),
            )
            if added.rowcount == 1 and added.lastrowid is not None:
                self._add_order_ids("s", added.lastrowid, order_id_values(span.attributes))
        self._connection.executemany(schema.SUMMARISE_TRACE, [(i, i, i) for i in {span.trace_id for span in spans}])
        self._connection.executemany(
            "INSERT OR IGNORE INTO trace_services (service, trace_id) VALUES (?, ?)",
            {(span.service, span.trace_id) for span in spans},
        )

    def _add_logs(self, logs: Sequence[LogLine]) -> None:
        if not logs:
            return
        execute = self._connection.execute
        first = execute("SELECT coalesce(max(id), 0) + 1 FROM logs").fetchone()[0]
        for log_id, line in enumerate(logs, first):
            execute(
                "INSERT INTO logs VALUES (?,?,?,?,?,?,?,?,?,?)",
                (
                    log_id,
                    line.time_ns,
                    line.severity_number,
                    line.severity,
                    line.body,
                    line.event_name,
                    line.trace_id,
                    line.span_id,
                    line.service,
                    _json(line.attributes),
                ),
            )
            self._add_order_ids("l", log_id, order_id_values(line.attributes))
        execute(
            "INSERT INTO logs_text (rowid, body, event_name, attributes)"
            " SELECT id, body, event_name, attributes FROM logs WHERE id >= ?",
            (first,),
        )

    def _add_points(self, points: Sequence[Point]) -> None:
        self._connection.executemany(
            "INSERT INTO points (series_id, time_ns, value, count, total, buckets) VALUES (?,?,?,?,?,?)",
            [
                (self._series_id(p), p.time_ns, p.value, p.count, p.total, _json(p.buckets) if p.buckets else "")
                for p in points
            ],
        )

    def _series_id(self, point: Point) -> int:
        key = (point.service, point.name, point.unit, point.kind, _json(point.attributes))
        known = self._series.get(key)
        if known is not None:
            return known
        self._connection.execute(
            "INSERT OR IGNORE INTO series (service, name, unit, kind, attributes) VALUES (?,?,?,?,?)", key
        )
        series_id: int = self._connection.execute(
            "SELECT id FROM series WHERE service = ? AND name = ? AND unit = ? AND kind = ? AND attributes = ?", key
        ).fetchone()[0]
        if len(self._series) < _CACHED_SERIES:
            self._series[key] = series_id
        return series_id

    def _add_order_ids(self, source: str, row_id: int, values: Iterable[str]) -> None:
        for value in values:
            self._connection.execute("INSERT OR IGNORE INTO order_ids VALUES (?, ?, ?)", (value, source, row_id))


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
