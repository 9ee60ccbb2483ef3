"""`otel-trading trace <id>`: one trace as a tree with durations, links, attributes and its log lines."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from otel_trading.cli.command import Subparsers, add_store_option, open_store, print_json

if TYPE_CHECKING:
    from otel_trading.viewer.reader import StoreReader
    from otel_trading.viewer.rows import LogLine, Span


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command and its options."""
    found = subparsers.add_parser("trace", help="show one trace as a tree, with its log lines")
    found.add_argument("id", help="trace id, or its first digits as far as they are unique")
    add_store_option(found)
    found.add_argument("--json", action="store_true", help="one JSON document; times in nanoseconds as text")
    found.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the trace; an unknown or ambiguous id is an error."""
    with open_store(arguments) as reader:
        trace_id = reader.resolve(arguments.id)
        if arguments.json:
            print_json(_document(reader, trace_id))
        else:
            _print(reader, trace_id)
    return 0


def _print(reader: StoreReader, trace_id: str) -> None:
    from otel_trading.viewer.text import log_text, trace_lines

    print(f"trace {trace_id}")
    for line in trace_lines(reader.spans(trace_id), reader.span, details=True):
        print(line)
    logs = reader.logs_of_trace(trace_id)
    print(f"\n{len(logs)} log lines")
    for log_line in logs:
        print(log_text(log_line))


def _document(reader: StoreReader, trace_id: str) -> dict[str, Any]:
    spans = reader.spans(trace_id)
    targets = (
        reader.span(link.trace_id, link.span_id) for span in spans for link in span.links if link.trace_id != trace_id
    )
    return {
        "trace_id": trace_id,
        "spans": [_span(span) for span in spans],
        "linked_spans": [_span(target) for target in targets if target is not None],
        "logs": [log_record(line) for line in reader.logs_of_trace(trace_id)],
    }


def _span(span: Span) -> dict[str, Any]:
    record = asdict(span)
    record.update(start_ns=str(span.start_ns), end_ns=str(span.end_ns), duration_ns=span.duration_ns)
    for event in record["events"]:
        event["time_ns"] = str(event["time_ns"])
    return record


def log_record(line: LogLine) -> dict[str, Any]:
    """Returns a log line for JSON; nanoseconds as text, because many readers round beyond 2**53."""
    return {**asdict(line), "time_ns": str(line.time_ns)}
