"""The dashboard of telemetry's own health: what the services record and show, what collectors take, keep and lose."""

from __future__ import annotations

from pathlib import PurePosixPath

from otel_trading.catalogue.dashboards.links import logs, runbook
from otel_trading.catalogue.dashboards.model import Dashboard, Panel, Query, Row
from otel_trading.catalogue.dashboards.promql import canonical, quantile, rate
from otel_trading.catalogue.rules.parameters import Parameters


def dashboards(parameters: Parameters) -> tuple[Dashboard, ...]:
    """The one dashboard."""
    return (
        Dashboard(
            PurePosixPath("trading/telemetry.json"),
            "otel-trading-telemetry",
            "Telemetry itself",
            "What the services record, and what the collectors take, keep, send and lose.",
            (Row("Collectors", _collectors(), 2), Row("Services", _services(), 3)),
            links=(runbook(parameters, "telemetry"), logs("Logs of collectors", "service.name:otelcol*")),
        ),
    )


def _collectors() -> tuple[Panel, ...]:
    return (
        _line("Spans taken by collectors, a second", _taken("spans"), "{{instance}} {{receiver}}", "cps"),
        _line("Log records taken by collectors, a second", _taken("log_records"), "{{instance}} {{receiver}}", "cps"),
        _line(
            "What waits in the queues",
            "sum by (instance, exporter) (otelcol_exporter_queue_size)",
            "{{instance}} {{exporter}}",
        ),
        _sent(),
        _line(
            "Lost within five minutes",
            "sum by (instance, signal, how) (telemetry:lost:increase5m)",
            "{{signal}} {{instance}}: {{how}}",
        ),
        _line(
            "Documents refused by Elasticsearch within five minutes",
            "sum by (instance, error_type) (telemetry:refused_documents:increase5m)",
            "{{instance}} {{error_type}}",
        ),
        _line("Memory of the collectors", "otelcol_process_memory_rss_bytes", "{{instance}}", "bytes"),
        _line("Targets that cannot be scraped", "count by (job) (up == 0)", "{{job}}"),
    )


def _sent() -> Panel:
    """One query a signal: an exporter that sends both has a line for each."""
    queries = tuple(
        Query(
            f"sum by (instance, exporter) (rate(otelcol_exporter_sent_{signal}_total[1m]))",
            f"{{{{instance}}}} {{{{exporter}}}}: {signal.replace('_', ' ')}",
        )
        for signal in ("spans", "log_records")
    )
    return Panel("Sent, a second", "timeseries", queries, unit="cps", minimum=0)


def _taken(signal: str) -> str:
    return f"sum by (instance, receiver) (rate(otelcol_receiver_accepted_{signal}_total[1m]))"


def _services() -> tuple[Panel, ...]:
    spent = rate(canonical("otel_trading.scrape.render.time"), "job", "instance")
    return (
        _line(
            "Measurements, a second",
            rate(canonical("otel_trading.metrics.measurements"), "outcome"),
            "{{outcome}}",
            "cps",
        ),
        _line("Series", f"sum by (job, instance) ({canonical('otel_trading.metrics.series')})", "{{job}} {{instance}}"),
        _line("Overflows, a second", rate(canonical("otel_trading.metrics.overflows"), "job"), "{{job}}", "cps"),
        _line(
            "Memory of series",
            f"sum by (job, instance) ({canonical('otel_trading.metrics.memory')})",
            "{{job}} {{instance}}",
            "bytes",
        ),
        _line("Share of the time spent on rendering pages", spent, "{{job}} {{instance}}", "percentunit"),
        _line(
            "Scrapes, a second", rate(canonical("otel_trading.scrapes"), "job", "outcome"), "{{job}} {{outcome}}", "cps"
        ),
        _line(
            "Pauses of the garbage collector, p99",
            quantile(0.99, canonical("otel_trading.runtime.gc.pause.duration"), "job", "instance"),
            "{{job}} {{instance}}",
            "s",
        ),
        _line(
            "Share of the time spent on collecting garbage",
            rate(f"{canonical('otel_trading.runtime.gc.pause.duration')}_sum", "job", "instance"),
            "{{job}} {{instance}}",
            "percentunit",
        ),
    )


def _line(title: str, expr: str, legend: str, unit: str = "short") -> Panel:
    return Panel(title, "timeseries", (Query(expr, legend),), unit=unit, minimum=0)
