"""Entry point of `otel-trading`: finds the command and lets it run."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import NoReturn

from otel_trading.cli import check, config, demo, doctor, generate, logs, trace, traces
from otel_trading.ground.errors import OtelTradingError

_COMMANDS = (demo, traces, trace, logs, config, doctor, generate, check)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong and where help is, and exits with 2."""
        self.exit(2, f"{self.prog}: {message}. See {self.prog} --help.\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 done, 1 it failed, 2 wrong usage.

    Args:
        argv: without the program's name; None means the process's own.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that cannot draw a tree gets question marks, no failure
    arguments = parser().parse_args(argv)
    if sys.stdout is None:  # `otel-trading config >&-`
        return _failed("standard output is closed")
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except OtelTradingError as error:
        return _failed(str(error))
    except BrokenPipeError:  # `otel-trading logs | head`
        _abandon_stdout()
        return 0
    except OSError as error:  # `otel-trading config >/dev/full`
        _abandon_stdout()
        return _failed(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
    except KeyboardInterrupt:
        return 130
    return code


def _failed(reason: str) -> int:
    print(f"otel-trading: {reason}", file=sys.stderr)
    return 1


def _abandon_stdout() -> None:
    """Sends what cannot be written nowhere: the flush at exit must not fail as well."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def parser() -> Parser:
    """Returns the parser of all commands."""
    found = Parser(
        prog="otel-trading", description="OpenTelemetry for trading: demo, store, configuration, doctor, catalogue."
    )
    found.add_argument("--version", action="version", version=f"otel-trading {_version()}")
    subparsers = found.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(subparsers)
    return found


def _version() -> str:
    try:
        return version("otel-trading")
    except PackageNotFoundError:
        return "(not installed)"


if __name__ == "__main__":
    raise SystemExit(main())
