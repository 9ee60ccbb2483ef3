"""What commands share: the --store option and the default behind it, numbers, JSON, and a line of progress."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import orjson

if TYPE_CHECKING:
    from otel_trading.viewer.reader import StoreReader

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""What `add_parser` of each command gets."""


def add_store_option(parser: argparse.ArgumentParser) -> None:
    """Adds --store."""
    parser.add_argument(
        "--store", type=Path, metavar="PATH", help="file of the store (default: that of the demo's newest run)"
    )


def open_store(arguments: argparse.Namespace) -> StoreReader:
    """Opens the store that was asked for, or the newest.

    Raises:
        StoreError: there is none, or it cannot be read.
    """
    from otel_trading.viewer import runs
    from otel_trading.viewer.reader import StoreReader
    from otel_trading.viewer.schema import StoreError

    path = arguments.store or runs.newest_store()
    if path is None:
        raise StoreError("there is no store yet. Run `otel-trading demo` first, or name one with --store.")
    return StoreReader(path)


def positive_count(text: str) -> int:
    """Returns a whole number above zero, for --limit."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"must be a whole number above 0; was '{text}'")
    return int(text)


def print_json(document: object) -> None:
    """One document, indented, for `--json`; what JSON does not know is text."""
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def progress_line() -> tuple[Callable[[str], None], Callable[[], None]]:
    """Says what is being done on a terminal, and nothing elsewhere; and takes it back."""
    if not sys.stderr.isatty():
        return (lambda _: None), (lambda: None)

    def say(what: str) -> None:
        sys.stderr.write(f"\r\033[K{what} ...")
        sys.stderr.flush()

    def clear() -> None:
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()

    return say, clear
