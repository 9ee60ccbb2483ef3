"""What a series of the provider takes, from its cell to its entry of the page; `benchmarks/footprint.py` has the rest."""

from __future__ import annotations

import gc
import sys
import tracemalloc

import pytest
from opentelemetry.sdk.resources import Resource

from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.metrics.engine import engine
from otel_trading.metrics.exposition import Exposition
from otel_trading.metrics.live import Series
from otel_trading.metrics.scraping import ScrapeReader, of_cells

MANY = 20_000
BOUNDS = tuple(map(float, range(19)))
native = pytest.mark.skipif(engine.NAME != "native", reason="the twin is not small")


def test_series_keeps_two_values_in_five_times_sixteen_bytes() -> None:
    """With what the collector adds: one slot more costs 16 bytes a series."""
    made = Series(("client", "venue"), ("client-1", "binance"), engine.Cell("c"))
    assert sys.getsizeof(made) <= 80


@native
def test_series_with_twenty_buckets_is_small_in_all() -> None:
    """Cell, attributes, lookup and a page; texts are the application's."""
    reader = ScrapeReader()
    provider = CellMeterProvider([reader], shutdown_on_exit=False, cardinality_limit=MANY + 2)
    histogram = provider.get_meter("m").create_histogram("h", "us", explicit_bucket_boundaries_advisory=BOUNDS)
    exposition = Exposition(engine, of_cells(provider, reader), Resource({}))
    attributes = [{"venue": "binance", "client": f"client-{number}"} for number in range(MANY)]
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for one in attributes:
            histogram.record(3, one)
        assert sum(map(len, exposition.render()[1])) > MANY * 100
        gc.collect()
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        provider.shutdown()
    assert taken / MANY <= 400
