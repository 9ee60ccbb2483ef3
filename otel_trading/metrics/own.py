"""What the engine tells of itself, as metrics: the semantic convention's where it has a name, `otel_trading.*` else."""

from __future__ import annotations

from collections.abc import Iterable

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics.export import MetricReader

from otel_trading import sdk
from otel_trading.ground.versions import version
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.metrics.engine import engine
from otel_trading.metrics.exposition import Exposition
from otel_trading.metrics.histogram_view import HistogramView

VIEWS = (HistogramView("otel.sdk.*.duration", boundaries=[0.0001, 0.001, 0.01, 0.1, 1.0, 10.0]),)
"""The convention gives no boundaries, and the specification's are no seconds."""
SCOPE = "otel_trading.telemetry"


def tell(provider: CellMeterProvider, readers: Iterable[MetricReader], pages: Exposition | None) -> None:
    """Creates the instruments of a provider about itself; they are read at each collection, and cost nothing else.

    Args:
        provider: whose they are.
        readers: whose collections are timed.
        pages: of /metrics; None if nothing is served.
    """
    for reader in readers:
        sdk.measure_reader(reader, provider)
    meter = provider.get_meter(SCOPE, version("otel-trading"))

    def measurements(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(_recorded(provider), {"outcome": "recorded"})
        for reason, count in engine.refusals().items():
            yield Observation(count, {"outcome": reason})

    def series(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(sum(len(stream) for stream in provider.streams()))

    def overflowed(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(sum(stream.overflowed for stream in provider.streams()))

    def memory(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(provider.budget.used_bytes)

    meter.create_observable_counter(
        "otel_trading.metrics.measurements",
        [measurements],
        "{measurement}",
        "Measurements by outcome: recorded, or why not.",
    )
    meter.create_observable_up_down_counter("otel_trading.metrics.series", [series], "{series}", "Series in use.")
    meter.create_observable_counter(
        "otel_trading.metrics.overflows",
        [overflowed],
        "{lookup}",
        "Look-ups of attributes that found no room and went to otel.metric.overflow.",
    )
    meter.create_observable_up_down_counter(
        "otel_trading.metrics.memory", [memory], "By", "Memory that the series take, estimated."
    )
    if pages is not None:
        _tell_scrapes(meter, pages)


def _tell_scrapes(meter: Meter, pages: Exposition) -> None:
    def served(_: CallbackOptions) -> Iterable[Observation]:
        for kind, count in list(pages.scrapes.pages.items()):
            yield Observation(count, {"outcome": "whole", "format": kind})
        yield Observation(pages.scrapes.broken, {"outcome": "broken"})

    meter.create_observable_counter("otel_trading.scrapes", [served], "{scrape}", "Pages by outcome and format.")
    meter.create_observable_counter(
        "otel_trading.scrape.size", [lambda _: [Observation(pages.scrapes.bytes)]], "By", "Bytes before compression."
    )
    meter.create_observable_counter(
        "otel_trading.scrape.collection.time",
        [lambda _: [Observation(pages.scrapes.collect_ns / 1e9)]],
        "s",
        "Time of all collections for pages, callbacks included.",
    )
    meter.create_observable_counter(
        "otel_trading.scrape.render.time",
        [lambda _: [Observation(pages.scrapes.render_ns / 1e9)]],
        "s",
        "Time of all rendering, waiting for clients not included.",
    )


def _recorded(provider: CellMeterProvider) -> int:
    """Measurements in the cells; each is counted in the first of the cells that it was fed to."""
    return sum(
        storage.taken + sum(series.cell.snapshot()[0] for series in storage.live.series[:])
        for storage in (stream.storages[0] for stream in provider.streams())
    )
