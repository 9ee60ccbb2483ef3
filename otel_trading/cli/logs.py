"""`otel-trading logs`: log lines of a trace, of an order by any of its ids, or with some words."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import orjson

from otel_trading.cli.command import Subparsers, add_store_option, open_store, positive_count
from otel_trading.cli.trace import log_record

if TYPE_CHECKING:
    from otel_trading.viewer.reader import StoreReader
    from otel_trading.viewer.rows import LogLine


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command and its options."""
    found = subparsers.add_parser("logs", help="show log lines of a trace, of an order, or with some words")
    which = found.add_mutually_exclusive_group()
    which.add_argument("--trace", metavar="ID", help="lines written inside this trace (its first digits will do)")
    which.add_argument(
        "--order", metavar="ID", help="lines of the order with this id: the client's, the venue's or an execution's"
    )
    which.add_argument("text", nargs="*", default=[], help="lines that hold all these words; none means the newest")
    add_store_option(found)
    found.add_argument("--limit", type=positive_count, default=200, metavar="N", help="at most so many (default: 200)")
    found.add_argument("--json", action="store_true", help="one JSON object a line; nanoseconds as text")
    found.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the lines by time; 1 if there are none."""
    from otel_trading.viewer.text import log_text

    with open_store(arguments) as reader:
        lines = _find(reader, arguments)
    for line in lines:
        print(orjson.dumps(log_record(line)).decode() if arguments.json else log_text(line))
    return 0 if lines else 1


def _find(reader: StoreReader, arguments: argparse.Namespace) -> list[LogLine]:
    if arguments.trace is not None:
        return reader.logs_of_trace(reader.resolve(arguments.trace), limit=arguments.limit)
    if arguments.order is not None:
        return reader.logs_of_order(arguments.order, limit=arguments.limit)
    if arguments.text:
        return reader.logs_with_text(" ".join(arguments.text), limit=arguments.limit)
    return reader.newest_logs(limit=arguments.limit)
