"""`otel-trading check`: whether a registry of names and a configuration can be used, with every mistake."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otel_trading.cli.command import Subparsers, print_json, progress_line

if TYPE_CHECKING:
    from otel_trading.catalogue.model import Registry


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command and its options."""
    found = subparsers.add_parser(
        "check",
        help="check a registry of names and a configuration, and list every mistake with its line",
        description="Reads a registry directory and the directory 'rules' beside it, and compares the registry with "
        "its last release; resolves the configuration as init() does in this environment, or from a declarative file. "
        "Exit code 0: no mistakes; 1: mistakes; 2: wrong usage.",
    )
    found.add_argument("directory", type=Path, nargs="?", metavar="DIRECTORY", help="default: otel_trading's own")
    found.add_argument("--config", metavar="FILE", help="a declarative configuration file (default: OTEL_CONFIG_FILE)")
    found.add_argument("--json", action="store_true", help="one JSON document")
    found.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Checks both and prints; returns the exit code."""
    if arguments.directory is not None and not arguments.directory.is_dir():
        sys.stderr.write(f"otel-trading check: {arguments.directory} is no directory. See otel-trading check --help.\n")
        return 2
    registry, configuration = _registry(arguments.directory), _configuration(arguments.config)
    wrong = bool(registry["mistakes"] or configuration["mistakes"])
    if arguments.json:
        told = {"ok": not wrong, "registry": registry, "configuration": configuration}
        print_json(told)
    else:
        _say("registry", registry)
        _say("configuration", configuration)
    return 1 if wrong else 0


def _registry(directory: Path | None) -> dict[str, Any]:
    from otel_trading.catalogue.compatibility import compare
    from otel_trading.catalogue.mistakes import RegistryError
    from otel_trading.catalogue.reading import OURS, ours, read

    progress, clear = progress_line()
    try:
        progress("reading otel_trading's own registry")
        found = ours() if directory is None else read(directory, ours(), progress)
        mistakes, compared = compare(found, directory or OURS)
        progress("reading the rules")
        told = _rules(found, directory)
    except RegistryError as error:
        return {"mistakes": mistake_rows(error), "says": []}
    finally:
        clear()
    counts = {"metrics": found.metrics, "spans": found.spans, "events": found.events, "attributes": found.attributes}
    counted = ", ".join(f"{len(entries)} {kind}" for kind, entries in counts.items())
    return {"mistakes": mistake_rows(RegistryError(mistakes)), "says": [f"{counted}.", compared, *told]}


def _rules(registry: Registry, directory: Path | None) -> list[str]:
    """How many alerts there are, if any; raises RegistryError if the rules have mistakes."""
    from otel_trading.catalogue import rules
    from otel_trading.catalogue.released import path_for
    from otel_trading.catalogue.rules.promql import ParserMissing

    try:
        if directory is None:
            found = rules.ours()
        else:
            found, _ = rules.of_users(registry, path_for(directory).with_name(rules.BESIDE))
    except ParserMissing as missing:
        return [f"The rules were not read: {missing}"]
    alerts = sum(len(one.alerts) for one in found)
    return [f"{alerts} alerts in {len(found)} files of rules."] if found else []


def mistake_rows(error: Any) -> list[dict[str, Any]]:
    """The mistakes of a RegistryError for JSON, each with the sentence that is printed."""
    return [
        {
            "file": one.place.file,
            "line": one.place.line,
            "path": one.place.path,
            "rule": one.rule,
            "found": one.found,
            "fix": one.fix,
            "message": str(one),
        }
        for one in error.mistakes
    ]


def _configuration(file: str | None) -> dict[str, Any]:
    from otel_trading.config.plan_file import from_file
    from otel_trading.config.resolve import resolve
    from otel_trading.ground.errors import ConfigurationError

    try:
        config, warnings = resolve({}, file)
        if config.file is not None:
            from_file(config)
    except ConfigurationError as error:
        rows = [
            {
                "knob": one.knob,
                "source": one.source,
                "rule": one.rule,
                "found": one.value,
                "fix": one.advice,
                "message": str(one),
            }
            for one in error.problems
        ]
        return {"mistakes": rows, "says": []}
    source = "the environment" if config.file is None else config.file.path
    return {"mistakes": [], "says": [f"From {source}.", *(f"Warning: {warning}" for warning in warnings)]}


def _say(what: str, found: dict[str, Any]) -> None:
    mistakes = found["mistakes"]
    count = f"{len(mistakes)} mistakes" if len(mistakes) > 1 else "1 mistake" if mistakes else "no mistakes"
    print(f"{what}: {count}.{''.join(f' {line}' for line in found['says'])}")
    for mistake in mistakes:
        print(f"  {mistake['message']}")
