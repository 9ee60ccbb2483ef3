"""`otel-trading generate`: typed instruments, reference pages and dashboards from a registry of names."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from otel_trading.cli.command import Subparsers, print_json, progress_line

if TYPE_CHECKING:
    from otel_trading.catalogue.generate import Outcome
    from otel_trading.catalogue.model import Registry


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command and its options."""
    found = subparsers.add_parser(
        "generate",
        help="write typed instruments, reference pages and dashboards from a registry of names",
        description="Reads a registry directory (YAML, Weaver's format definition/2), whose entries may refer to "
        "attributes of otel_trading's own, and writes a package with one module an area, the page reference.md and "
        "Grafana's dashboard.json in it, and, the first time, an empty list of what was released beside the directory. "
        "The dashboard needs the extra 'dashboards' and is left out without it. Exit code 0: done, or "
        "with --check everything is current; 1: the registry has mistakes, or a file is not current; 2: wrong usage.",
    )
    found.add_argument(
        "directory", type=Path, nargs="?", metavar="DIRECTORY", help="default: otel_trading's own, in a checkout"
    )
    found.add_argument(
        "--out", type=Path, metavar="DIR", help="directory of the package (default: 'instruments' beside DIRECTORY)"
    )
    found.add_argument("--check", action="store_true", help="write nothing; exit code 1 if a file is not current")
    found.add_argument(
        "--release", action="store_true", help="also write the list of names that later registries are compared with"
    )
    found.add_argument("--json", action="store_true", help="one JSON document")
    found.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Writes or checks; returns the exit code."""
    from otel_trading.catalogue.dashboards.extra import missing
    from otel_trading.catalogue.generate import ROOT, release
    from otel_trading.catalogue.mistakes import RegistryError
    from otel_trading.catalogue.reading import OURS

    wrong = _wrong_usage(arguments, ROOT)
    if wrong:
        sys.stderr.write(f"otel-trading generate: {wrong}. See otel-trading generate --help.\n")
        return 2
    try:
        registry, outcome = _generated(arguments)
        listed = str(release(registry, arguments.directory or OURS)) if arguments.release else None
    except RegistryError as error:
        return _refused(error, arguments.json)
    stale = arguments.check and (outcome.changed or outcome.removed)
    left_out = missing()
    if arguments.json:
        told = {"changed": outcome.changed, "removed": outcome.removed, "released": listed, "current": not stale}
        told |= {"note": left_out} if left_out else {}
        print_json(told)
    else:
        _say(outcome, arguments.check, listed)
        if left_out:
            sys.stderr.write(f"otel-trading generate: {left_out}\n")
    return 1 if stale else 0


def _wrong_usage(arguments: argparse.Namespace, root: Path) -> str:
    if arguments.check and arguments.release:
        return "--check writes nothing, so it cannot go with --release"
    if arguments.directory is None and arguments.out is not None:
        return "--out needs a DIRECTORY"
    if arguments.directory is None and not (root / "pyproject.toml").exists():
        return "a DIRECTORY is needed: otel_trading's own files are generated in its checkout only"
    if arguments.directory is not None and not arguments.directory.is_dir():
        return f"{arguments.directory} is no directory"
    if arguments.out is not None and not arguments.out.resolve().name.isidentifier():
        return f"{arguments.out} cannot name a package; take a name that Python can import"
    return ""


def _generated(arguments: argparse.Namespace) -> tuple[Registry, Outcome]:
    from otel_trading.catalogue import generate
    from otel_trading.catalogue.reading import ours, read
    from otel_trading.catalogue.released import path_for

    progress, clear = progress_line()
    try:
        progress("reading otel_trading's own registry")
        registry = ours()
        if arguments.directory is None:
            return registry, generate.write(generate.ROOT, generate.of_ours(), check=arguments.check)
        registry = read(arguments.directory, registry, progress)
        out = arguments.out or path_for(arguments.directory).with_name("instruments")
        files = generate.of_users(registry, arguments.directory, out)
        return registry, generate.write(Path(), files, check=arguments.check)
    finally:
        clear()


def _refused(error: Exception, as_json: bool) -> int:
    from otel_trading.cli.check import mistake_rows

    if as_json:
        told = {"mistakes": mistake_rows(error), "current": False}
        print_json(told)
    else:
        sys.stderr.write(f"{error}\n")
    return 1


def _say(outcome: Outcome, check: bool, listed: str | None) -> None:
    for path in outcome.changed:
        print(f"{'not current' if check else 'written'}: {path}")
    for path in outcome.removed:
        print(f"{'left over' if check else 'removed'}: {path}")
    if listed:
        print(f"written: {listed}")
    elif not outcome.changed and not outcome.removed:
        print("everything is current")
