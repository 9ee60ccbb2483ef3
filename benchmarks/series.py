"""What a series takes in a whole provider: a histogram of 20 buckets with two attributes, ours and others'.

python benchmarks/series.py [--series N] [--json]

Resident memory of a process of its own for each, before and after the series were made by unbound calls, and after a
first page. Attribute values are made beforehand. benchmarks/footprint.py has the share of cell and table alone.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.metrics.engine import engine
from otel_trading.metrics.exposition import Exposition
from otel_trading.metrics.scraping import ScrapeReader, of_cells

BOUNDS = [float(bound) for bound in range(19)]
PAGE = os.sysconf("SC_PAGE_SIZE")

Record = Callable[[dict[str, str]], object]


def resident() -> int:
    """Bytes."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def ours(most: int) -> tuple[Record, Callable[[], object]]:
    """As `init()` builds it for /metrics; records, and makes a page."""
    reader = ScrapeReader()
    provider = CellMeterProvider([reader], shutdown_on_exit=False, cardinality_limit=most, memory_limit_bytes=1 << 40)
    made = provider.get_meter("bench").create_histogram("latency", explicit_bucket_boundaries_advisory=BOUNDS)
    pages = Exposition(engine, of_cells(provider, reader), Resource.get_empty())
    return lambda one: made.record(3.5, one), lambda: sum(len(part) for part in pages.render("")[1])


def sdk(most: int) -> tuple[Record, Callable[[], object]]:
    """The SDK's provider; its page is a collection."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    made = provider.get_meter("bench").create_histogram("latency", explicit_bucket_boundaries_advisory=BOUNDS)
    return lambda one: made.record(3.5, one), reader.get_metrics_data


def prometheus_client(most: int) -> tuple[Record, Callable[[], object]]:
    """Its labels are bound at each call."""
    registry = CollectorRegistry()
    made = Histogram("latency", "Latency.", ["venue", "client"], buckets=BOUNDS, registry=registry)
    return lambda one: made.labels(**one).observe(3.5), lambda: len(generate_latest(registry))


MAKERS = {"ours": ours, "sdk": sdk, "prometheus_client": prometheus_client}


def measured(name: str, series: int) -> dict[str, float]:
    """Bytes a series, in this process."""
    record, page = MAKERS[name](series + 10)
    attributes = [{"venue": "binance", "client": f"client-{number}"} for number in range(series)]
    record({"venue": "binance", "client": "first"})
    page()
    before = resident()
    for one in attributes:
        record(one)
    recorded = resident()
    page()
    return {"recorded": (recorded - before) / series, "shown": (resident() - before) / series}


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--only", choices=list(MAKERS), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measured(arguments.only, arguments.series)))
        return 0
    found = {}
    for name in MAKERS:
        command = [sys.executable, __file__, "--only", name, "--series", str(arguments.series)]
        found[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    if arguments.json:
        print(json.dumps({"series": arguments.series, "engine": engine.NAME, "bytes": found}))
        return 0
    print(f"{'bytes a series':24} {'recorded':>10} {'shown too':>10}")
    for name, sizes in found.items():
        print(f"{name:24} {sizes['recorded']:10.0f} {sizes['shown']:10.0f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
