"""What a series takes in memory: a histogram of 20 buckets behind two attributes, as the engine keeps it.

python benchmarks/footprint.py [--series N] [--offered N] [--json]

Each figure is of a process of its own: resident memory before and after. First that of the whole: an instrument of
the MeterProvider, its limits raised, recorded into and shown on one page of the endpoint, which stays ready for the
next one; and distinct label values offered to one with the usual limit of 2,000 series, with the bytes of the page
afterwards. Then that of the engine alone, which many figures of the tests are about: series made through a table, and
label values offered to one that remembers 2,000. Below stands what the parts take, rounded as CPython's allocator
rounds them. Attribute values are made beforehand: they are the application's, and shared by everything that refers to
them.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from opentelemetry.sdk.resources import Resource

from otel_trading.hotpath import EngineMissing, choose
from otel_trading.metrics.cell_provider import CARDINALITY_LIMIT, CellMeterProvider
from otel_trading.metrics.engine import engine
from otel_trading.metrics.exposition import Exposition
from otel_trading.metrics.live import Series
from otel_trading.metrics.scraping import ScrapeReader, of_cells

BUCKETS = 20
WARM_SERIES = 10_000
BOUNDS = tuple(float(bound) for bound in range(BUCKETS - 1))
PAGE = os.sysconf("SC_PAGE_SIZE")
FIGURES = {
    "whole": ("bytes a series in all, {series:,} of them, page included", 400),
    "whole_offered": ("MiB more for {offered:,} label values offered", 32),
    "whole_page": ("MiB of the page after that", 8),
    "series": ("engine alone: bytes a series", 400),
    "armed": ("engine alone: the same with exemplars", 400),
    "offered": ("engine alone: MiB more for values offered", 32),
}
"""What it is, and the most it may be."""


def resident() -> int:
    """Bytes, without what the C library keeps for later: how much that is depends on what was freed before."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def whole(limit: int) -> tuple[Any, Exposition]:
    """A histogram of a provider with so many series at most, and the pages that show it."""
    reader = ScrapeReader()
    provider = CellMeterProvider(
        [reader], shutdown_on_exit=False, cardinality_limit=limit, memory_limit_bytes=8 * 2**30
    )
    histogram = provider.get_meter("bench").create_histogram(
        "order.latency", "us", "Latency.", explicit_bucket_boundaries_advisory=BOUNDS
    )
    exposition = Exposition(engine, of_cells(provider, reader), Resource({"service.name": "bench"}))
    return histogram, exposition


def page_bytes(exposition: Exposition) -> int:
    """Of a whole page, taken part by part."""
    return sum(map(len, exposition.render()[1]))


def make_whole(number: int) -> float:
    """Bytes of resident memory a series of the provider, and of its page."""
    attributes = sets(number)
    warm, warm_page = whole(WARM_SERIES + 2)  # a page needs some MiB, however many series there are
    for one in attributes[:WARM_SERIES]:
        warm.record(1, one)
    page_bytes(warm_page)
    histogram, page = whole(number + 2)
    before = resident()
    for value in (1, 2.5, 7, 100.0, 19):
        for one in attributes:
            histogram.record(value, one)
    assert page_bytes(page) > number * 100 * BUCKETS
    return (resident() - before) / number


def offer_whole(number: int) -> tuple[float, float]:
    """MiB more for distinct values beyond the provider's limit, and those of the page."""
    histogram, page = whole(CARDINALITY_LIMIT)
    histogram.record(1, {"client": "first"})
    page_bytes(page)
    before = resident()
    for index in range(number):
        histogram.record(1, {"client": f"client-{index}"})
    size = page_bytes(page)
    return (resident() - before) / 2**20, size / 2**20


def sets(number: int) -> list[dict[str, Any]]:
    """Attributes of as many series."""
    return [{"venue": "binance", "client": f"client-{index}"} for index in range(number)]


