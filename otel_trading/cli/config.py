"""`otel-trading config`: what init() would use, with the source of each value; or a commented example file."""

from __future__ import annotations

import argparse
import sys
from importlib.resources import files
from typing import Any

from otel_trading.cli.command import print_json


def add_parser(subparsers: Any) -> None:
    """Adds the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "config",
        help="print the configuration with the source of each value",
        description="Prints what init() would use in this environment, secrets masked. Exit code 2 if it is wrong.",
    )
    parser.add_argument("--file", metavar="PATH", help="a declarative configuration file (default: OTEL_CONFIG_FILE)")
    parser.add_argument("--json", action="store_true", help="one JSON document")
    parser.add_argument("--set-only", action="store_true", help="leave out what nobody set")
    parser.add_argument("--example", action="store_true", help="write a commented declarative file to standard output")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Prints; returns the exit code."""
    if arguments.example:
        sys.stdout.write((files("otel_trading.config") / "example.yaml").read_text(encoding="utf-8"))
        return 0
    from otel_trading.config.plan_file import from_file
    from otel_trading.config.resolve import resolve
    from otel_trading.ground.errors import ConfigurationError

    try:
        config, warnings = resolve({}, arguments.file)
        if config.file is not None:
            from_file(config)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for warning in warnings:
        sys.stderr.write(f"warning: {warning}\n")
    rows = [row for row in config.rows() if not arguments.set_only or row["source"] != "default"]
    if arguments.json:
        print_json(rows)
    else:
        sys.stdout.write(_table(rows))
    return 0


def _table(rows: list[dict[str, Any]]) -> str:
    """Three columns: name, value with unit, source."""
    cells = [(row["name"], f"{_text(row['value'])} {row['unit']}".rstrip(), row["source"]) for row in rows]
    name_width = max((len(name) for name, _, _ in cells), default=0)
    value_width = min(max((len(value) for _, value, _ in cells), default=0), 60)
    return "".join(f"{name:{name_width}}  {value:{value_width}}  {source}\n" for name, value, source in cells)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items()) or "-"
    return str(value)
