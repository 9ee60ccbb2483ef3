"""`otel-trading traces`: the newest traces in the store."""

from __future__ import annotations

import argparse

import orjson

from otel_trading.cli.command import Subparsers, add_store_option, open_store, positive_count


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command and its options."""
    found = subparsers.add_parser("traces", help="list the newest traces in the store")
    add_store_option(found)
    found.add_argument("--limit", type=positive_count, default=20, metavar="N", help="at most so many (default: 20)")
    found.add_argument("--service", metavar="NAME", help="only traces with a span of this service")
    found.add_argument("--errors", action="store_true", help="only traces with a span that failed")
    found.add_argument("--orders", action="store_true", help="only traces in which an order ended")
    found.add_argument("--json", action="store_true", help="one JSON object a line; nanoseconds as text")
    found.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints the list, newest first; 0 also if it is empty."""
    from otel_trading.viewer.text import duration_text, plain, time_text

    with open_store(arguments) as reader:
        found = reader.traces(
            limit=arguments.limit,
            service=arguments.service,
            errors_only=arguments.errors,
            orders_only=arguments.orders,
        )
    if not arguments.json and found:
        print(f"{'trace id':<32}  {'start (UTC)':<15}  {'duration':>10}  {'spans':>5}  {'errors':>6}  root, services")
    for trace in found:
        if arguments.json:
            record = {
                "trace_id": trace.trace_id,
                "root_name": trace.root_name,
                "root_service": trace.root_service,
                "services": list(trace.services),
                "spans": trace.spans,
                "errors": trace.errors,
                "start_ns": str(trace.first_ns),
                "duration_ns": trace.duration_ns,
                "order_status": trace.order_status,
            }
            print(orjson.dumps(record).decode())
        else:
            print(
                f"{trace.trace_id}  {time_text(trace.first_ns):<15}  {duration_text(trace.duration_ns):>10}"
                f"  {trace.spans:>5}  {trace.errors:>6}  {plain(trace.root_name)} ({plain(', '.join(trace.services))})"
            )
    return 0
