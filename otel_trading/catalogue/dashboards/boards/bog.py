"""The dashboard of system 004, five rows of three as its document lists them, and a row of what it leaves out."""

from __future__ import annotations

from pathlib import PurePosixPath

from otel_trading.catalogue.dashboards import by_kind
from otel_trading.catalogue.dashboards.links import logs, runbook
from otel_trading.catalogue.dashboards.model import Dashboard, Panel, Query, Row, Shown, Source, Step
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.metrics.profiles.reading import read

_SECTION = "Grafana Dashboards"
_MORE = ("bog_tick_to_trade_ns", "bog_volume_usd", "bog_sequence_gap_size", "bog_stale_data_age_us")
_ALSO = ("bog_fills_dropped_total", "bog_trades_total", "bog_spread_bps", "bog_position_drift")


def dashboards(parameters: Parameters) -> tuple[Dashboard, ...]:
    """The one dashboard."""
    return (
        Dashboard(
            PurePosixPath("bog/production.json"),
            "otel-trading-bog-production",
            "Bog Trading - Production",
            "The main trading dashboard of a market maker.",
            (_latency(), _activity(), _position(parameters), _health(), _quality(), _more()),
            refresh="5s",
            links=(runbook(parameters, "bog"), logs("Logs", "service.name:bog*")),
            sources=(Source("004", _SECTION), Source("004", "JSON Export")),
        ),
    )


def _source(panel: str) -> tuple[Source, ...]:
    return (Source("004", _SECTION, panel),)


def _latency() -> Row:
    ticks = "Tick processing: P50, P99, Max"
    return Row(
        "Latency",
        (
            Panel(
                ticks,
                "timeseries",
                (
                    Query("bog:tick_processing_ns:p50", "P50"),
                    Query("bog:tick_processing_ns:p99", "P99"),
                    Query("bog_tick_processing_max_ns", "Max"),
                ),
                unit="ns",
                label="Latency (ns)",
                description="Tick Processing Latency in the document's JSON, whose alert is a rule here.",
                steps=(Step("green"), Step("yellow", 1_000), Step("red", 10_000)),
                sources=(*_source(ticks), Source("004", "JSON Export", "Tick Processing Latency")),
            ),
            _histogram("Strategy calc latency histogram", "bog_strategy_calc_ns"),
            _histogram("Execution latency histogram", "bog_execution_ns"),
        ),
    )


def _histogram(title: str, name: str) -> Panel:
    query = Query(f"sum by (le) (increase({name}_bucket[$__range]))")
    return Panel(title, "histogram", (query,), description="By upper bound in ns.", sources=_source(title))


def _activity() -> Row:
    signals, orders, fills = "Signals/min by type", "Orders placed/min", "Fills/min"
    return Row(
        "Trading Activity",
        (
            Panel(
                signals,
                "timeseries",
                (Query("sum by (action) (rate(bog_signals_total[1m])) * 60", "{{action}}"),),
                style="stacked",
                minimum=0,
                sources=_source(signals),
            ),
            Panel(
                orders,
                "timeseries",
                (Query("sum by (side) (rate(bog_orders_placed[1m])) * 60", "{{side}}"),),
                style="bars",
                minimum=0,
                sources=_source(orders),
            ),
            Panel(
                fills,
                "timeseries",
                (Query("bog:fills_per_minute", "{{side}}"),),
                minimum=0,
                sources=_source(fills),
            ),
        ),
    )


def _position(parameters: Parameters) -> Row:
    most = float(parameters.values["max_position_btc"])
    loss = float(parameters.values["bog_max_daily_loss_usd"])
    near = (Step("red"), Step("yellow", -most), Step("green", -0.9 * most), Step("yellow", 0.9 * most))
    position, daily, realized = "Current position", "Daily PnL", "Realized PnL"
    return Row(
        "Position & PnL",
        (
            Panel(
                position,
                "gauge",
                (Query("bog_position_btc", "BTC"),),
                unit="suffix: BTC",
                minimum=-most,
                maximum=most,
                steps=(*near, Step("red", most)),
                sources=_source(position),
            ),
            Panel(
                daily,
                "stat",
                (Query("bog_daily_pnl_usd", "USD"),),
                unit="currencyUSD",
                steps=(Step("red"), Step("orange", -loss), Step("yellow", -0.8 * loss), Step("green", 0)),
                sources=_source(daily),
            ),
            Panel(
                realized,
                "timeseries",
                (Query("bog_realized_pnl_usd", "USD"),),
                unit="currencyUSD",
                sources=_source(realized),
            ),
        ),
    )


def _health() -> Row:
    breaker, queue, corrections = "Circuit breaker state", "Fill queue depth", "Position corrections"
    return Row(
        "System Health",
        (
            Panel(
                breaker,
                "stat",
                (Query("bog_circuit_breaker_state", "state"),),
                values={0: Shown("CLOSED", "green"), 1: Shown("HALF_OPEN", "yellow"), 2: Shown("OPEN", "red")},
                sources=_source(breaker),
            ),
            Panel(
                queue,
                "gauge",
                (Query("100 * bog_fill_queue_depth / bog_fill_queue_capacity", "of capacity"),),
                unit="percent",
                minimum=0,
                maximum=100,
                steps=(Step("green"), Step("yellow", 20), Step("red", 80)),
                sources=_source(queue),
            ),
            Panel(
                corrections,
                "stat",
                (Query("bog_position_corrections_total", "corrections"),),
                sources=_source(corrections),
            ),
        ),
    )


def _quality() -> Row:
    feed, gaps, stale = "Feed latency P99", "Sequence gaps/min", "Stale data incidents/min"
    return Row(
        "Data Quality",
        (
            Panel(
                feed,
                "timeseries",
                (Query("histogram_quantile(0.99, sum by (le) (rate(bog_feed_latency_us_bucket[1m])))", "P99"),),
                unit="µs",
                steps=(Step("green"), Step("yellow", 1_000)),
                sources=_source(feed),
            ),
            Panel(
                gaps,
                "timeseries",
                (Query("rate(bog_sequence_gaps_total[1m]) * 60", "gaps"),),
                minimum=0,
                steps=(Step("green"), Step("yellow", 5)),
                sources=_source(gaps),
            ),
            Panel(
                stale,
                "timeseries",
                (Query("rate(bog_stale_data_total[1m]) * 60", "incidents"),),
                minimum=0,
                sources=_source(stale),
            ),
        ),
    )


def _more() -> Row:
    known = {one.name: by_kind.of_profile(one) for one in read("bog").metrics}
    velocity = Query("bog:pnl_velocity_usd_per_min", "USD/min")
    recorded = (
        Panel("Ticks a second", "timeseries", (Query("bog:ticks_per_second", "ticks"),), unit="cps"),
        Panel("PnL velocity", "timeseries", (velocity,), unit="suffix: USD/min"),
    )
    return Row("Not in the drawing", (*recorded, *(by_kind.series(known[name]) for name in (*_ALSO, *_MORE))))
