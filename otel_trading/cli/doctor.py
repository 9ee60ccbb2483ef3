"""`otel-trading doctor`: sends a canary through the configured route and names the hop that loses it."""

from __future__ import annotations

import argparse
import math
import os
import sys
from typing import TYPE_CHECKING

from otel_trading.cli.command import Subparsers, print_json, progress_line
from otel_trading.config.knobs import KNOBS

if TYPE_CHECKING:
    from otel_trading.doctor.examination import Patient

_ADDRESSES = {
    "jaeger_url": "Jaeger's query API",
    "elasticsearch_url": "Elasticsearch",
    "kibana_url": "Kibana, for a link",
    "prometheus_url": "Prometheus",
    "collector_health_url": "the collector's health check",
    "collector_metrics_url": "the collector's metrics of itself",
}
_SHORTEST_S = 5.0


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command and its options."""
    found = subparsers.add_parser(
        "doctor",
        help="send a canary span, log record and metric, look for them in the stores, and name the hop that loses them",
        description="Resolves the configuration as init() does in this environment, checks what surrounds it, sends "
        "one span, one log record and one metric as the service otel-trading-doctor, and looks for them in Jaeger, "
        "Elasticsearch and Prometheus. A store without an address is skipped. Exit code 0: nothing failed; 1: "
        "something did; 2: the configuration is wrong.",
    )
    found.add_argument("--file", metavar="PATH", help="a declarative configuration file (default: OTEL_CONFIG_FILE)")
    found.add_argument("--json", action="store_true", help="one JSON document")
    found.add_argument(
        "--timeout", type=_seconds, default=30.0, metavar="S", help="limit for all of it in seconds (default: 30)"
    )
    for knob, what in _ADDRESSES.items():
        found.add_argument(
            "--" + knob.replace("_", "-"), metavar="URL", help=f"{what} (default: {KNOBS[knob].environment})"
        )
    found.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Examines and prints; returns the exit code."""
    from otel_trading.doctor.examination import Refused, examine
    from otel_trading.doctor.report import text
    from otel_trading.ground.errors import ConfigurationError

    progress, clear = progress_line()
    try:
        report = examine(_patient(arguments), arguments.timeout, progress)
    except (ConfigurationError, Refused) as error:
        clear()
        sys.stderr.write(f"{error}\n")
        return 2
    clear()
    if arguments.json:
        print_json(report.as_dict())
    else:
        sys.stdout.write(text(report, colours=sys.stdout.isatty() and "NO_COLOR" not in os.environ))
    return report.exit_code


def _patient(arguments: argparse.Namespace) -> Patient:
    from otel_trading.config.resolve import resolve
    from otel_trading.doctor.examination import Patient

    given = {knob: getattr(arguments, knob) for knob in _ADDRESSES}
    config, warnings = resolve(given, arguments.file)
    return Patient(config, warnings, arguments.file, dict(os.environ))


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= _SHORTEST_S):
        raise argparse.ArgumentTypeError(f"must be a number of at least {_SHORTEST_S:g}; was '{text}'")
    return value
