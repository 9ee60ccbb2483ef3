"""The dashboard of system 003, whose document asks for one and draws none: every metric, and its targets as limits."""

from __future__ import annotations

from pathlib import PurePosixPath

from otel_trading.catalogue.dashboards import by_kind
from otel_trading.catalogue.dashboards.links import logs, runbook
from otel_trading.catalogue.dashboards.model import Dashboard, Panel, Query, Row, Source, Step
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.metrics.profiles.reading import read

_SOURCE = (Source("003", "Implementation Priority 4"),)
_TARGETS = {"candle_processing": 0.05, "signal_generation": 0.01, "order_execution": 0.005} | {
    "event_bus_publish": 0.001,
    "event_bus_handle": 0.001,
}
"""Seconds, of the document's Key Metrics Collected."""


def dashboards(parameters: Parameters) -> tuple[Dashboard, ...]:
    """The one dashboard, with the title of the document."""
    return (
        Dashboard(
            PurePosixPath("perf/performance.json"),
            "otel-trading-perf-performance",
            "Performance Metrics System",
            "Latencies of an asynchronous trader against their targets.",
            (
                Row("SLA compliance", (_kept(), *_each("perf_events_total", "perf_gc_pause_duration_seconds")), 3),
                Row("Latency", tuple(_latency(name, target) for name, target in _TARGETS.items()), 3),
                Row("Quantiles over the last minute", tuple(_windows(name) for name in _TARGETS), 3),
                Row("System health", _each("perf_queue_backlog_depth", "perf_component_memory_bytes"), 2),
            ),
            refresh="30s",
            links=(runbook(parameters, "perf"), logs("Logs", "service.name:*")),
            sources=_SOURCE,
        ),
    )


def _kept() -> Panel:
    return Panel(
        "Share of events within their target",
        "gauge",
        (Query("perf_sla_compliance_ratio", "{{event}}"),),
        unit="percentunit",
        minimum=0,
        maximum=1,
        steps=(Step("red"), Step("yellow", 0.95), Step("green", 0.99)),
        sources=_SOURCE,
    )


def _each(*names: str) -> tuple[Panel, ...]:
    known = {one.name: by_kind.of_profile(one) for one in read("perf").metrics}
    return tuple(by_kind.series(known[name], _SOURCE) for name in names)


def _latency(name: str, target: float) -> Panel:
    [panel] = _each(f"perf_{name}_duration_seconds")
    return by_kind.limited(panel, ("red", target))


def _windows(name: str) -> Panel:
    words = name.replace("_", " ")
    query = Query(f'perf_{name}_quantile_seconds{{window="1m"}}', "{{quantile}}")
    return Panel(f"{words[0].upper()}{words[1:]}: P50 to P99.9", "timeseries", (query,), unit="s", sources=_SOURCE)
