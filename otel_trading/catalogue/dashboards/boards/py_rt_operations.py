"""Rows of system 002's first dashboard: Real-Time Trading Operations."""

from __future__ import annotations

from otel_trading.catalogue.dashboards.model import Kind, Panel, Query, Row, Source, Step
from otel_trading.catalogue.rules.parameters import Parameters

_LATENCY = "execution_engine_order_submission_latency_us_bucket"
_SUBMITTED = "execution_engine_orders_submitted_total"


def rows(parameters: Parameters) -> tuple[Row, ...]:
    """The four rows of the drawing and one more."""
    return (
        Row("KEY METRICS", _key_metrics(parameters)),
        Row("LATENCY DISTRIBUTION", (_heatmap(),)),
        Row("THROUGHPUT", (_rate("Orders/sec", _SUBMITTED, "status"), _signals())),
        Row("ERROR TRACKING", (_errors(), _recent())),
        Row("Not in the drawing", (_positions(), _quantiles(), _success(), _value())),
    )


def _source(panel: str, section: str = "5.1") -> tuple[Source, ...]:
    return (Source("002", section, panel),)


def _key_metrics(parameters: Parameters) -> tuple[Panel, ...]:
    loss = float(parameters.values["max_daily_loss_usd"])
    most = float(parameters.values["max_open_positions"])
    signed = (Step("red"), Step("orange", -loss), Step("yellow", -0.8 * loss), Step("green", 0))
    return (
        _number("Open P&L", "sum(trading_unrealized_pnl_usd)", "currencyUSD", *signed, change=True),
        _number("Realized P&L", "sum(trading_realized_pnl_usd)", "currencyUSD", *signed),
        _number("Open Positions", "trading_open_positions_count", "short", Step("green"), Step("red", most)),
        _number(
            "Order Fill Rate",
            "avg(trading_order_fill_rate)",
            "percentunit",
            *(Step("red"), Step("yellow", 0.95), Step("green", 0.99)),
        ),
    )


def _number(title: str, expr: str, unit: str, *steps: Step, change: bool = False) -> Panel:
    return Panel(title, "stat", (Query(expr, title),), unit=unit, steps=steps, change=change, sources=_source(title))


def _heatmap() -> Panel:
    title = "Order Submission Latency (p50/p95/p99)"
    return Panel(
        title,
        "heatmap",
        (Query(f"sum by (le) (increase({_LATENCY}[5m]))"),),
        unit="µs",
        interval="5m",
        description="Its quantiles are lines of a panel in the last row: a heatmap shows buckets.",
        sources=_source(title),
    )


def _rate(title: str, name: str, by: str) -> Panel:
    query = Query(f"sum by ({by}) (rate({name}[1m]))", f"{{{{{by}}}}}")
    return Panel(title, "timeseries", (query,), unit="cps", minimum=0, sources=_source(title))


def _signals() -> Panel:
    return _rate("Signals/sec", "signal_bridge_signals_generated_total", "signal_type")


def _errors() -> Panel:
    query = Query("sum(rate(execution_engine_api_failures_total[5m])) by (service)", "{{service}}")
    return Panel(
        "Error Rate",
        "timeseries",
        (query,),
        unit="cps",
        style="stacked",
        minimum=0,
        description="The label service comes from the scrape job: the metric has none.",
        sources=(*_source("Error Rate"), *_source("Query 4: Error Rate by Service", "5.2")),
    )


def _recent() -> Panel:
    query = Query(
        "log.level:(error OR critical)",
        was="level:ERROR",
        why="A log record has its level as severity_text, found by the name log.level; there is a field level only "
        "where Elasticsearch was given this system's names (load.sh --profile py_rt).",
    )
    return Panel("Recent Errors", "table", logs=query, rows=10, sources=_source("Recent Errors"))


def _positions() -> Panel:
    title = "Current Positions"
    query = Query("sum by (symbol, side) (trading_position_value_usd)")
    return Panel(title, "table", (query,), unit="currencyUSD", sources=_source(title, "9.1"))


def _quantiles() -> Panel:
    shown = (("0.50", "p50"), ("0.95", "p95"), ("0.99", "p99"))
    queries = tuple(Query(f"histogram_quantile({of}, rate({_LATENCY}[5m]))", name) for of, name in shown)
    title = "Query 1: Order Submission Latency (p50/p95/p99)"
    return _extra("Order Submission Latency", "timeseries", queries, "µs", title)


def _success() -> Panel:
    query = Query(
        f'100 * (sum(rate({_SUBMITTED}{{status="success"}}[5m])) / sum(rate({_SUBMITTED}[5m])))',
        "success",
        was=f'100 * (rate({_SUBMITTED}{{status="success"}}[5m]) / rate({_SUBMITTED}[5m]))',
        why="Both sides are matched label by label, so each success is divided by itself and the answer is always 100.",
    )
    return _extra("Order Success Rate", "timeseries", (query,), "percent", "Query 2: Order Success Rate")


def _value() -> Panel:
    query = Query("sum(trading_position_value_usd)", "all positions")
    return _extra("Current Portfolio Value", "stat", (query,), "currencyUSD", "Query 3: Current Portfolio Value")


def _extra(title: str, kind: Kind, queries: tuple[Query, ...], unit: str, panel: str) -> Panel:
    return Panel(title, kind, queries, unit=unit, sources=_source(panel, "5.2"))
