"""The reading side of the store: traces by id, orders, log lines. Safe beside a process that writes."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from otel_trading.viewer import schema
from otel_trading.viewer.order_ids import order_id_values
from otel_trading.viewer.rows import Event, Link, LogLine, Point, Span
from otel_trading.viewer.schema import StoreError

_HEX_DIGITS = frozenset("0123456789abcdef")
_ID_ROUNDS = 4
_ID_LIMIT = 200

_SPAN_COLUMNS = (
    "trace_id, span_id, parent_id, name, kind, service, start_ns, end_ns, status, status_message,"
    " attributes, events, links"
)
_LOG_COLUMNS = "time_ns, severity_number, severity, body, event_name, trace_id, span_id, service, attributes"


class NotFound(StoreError):
    """The store holds nothing under this id, or more than one thing under this prefix."""


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One line of a list of traces; times in UTC nanoseconds, `order_status` None unless an order ended in it."""

    trace_id: str
    root_name: str
    root_service: str
    services: tuple[str, ...]
    spans: int
    errors: int
    first_ns: int
    last_ns: int
    order_status: str | None

    @property
    def duration_ns(self) -> int:
        """From the first start to the last end, in nanoseconds."""
        return self.last_ns - self.first_ns


class StoreReader:
    """A read-only view of a store file; sees each batch as soon as it is committed.

    Methods may be called from any thread, one at a time. Each raises StoreError when the file cannot be read.
    """

    def __init__(self, path: Path | str) -> None:
        """Opens an existing store.

        Raises:
            StoreError: there is no such file or it is no store.
        """
        self.path = Path(path)
        self._connection = schema.open_for_reading(self.path)
        self._lock = threading.Lock()

    def __enter__(self) -> StoreReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()

    def counts(self) -> dict[str, int]:
        """Rows in the store: spans, traces, logs, points, series."""
        tables = ("spans", "traces", "logs", "points", "series")
        return {table: self._rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables}

    def resolve(self, prefix: str) -> str:
        """Returns the one trace id that starts with `prefix`.

        Raises:
            NotFound: none does, several do, or `prefix` is not hexadecimal.
        """
        wanted = prefix.strip().lower()
        if not wanted or not set(wanted) <= _HEX_DIGITS or len(wanted) > 32:
            raise NotFound(f"'{prefix}' is no trace id: 1 to 32 hexadecimal digits are needed.")
        found = [
            row[0]
            for row in self._rows(
                "SELECT trace_id FROM traces WHERE trace_id >= ? AND trace_id < ? LIMIT 4", wanted, wanted + "g"
            )
        ]
        if not found:
            raise NotFound(f"no trace in {self.path} starts with '{wanted}'.")
        if len(found) > 1:
            raise NotFound(f"'{wanted}' fits several traces ({', '.join(found[:3])}, ...). Give more digits.")
        return str(found[0])

    def spans(self, trace_id: str) -> list[Span]:
        """Returns the spans of one trace by start time; empty if there is no such trace."""
        rows = self._rows(f"SELECT {_SPAN_COLUMNS} FROM spans WHERE trace_id = ? ORDER BY start_ns, id", trace_id)
        return [_span(row) for row in rows]

    def span(self, trace_id: str, span_id: str) -> Span | None:
        """Returns one span, for example the target of a link; None if it is not in the store."""
        rows = self._rows(f"SELECT {_SPAN_COLUMNS} FROM spans WHERE trace_id = ? AND span_id = ?", trace_id, span_id)
        return _span(rows[0]) if rows else None

    def traces(
        self,
        *,
        limit: int = 20,
        service: str | None = None,
        errors_only: bool = False,
        orders_only: bool = False,
        since_ns: int = 0,
    ) -> list[TraceSummary]:
        """Returns the newest traces first.

        Args:
            limit: at most so many, default 20.
            service: only traces with a span of this service; None means all.
            errors_only: only traces with a span of status error.
            orders_only: only traces in which an order ended.
            since_ns: only traces that began at this UTC nanosecond or later.
        """
        conditions, arguments = ["first_ns >= ?"], [since_ns]
        if errors_only:
            conditions.append("errors > 0")
        if orders_only:
            conditions.append("order_status IS NOT NULL")
        if service is not None:
            conditions.append(
                "EXISTS (SELECT 1 FROM trace_services AS s WHERE s.service = ? AND s.trace_id = traces.trace_id)"
            )
        where = " AND ".join(conditions)
        rows = self._rows(
            f"SELECT * FROM traces WHERE {where} ORDER BY first_ns DESC LIMIT ?",
            *arguments,
            *([service] if service is not None else []),
            limit,
        )
        return [self._summary(row) for row in rows]

    def ended_orders(self, *, since_ns: int = 0, limit: int = -1) -> Iterator[TraceSummary]:
        """Yields the traces with a terminal order summary span, the one that ended last first; -1 is no limit."""
        rows = self._rows(
            "SELECT * FROM traces WHERE order_status IS NOT NULL AND last_ns >= ? AND first_ns >= ?"
            " ORDER BY last_ns DESC LIMIT ?",
            since_ns,
            since_ns,
            limit,
        )
        for row in rows:
            yield self._summary(row)

    def newest_complete_order(self, stages: tuple[str, ...], *, since_ns: int = 0) -> TraceSummary | None:
        """Returns the newest of the last 100 ended orders whose whole story is here (`is_complete`), or None."""
        for summary in self.ended_orders(since_ns=since_ns, limit=100):
            if self.is_complete(summary, stages):
                return summary
        return None

    def is_complete(self, summary: TraceSummary, stages: tuple[str, ...]) -> bool:
        """Tells whether every stage's spans, the submit, the terminal summary and a linked tick are in the store.

        Args:
            summary: a trace from `ended_orders`.
            stages: names of the services that must have a span in the trace.
        """
        if summary.order_status is None or not set(stages) <= set(summary.services):
            return False
        spans = self.spans(summary.trace_id)
        if not any(span.name.startswith("order.submit") for span in spans):
            return False
        linked = [link for span in spans for link in span.links if link.trace_id != summary.trace_id]
        targets = [self.span(link.trace_id, link.span_id) for link in linked]
        return any(target is not None and target.name.startswith("md.receive") for target in targets)

    def logs_of_trace(self, trace_id: str, *, limit: int = 1000) -> list[LogLine]:
        """Returns the log lines written inside one trace, by time."""
        rows = self._rows(
            f"SELECT {_LOG_COLUMNS} FROM logs WHERE trace_id = ? AND trace_id <> '' ORDER BY time_ns, id LIMIT ?",
            trace_id,
            limit,
        )
        return [_log_line(row) for row in rows]

    def logs_of_order(self, any_id: str, *, limit: int = 1000) -> list[LogLine]:
        """Returns the log lines of the order that has this id, by time.

        The id may be any of the order's: the client's, the root client's, the venue's, an execution's. Spans and
        lines that carry it tell the order's other ids, and lines that carry any of them are returned.
        """
        log_ids = self._log_ids_of_order(any_id)
        marks = ",".join("?" * len(log_ids))
        rows = self._rows(
            f"SELECT {_LOG_COLUMNS} FROM logs WHERE id IN ({marks}) ORDER BY time_ns, id LIMIT ?", *log_ids, limit
        )
        return [_log_line(row) for row in rows]

    def logs_with_text(self, text: str, *, limit: int = 100) -> list[LogLine]:
        """Returns the newest lines whose body, event name or attributes hold all these words, by time.

        Case and punctuation do not count; `"` and operators have no meaning.
        """
        quoted = (f'"{word}"' for word in text.replace('"', " ").replace("\0", " ").split())
        words = " AND ".join(quoted)
        if not words:
            return []
        rows = self._rows(
            f"SELECT {_LOG_COLUMNS} FROM logs WHERE id IN (SELECT rowid FROM logs_text WHERE logs_text MATCH ?)"
            " ORDER BY time_ns DESC, id DESC LIMIT ?",
            words,
            limit,
        )
        return [_log_line(row) for row in reversed(rows)]

    def newest_logs(self, *, limit: int = 100) -> list[LogLine]:
        """Returns the newest lines, by time."""
        rows = self._rows(f"SELECT {_LOG_COLUMNS} FROM logs ORDER BY time_ns DESC, id DESC LIMIT ?", limit)
        return [_log_line(row) for row in reversed(rows)]

    def correlated_logs(self, *, since_ns: int = 0) -> dict[str, int]:
        """Counts, by service, the lines whose span is in the store."""
        rows = self._rows(
            "SELECT l.service, count(*) FROM logs AS l JOIN spans AS s"
            " ON s.trace_id = l.trace_id AND s.span_id = l.span_id WHERE l.time_ns >= ? GROUP BY l.service",
            since_ns,
        )
        return dict(rows)

    def latest_points(self, *, service: str | None = None, name: str | None = None) -> list[Point]:
        """Returns the newest point of each series, of one service or one metric name if given."""
        rows = self._rows(
            "SELECT s.service, s.name, s.unit, s.kind, s.attributes, p.time_ns, p.value, p.count, p.total,"
            " p.buckets FROM series AS s JOIN points AS p ON p.id ="
            " (SELECT id FROM points WHERE series_id = s.id ORDER BY time_ns DESC, id DESC LIMIT 1)"
            " WHERE (? IS NULL OR s.service = ?) AND (? IS NULL OR s.name = ?)"
            " ORDER BY s.service, s.name, s.attributes",
            service,
            service,
            name,
            name,
        )
        return [_point(row) for row in rows]

    def _log_ids_of_order(self, any_id: str) -> list[int]:
        values, frontier = {any_id}, [any_id]
        for _ in range(_ID_ROUNDS):
            fresh = {other for value in frontier for other in self._ids_beside(value)} - values
            if not fresh or len(values) > _ID_LIMIT:
                break
            values |= fresh
            frontier = sorted(fresh)
        found: set[int] = set()
        for value in values:
            found |= {
                row[0]
                for row in self._rows(
                    "SELECT row_id FROM order_ids WHERE value = ? AND source = 'l' LIMIT 10000", value
                )
            }
        return sorted(found)[:10_000]

    def _ids_beside(self, value: str) -> set[str]:
        """Returns the ids that stand in one row with this one."""
        rows = self._rows(
            "SELECT s.attributes FROM order_ids AS o JOIN spans AS s ON s.id = o.row_id"
            " WHERE o.value = ? AND o.source = 's'"
            " UNION SELECT l.attributes FROM order_ids AS o JOIN logs AS l ON l.id = o.row_id"
            " WHERE o.value = ? AND o.source = 'l'",
            value,
            value,
        )
        return {other for row in rows for other in order_id_values(orjson.loads(row[0]))}

    def _summary(self, row: tuple[Any, ...]) -> TraceSummary:
        _, trace_id, first_ns, last_ns, spans, errors, root_name, root_service, order_status = row
        services = self._rows("SELECT service FROM trace_services WHERE trace_id = ? ORDER BY service", trace_id)
        names = tuple(str(service) for (service,) in services)
        return TraceSummary(trace_id, root_name, root_service, names, spans, errors, first_ns, last_ns, order_status)

    def _rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._connection.execute(query, arguments).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"cannot read the store {self.path}: {error}.") from error


def _span(row: tuple[Any, ...]) -> Span:
    *plain, attributes, events, links = row
    values: list[Any] = [
        *plain,
        orjson.loads(attributes),
        tuple(Event(**event) for event in orjson.loads(events)),
        tuple(Link(**link) for link in orjson.loads(links)),
    ]
    return Span(*values)


def _log_line(row: tuple[Any, ...]) -> LogLine:
    values: list[Any] = [*row[:-1], orjson.loads(row[-1])]
    return LogLine(*values)


def _point(row: tuple[Any, ...]) -> Point:
    values: list[Any] = [*row[:4], orjson.loads(row[4]), *row[5:9], orjson.loads(row[9]) if row[9] else {}]
    return Point(*values)
