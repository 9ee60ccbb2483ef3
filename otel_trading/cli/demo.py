"""`otel-trading demo`: four services, one order's story across them, on one screen."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from otel_trading.cli.command import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """Adds the command and its options."""
    found = subparsers.add_parser(
        "demo",
        help="run four small trading services and watch an order's trace, logs and metrics",
        description="Runs market data, signal, risk and execution in four processes on loopback, with an embedded "
        "OTLP receiver and store. The store lies in the user's cache directory and stays until the next run.",
    )
    found.add_argument(
        "--duration",
        type=_positive,
        metavar="S",
        help="seconds, counted from the moment all services run (default: until Ctrl-C or the recording's end)",
    )
    found.add_argument(
        "--rate", type=_positive, default=200.0, metavar="N", help="ticks a second (default: %(default)g)"
    )
    found.add_argument(
        "--seed", type=int, default=7, metavar="N", help="of the market and all chance (default: %(default)d)"
    )
    found.add_argument(
        "--replay",
        type=Path,
        metavar="FILE",
        help='instead of the simulated market a recording of Binance USD-M futures: "local_ns json" lines, '
        "plain or gzip, sent at --rate",
    )
    found.add_argument(
        "--json",
        action="store_true",
        help="no screen, one JSON document at the end; exit code 1 unless there are complete orders, correlated log "
        "lines of each service and metrics other than zero from each",
    )
    found.add_argument("--store", type=Path, metavar="PATH", help="file of the store (default: in the run's directory)")
    found.add_argument("--keep", action="store_true", help="keep this run's store; without it the next run removes it")
    found.add_argument(
        "--stack",
        action="store_true",
        help="send to a real collector instead of the embedded receiver, read back from Jaeger and Elasticsearch, and "
        "print the pages of the newest order; where they are: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRADING_JAEGER_URL, "
        "_ELASTICSEARCH_URL, _KIBANA_URL, _PROMETHEUS_URL (default: their usual ports on loopback)",
    )
    found.add_argument(
        "--metrics",
        choices=("scrape", "otlp"),
        default="scrape",
        help="with --stack: Prometheus scrapes the services, or they send metrics to the collector as well "
        "(default: %(default)s)",
    )
    found.add_argument(
        "--prometheus-targets",
        type=Path,
        metavar="FILE",
        help="with --stack: a file_sd file of Prometheus that gets the addresses of the services' /metrics",
    )
    found.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the demo; see `otel_trading.demo.run.run` for the exit code."""
    from otel_trading.demo.run import run as run_demo
    from otel_trading.demo.session import Options

    return run_demo(
        Options(
            duration_s=arguments.duration,
            rate=arguments.rate,
            seed=arguments.seed,
            replay=arguments.replay,
            as_json=arguments.json,
            store=arguments.store,
            keep=arguments.keep,
        ),
        stack=arguments.stack,
        by_otlp=arguments.metrics == "otlp",
        targets=arguments.prometheus_targets,
    )


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"must be a number above 0; was '{text}'")
    return value
