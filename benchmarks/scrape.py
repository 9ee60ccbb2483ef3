"""What a scrape costs, and whether the trading thread feels it, against prometheus_client.

python benchmarks/scrape.py [--rounds N] [--gap-rounds N] [--gap-seconds S] [--large N] [--json]

Pages: 500 histograms of 20 buckets, in interleaved rounds: CPU time of the scraping thread for a whole page, the
median over the rounds and its quartiles; the ratio is of medians. A large page (100,000 series) is ours only, since
prometheus_client needs half a minute for one.

Gaps: a loop of steps of 2 us on the main thread, while another thread scrapes every 0.5 s; nobody (a thread that sleeps
as long as our page takes), prometheus_client and ours in turn. Counted are steps of more than 2 ms while a scrape was
going on, and all of them: what lies outside of scrapes, and in nobody's turn, is the machine's own.

Memory: what a series with 20 buckets adds to the process in a child, its cell, its entry of the page and the page
itself included; and the share of the entry.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from otel_trading.hotpath import EngineMissing, choose
from otel_trading.metrics.exposition import Exposition
from otel_trading.metrics.live import LiveStream, Series

BOUNDS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1e3, 2.5e3, 5e3, 1e4, 2.5e4, 5e4, 1e5, 2.5e5, 5e5, 1e6, 1e7)
SERIES = 500
STEP_NS = 2_000
GAP_NS = 2_000_000
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
OPENMETRICS = "application/openmetrics-text;version=1.0.0"
Page = Callable[[], int]
"""Makes a whole page; returns its bytes."""


def ours(engine: Any, count: int) -> Exposition:
    """Histograms with as many series in one stream."""
    stream = LiveStream(InstrumentationScope("bench"), "order.latency", "us", "Latency.", "explicit", BOUNDS)
    bounds, keys = engine.Bounds(BOUNDS), ("side", "symbol")
    for number in range(count):
        cell = engine.Cell("order.latency")
        cell.configure("explicit", bounds=bounds)
        for value in (3, 30.5, 3000):
            cell.record(value + number)
        stream.series.append(Series(keys, ("buy", f"SYM{number}"), cell))
    return Exposition(engine, lambda: ([stream], None), Resource({"service.name": "bench"}))


def page_of(exposition: Exposition, accept: str = "") -> Page:
    """Taken part by part, as the server does."""

    def page() -> int:
        return sum(len(part) for part in exposition.render(accept)[1])

    return page


def compressed_page_of(exposition: Exposition) -> Page:
    """With gzip."""

    def page() -> int:
        return sum(len(part) for part in exposition.page({"accept-encoding": "gzip"})[1] if isinstance(part, bytes))

    return page


def client(count: int) -> Page:
    """prometheus_client with the same series."""
    registry = CollectorRegistry()
    histogram = Histogram("order_latency", "Latency.", ["side", "symbol"], buckets=BOUNDS, registry=registry)
    for number in range(count):
        child = histogram.labels("buy", f"SYM{number}")
        for value in (3, 30.5, 3000):
            child.observe(value + number)
    return lambda: len(generate_latest(registry))


def timed(page: Page) -> float:
    """Milliseconds of this thread."""
    began = time.thread_time_ns()
    page()
    return (time.thread_time_ns() - began) / 1e6


def pages(rounds: int) -> list[dict[str, Any]]:
    """Quartiles by page, and the ratio to prometheus_client."""
    named: dict[str, Page] = {"prometheus_client": client(SERIES)}
    for name in ("native", "python"):
        try:
            exposition = ours(choose(name), SERIES)
        except EngineMissing as error:
            sys.stderr.write(f"{error}\n")
            continue
        named[f"{name}: text"] = page_of(exposition)
        named[f"{name}: OpenMetrics"] = page_of(exposition, OPENMETRICS)
        named[f"{name}: protobuf"] = page_of(exposition, PROTOBUF)
        if name == "native":
            named["native: text, gzip"] = compressed_page_of(exposition)
    samples: dict[str, list[float]] = {name: [] for name in named}
    for number in range(rounds + 1):
        for name, page in named.items():
            taken = timed(page)
            if number:  # the first warms up
                samples[name].append(taken)
    yardstick = statistics.median(samples["prometheus_client"])
    return [row(name, values, yardstick) for name, values in samples.items()]


def row(name: str, values: list[float], yardstick: float) -> dict[str, Any]:
    low, median, high = statistics.quantiles(values, n=4)
    return {"page": name, "ms": median, "low_ms": low, "high_ms": high, "faster": yardstick / median}


def large(count: int, rounds: int) -> list[dict[str, Any]]:
    """A large page: the first, where labels are worked out, and later ones."""
    exposition = ours(choose(), count)
    page = page_of(exposition)
    first = timed(page)
    later = [timed(page) for _ in range(rounds)]
    return [
        {"page": f"{count:,} series, first", "ms": first},
        {**row(f"{count:,} series", later, 1.0), "bytes": page()},
    ]


def gaps(page: Page, seconds: float) -> dict[str, Any]:
    """Steps of more than 2 ms, those during scrapes and the longest of these, and the scrapes."""
    stop = threading.Event()
    clock = time.perf_counter_ns
    scrapes: list[tuple[int, int]] = []

    def scrape() -> None:
        while not stop.wait(0.5):
            began = clock()
            page()
            scrapes.append((began, clock()))

    thread = threading.Thread(target=scrape)
    thread.start()
    found: list[tuple[int, int]] = []
    last = clock()
    ends = last + int(seconds * 1e9)
    while last < ends:
        target = last + STEP_NS
        while (now := clock()) < target:
            pass
        if now - last > GAP_NS:
            found.append((last, now))
        last = now
    stop.set()
    thread.join()
    during = [end - begin for begin, end in found if any(begin < done and began < end for began, done in scrapes)]
    return {"all": len(found), "gaps": len(during), "longest_ms": max(during, default=0) / 1e6, "scrapes": len(scrapes)}


def sleep() -> int:
    """What a scrape would take that needs neither GIL nor processor."""
    time.sleep(0.002)
    return 0


def felt(rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Gaps of nobody, of prometheus_client and of ours, in turn."""
    named: dict[str, Page] = {
        "nobody": sleep,
        "prometheus_client": client(SERIES),
        f"{choose().NAME}: text": page_of(ours(choose(), SERIES)),
    }
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in named}
    for page in named.values():
        page()
    gc.collect()
    gc.freeze()
    for _ in range(rounds):
        for name, page in named.items():
            found[name].append(gaps(page, seconds))
    return [
        {
            "scrapes by": name,
            "gaps": sum(one["gaps"] for one in values),
            "all": sum(one["all"] for one in values),
            "longest_ms": max(one["longest_ms"] for one in values),
            "scrapes": sum(one["scrapes"] for one in values),
            "seconds": seconds * rounds,
        }
        for name, values in found.items()
    ]