def make_series(number: int, exemplars: bool) -> float:
    """Bytes of resident memory a series of the engine alone; each is recorded into five times."""
    bounds, attributes = engine.Bounds(BOUNDS), sets(number)

    def factory(given: dict[str, Any]) -> Any:
        made = engine.Cell("order.latency")
        made.configure("explicit", bounds=bounds, per_ns=1e-3, exemplars=exemplars, owner=engine)
        return made

    table = engine.Table(factory, number, "order.latency")
    before = resident()
    for value in (1, 2.5, 7, 100.0, 19):
        for one in attributes:
            table.record(value, one)
    grown = resident() - before
    assert len(table) == number
    return grown / number


def offer(number: int) -> float:
    """MiB more for distinct values beyond the limit of a table, which land in one cell."""
    overflow = engine.Cell("order.latency")
    overflow.configure("explicit", bounds=engine.Bounds(BOUNDS))
    table = engine.Table(lambda given: overflow, 2000, "order.latency")
    for index in range(10_000):
        table.record(1, {"client": f"first-{index}"})
    before = resident()
    for index in range(number):
        table.record(1, {"client": f"client-{index}"})
    assert overflow.snapshot()[0] == number + 10_000
    return (resident() - before) / 2**20


def rounded(size: int) -> int:
    """As CPython's allocator for small objects gives it."""
    return (size + 15) // 16 * 16


def doubled(least: int, size: int) -> int:
    """The first of `size`, twice that, and so on, that is not below `least`."""
    while size < least:
        size *= 2
    return size


def parts(number: int) -> dict[str, int]:
    """Bytes of each part of a native series with two attributes, calculated."""
    native: Any = choose("native")
    attributes = (("client", "venue"), ("client-1", "binance"))
    family = native.Family("histogram", (b"", b"", b""), (b"",) * 5, (b"",) * 5)
    shape = family.shape("explicit", (), attributes[0], BOUNDS)
    for index in range(number):
        family.add(shape, (f"client-{index}", "binance"), (1, 1, 1.0, (0,) * BUCKETS))
    return {
        "cell, with what the collector adds": rounded(sys.getsizeof(native.Cell("c"))),
        "counts, 16 bits each, and a pointer": rounded(8 + 2 * BUCKETS),
        "a byte a bucket for exemplars": rounded(8 + 3 * BUCKETS) - rounded(8 + 2 * BUCKETS),
        "series with its values": rounded(sys.getsizeof(Series(*attributes, native.Cell("c")))),
        "places in the list and the lookup": 9 + 8 * doubled(number * 4 // 3, 8) // number,
        "entry of the page": sys.getsizeof(family) // number,
    }


def only(asked: str) -> list[float]:
    """Figures of one kind, in this process."""
    what, number = asked.split(":")
    if what == "whole":
        return [make_whole(int(number))]
    if what == "whole_offered":
        return [*offer_whole(int(number))]
    return [offer(int(number)) if what == "offered" else make_series(int(number), what == "armed")]


def measured(name: str, series: int, offered: int) -> dict[str, float]:
    """Each in a process of its own."""
    found: list[float] = []
    environment = {**os.environ, "OTEL_TRADING_HOTPATH": name, "OTEL_METRICS_EXEMPLAR_FILTER": "trace_based"}
    for what in FIGURES:
        if what == "whole_page":
            continue  # comes with the one before it
        command = [sys.executable, __file__, "--only", f"{what}:{offered if 'offered' in what else series}"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        found += json.loads(done.stdout)
    return dict(zip(FIGURES, found, strict=True))


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=100_000)
    parser.add_argument("--offered", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(only(arguments.only)))
        return 0
    given = {"series": arguments.series, "offered": arguments.offered}
    try:
        calculated = parts(arguments.series)
    except EngineMissing as error:
        raise SystemExit(str(error)) from error
    found = {name: measured(name, **given) for name in ("native", "python")}
    if arguments.json:
        print(json.dumps({**given, "resident": found, "parts": calculated}))
        return 0
    print(f"{'resident memory':60} {'native':>10} {'python':>10} {'target':>10}")
    for what, (says, most) in FIGURES.items():
        numbers = f"{found['native'][what]:10.1f} {found['python'][what]:10.1f}"
        print(f"{says.format(**given):60} {numbers} {f'<= {most}':>10}")
    print("\nof a native series, calculated, in bytes")
    for part, size in calculated.items():
        print(f"{part:60} {size:10}")
    print(f"{'together':60} {sum(calculated.values()):10}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
