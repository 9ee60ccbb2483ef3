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
    found.add_argument(
        "--assets",
        type=Path,
        metavar="DIR",
        help="instead: write otel_trading's own rules, scrape jobs, dashboards, index templates, saved searches and "
        "runbooks there, as they are in collector-config of the checkout",
    )
    found.add_argument(
        "--parameters",
        type=Path,
        metavar="FILE",
        help="with --assets: YAML, under `parameters:` the limits and thresholds that differ, by name",
    )
    found.add_argument(
        "--profile",
        action="append",
        metavar="NAME",
        help="with --assets: only this system's, repeatable (default: all)",
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
    from otel_trading.catalogue.reading import OURS
    from otel_trading.ground.errors import OtelTradingError

    wrong = _wrong_usage(arguments, ROOT)
    if wrong:
        sys.stderr.write(f"otel-trading generate: {wrong}. See otel-trading generate --help.\n")
        return 2
    try:
        registry, outcome = _assets(arguments) if arguments.assets else _generated(arguments)
        listed = str(release(registry, arguments.directory or OURS)) if arguments.release else None
    except OtelTradingError as error:
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
    from otel_trading.config.knob import PROFILES

    if arguments.assets is not None:
        unknown = [name for name in arguments.profile or () if name not in PROFILES]
        if unknown:
            return f"--profile must be one of {', '.join(PROFILES)}; was {unknown[0]!r}"
        if arguments.directory is not None or arguments.out is not None or arguments.release:
            return "--assets writes otel_trading's own, so it goes without DIRECTORY, --out and --release"
        return ""
    if arguments.parameters is not None or arguments.profile:
        return "--parameters and --profile go with --assets; a DIRECTORY has rules/parameters.yaml beside it"
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


def _assets(arguments: argparse.Namespace) -> tuple[Registry, Outcome]:
    from otel_trading.catalogue import assets, generate
    from otel_trading.catalogue.reading import ours
    from otel_trading.catalogue.rules import settings
    from otel_trading.config.knob import PROFILES

    progress, clear = progress_line()
    try:
        progress("making rules, dashboards, searches and runbooks")
        parameters = settings.ours()
        if arguments.parameters is not None:
            parameters = settings.read(arguments.parameters, parameters, new=False)
        files = assets.files(parameters, arguments.profile or PROFILES)
        return ours(), generate.write(arguments.assets, files, check=arguments.check)
    finally:
        clear()


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
        mistakes = mistake_rows(error) if hasattr(error, "mistakes") else [{"message": str(error)}]
        print_json({"mistakes": mistakes, "current": False})
    elif hasattr(error, "mistakes"):
        sys.stderr.write(f"{error}\n")
    else:
        raise error
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
