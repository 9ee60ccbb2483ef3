"""The board for capacity: what is in use now, and what will be at the horizon if it goes on like the last hour."""

from __future__ import annotations

from pathlib import PurePosixPath

from otel_trading.catalogue.dashboards.links import runbook
from otel_trading.catalogue.dashboards.model import Dashboard, Panel, Query, Row, Source, Step
from otel_trading.catalogue.dashboards.promql import canonical, legend, rate
from otel_trading.catalogue.prometheus_names import label
from otel_trading.catalogue.rules.parameters import Parameters

_SOURCES = (Source("000", "12.2", "Capacity planning metrics"), Source("002", "8", "capacity planning metrics"))


def dashboards(parameters: Parameters) -> tuple[Dashboard, ...]:
    """The one dashboard."""
    horizon = int(float(parameters.values["capacity_horizon_s"]))
    queue, component = label("trading.queue.name"), label("trading.component")
    rows = (
        Row("Queues", _pair("trading.queue.utilization", "Queues in use", "percentunit", (queue, component), horizon)),
        Row("Threads", _pair("trading.thread.utilization", "Threads in use", "percentunit", (component,), horizon)),
        Row("Memory", _pair("trading.component.memory", "Memory of components", "bytes", (component,), horizon)),
        Row(
            "Arena", _pair("trading.matching.arena.utilization", "Arena of matching in use", "percentunit", (), horizon)
        ),
        Row("Load", _load()),
        Row("Prometheus", _prometheus(), 3),
    )
    return (
        Dashboard(
            PurePosixPath("trading/capacity.json"),
            "otel-trading-capacity",
            "Capacity",
            "What runs full, and when.",
            rows,
            refresh="1m",
            back="6h",
            links=(runbook(parameters, "trading"),),
            sources=_SOURCES,
        ),
    )


def _pair(name: str, title: str, unit: str, by: tuple[str, ...], horizon_s: int) -> tuple[Panel, ...]:
    series, said = canonical(name), legend(*by) or "all"
    grouped = f"max by ({', '.join(by)})" if by else "max"
    shares = unit == "percentunit"
    steps = (Step("green"), Step("yellow", 0.8), Step("red", 1)) if shares else ()
    now = Query(f"{grouped} ({series})", said)
    then = Query(f"{grouped} (predict_linear({series}[1h], {horizon_s}))", said)
    hours = f"{horizon_s / 3600:g} hours"
    return (
        Panel(title, "timeseries", (now,), unit=unit, minimum=0, steps=steps, sources=_SOURCES),
        Panel(f"{title}: in {hours}", "timeseries", (then,), unit=unit, steps=steps, sources=_SOURCES),
    )


def _load() -> tuple[Panel, ...]:
    venue = label("trading.venue")
    return tuple(
        Panel(title, "timeseries", (Query(rate(canonical(name), venue), legend(venue)),), unit="cps", sources=_SOURCES)
        for title, name in (
            ("Messages of market data, a second", "trading.md.received"),
            ("Orders, a second", "trading.order.submitted"),
            ("Fills, a second", "trading.fill.received"),
        )
    )


def _prometheus() -> tuple[Panel, ...]:
    samples = Query("sum by (job) (scrape_samples_scraped)", "{{job}}")
    return (
        Panel("Series in memory", "timeseries", (Query("prometheus_tsdb_head_series", "{{instance}}"),)),
        Panel("Samples of a scrape", "timeseries", (samples,)),
        Panel(
            "Time of a scrape", "timeseries", (Query("max by (job) (scrape_duration_seconds)", "{{job}}"),), unit="s"
        ),
    )