_CHILD = """
import gc, json, sys
sys.path.insert(0, {folder!r})
import scrape
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
engine = scrape.choose()
scrape.page_of(scrape.ours(engine, 100))()
gc.collect()
before = resident()
exposition = scrape.ours(engine, {count})
cells = resident()
scrape.page_of(exposition)()
after = resident()
entries = sum(sys.getsizeof(kept.family) for book in exposition._books.values() for kept in book._kept.values())
print(json.dumps(dict(all=(after - before) / {count}, cells=(cells - before) / {count}, entry=entries / {count})))
"""


def memory(count: int) -> dict[str, float]:
    """Bytes a series, in a process of its own."""
    code = _CHILD.format(folder=__file__.rpartition("/")[0], count=count)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def main() -> int:
    """Runs and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20, help="interleaved rounds of pages (default 20)")
    parser.add_argument("--gap-rounds", type=int, default=12, help="turns of the loop (default 12)")
    parser.add_argument("--gap-seconds", type=float, default=5.0, help="of each turn (default 5)")
    parser.add_argument("--large", type=int, default=100_000, help="series of the large page (default 100,000)")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of tables")
    arguments = parser.parse_args()
    found = {
        "python": sys.version.split()[0],
        "pages": pages(max(2, arguments.rounds)),
        "large": large(arguments.large, 3),
        "memory": memory(arguments.large),
        "gaps": felt(arguments.gap_rounds, arguments.gap_seconds),
    }
    if arguments.json:
        print(json.dumps(found))
    else:
        show(found)
    return 0


def show(found: dict[str, Any]) -> None:
    """Tables."""
    print(f"{f'page of {SERIES} series x {len(BOUNDS)} buckets':34} {'ms':>9} {'quartiles':>19} {'x faster':>9}")
    for one in found["pages"]:
        quartiles = f"{one['low_ms']:.2f} - {one['high_ms']:.2f}"
        print(f"{one['page']:34} {one['ms']:9.2f} {quartiles:>19} {one['faster']:9.1f}")
    for one in found["large"]:
        print(f"{one['page']:34} {one['ms']:9.1f}")
    told = found["memory"]
    print(f"memory a series: {told['all']:.0f} bytes, of which its entry of the page {told['entry']:.0f}")
    print(f"\n{'scrapes by':34} {'scrapes':>9} {'gaps > 2 ms':>12} {'longest ms':>11} {'all gaps':>9}")
    for one in found["gaps"]:
        line = f"{one['scrapes by']:34} {one['scrapes']:9} {one['gaps']:12} {one['longest_ms']:11.2f} {one['all']:9}"
        print(line)


if __name__ == "__main__":
    raise SystemExit(main())
