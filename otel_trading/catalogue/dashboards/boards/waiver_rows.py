"""Which metrics of system 000 stand in which row, and the limits that its alert tables give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from otel_trading.catalogue.dashboards.model import Step
from otel_trading.catalogue.rules.parameters import Parameters

WATCHED: Final = (
    "waiver_whistle_tick_duration_seconds",
    "waiver_queue_overflow_count_total",
    "waiver_router_queue_full_errors_total",
    "waiver_execution_events_dropped_total",
    "waiver_system_system_health",
    "waiver_system_error_rate",
    "waiver_queue_utilization",
    "waiver_resource_memory_usage",
    "waiver_resource_cpu_usage",
    "waiver_whistle_arena_utilization",
    "waiver_throughput_orders_per_second",
    "waiver_market_symbol_orders_total",
)
_MOST_OF_IT: Final = (Step("green"), Step("yellow", 0.8))
LIMITS: Final[Mapping[str, tuple[Step, ...]]] = {
    "waiver_whistle_tick_duration_seconds": (Step("green"), Step("yellow", 0.00005), Step("red", 0.0001)),
    "waiver_latency_tick_duration_seconds": (Step("green"), Step("yellow", 0.00005), Step("red", 0.0001)),
    "waiver_system_system_health": (Step("red"), Step("green", 95)),
    "waiver_queue_utilization": _MOST_OF_IT,
    "waiver_resource_memory_usage": _MOST_OF_IT,
    "waiver_resource_cpu_usage": _MOST_OF_IT,
    "waiver_system_memory_usage": _MOST_OF_IT,
    "waiver_system_cpu_usage": _MOST_OF_IT,
    "waiver_whistle_arena_utilization": (Step("green"), Step("yellow", 0.9)),
}


def limits(name: str, parameters: Parameters) -> tuple[Step, ...]:
    """The limits of a metric; empty for one that no table names."""
    if name != "waiver_system_error_rate":
        return LIMITS.get(name, ())
    warning, critical = parameters.values["error_ratio_warning"], parameters.values["error_ratio_critical"]
    return (Step("green"), Step("yellow", float(warning)), Step("red", float(critical)))


ROWS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "System Overview": {
        "Health": (
            "waiver_system_system_health",
            "waiver_system_error_rate",
            "waiver_system_uptime_seconds",
        ),
        "Latency and throughput": (
            "waiver_latency_tick_duration_seconds",
            "waiver_latency_order_duration_seconds",
            "waiver_throughput_orders_per_second",
        ),
        "Business": (
            "waiver_system_total_trades_total",
            "waiver_system_total_volume_total",
            "waiver_system_active_accounts",
            "waiver_system_market_depth",
            "waiver_coordinator_symbols_active",
        ),
        "Resources": (
            "waiver_system_cpu_usage",
            "waiver_system_memory_usage",
            "waiver_system_disk_io_bytes",
            "waiver_system_network_io_bytes",
            "waiver_queue_utilization",
        ),
    },
    "Trading Activity": {
        "Trades": (
            "waiver_trading_total_trades_total",
            "waiver_trading_total_volume_total",
            "waiver_trading_average_trade_size",
            "waiver_trading_trade_frequency_seconds",
            "waiver_trading_price_impact",
            "waiver_throughput_trades_per_second",
        ),
        "Market": (
            "waiver_market_order_book_depth",
            "waiver_market_bid_ask_spread",
            "waiver_market_market_volatility",
            "waiver_market_liquidity_ratio",
            "waiver_market_symbol_activity",
            "waiver_market_symbol_orders_total",
        ),
        "Matching": (
            "waiver_whistle_orders_processed_total",
            "waiver_whistle_trades_executed_total",
            "waiver_whistle_trade_volume_total",
            "waiver_whistle_average_trade_size",
            "waiver_whistle_order_rejections_total",
            "waiver_whistle_self_match_preventions_total",
            "waiver_whistle_price_levels_active",
            "waiver_router_orders_routed_total",
        ),
    },
    "Performance": {
        "Throughput": (
            "waiver_whistle_orders_per_second",
            "waiver_throughput_events_per_second",
            "waiver_throughput_peak_throughput",
            "waiver_throughput_sustained_throughput",
            "waiver_whistle_orders_processed_per_tick",
            "waiver_execution_batch_sizes",
        ),
        "Latency by stage": (
            "waiver_latency_routing_duration_seconds",
            "waiver_latency_execution_duration_seconds",
            "waiver_latency_queue_duration_seconds",
        ),
        "Matching": (
            "waiver_whistle_tick_duration_seconds",
            "waiver_whistle_order_lookup_duration_seconds",
        ),
        "Coordinator": (
            "waiver_coordinator_symbol_processing_duration_seconds",
            "waiver_coordinator_activation_duration_seconds",
            "waiver_coordinator_eviction_duration_seconds",
            "waiver_coordinator_queue_wiring_duration_seconds",
            "waiver_coordinator_thread_spawn_duration_seconds",
        ),
        "Router": (
            "waiver_router_routing_duration_seconds",
            "waiver_router_enqueue_duration_seconds",
            "waiver_router_enqueue_sequence",
        ),
        "Execution manager": (
            "waiver_execution_processing_duration_seconds",
            "waiver_execution_enqueue_duration_seconds",
            "waiver_execution_dequeue_duration_seconds",
            "waiver_execution_tick_flush_duration_seconds",
            "waiver_execution_tick_skew_seconds",
            "waiver_execution_tick_completion_duration_seconds",
        ),
    },
    "Infrastructure": {
        "Resources": (
            "waiver_resource_cpu_usage",
            "waiver_resource_memory_usage",
            "waiver_resource_disk_usage",
            "waiver_resource_network_usage",
            "waiver_resource_thread_count",
            "waiver_resource_file_descriptors",
        ),
        "Queues": (
            "waiver_queue_depth",
            "waiver_queue_capacity",
            "waiver_queue_overflow_count_total",
            "waiver_queue_underflow_count_total",
        ),
        "Matching and coordinator": (
            "waiver_whistle_arena_utilization",
            "waiver_whistle_arena_allocation_failures_total",
            "waiver_coordinator_thread_utilization",
            "waiver_coordinator_memory_per_symbol_bytes",
            "waiver_coordinator_cpu_usage_per_symbol",
            "waiver_coordinator_symbols_activated_total",
            "waiver_coordinator_symbols_evicted_total",
        ),
        "Router": (
            "waiver_router_queue_depth",
            "waiver_router_queue_capacity",
            "waiver_router_backpressure_hits_total",
            "waiver_router_queue_full_errors_total",
            "waiver_router_routing_errors_total",
            "waiver_router_invalid_symbol_errors_total",
            "waiver_router_order_validation_errors_total",
        ),
        "Execution manager": (
            "waiver_execution_queue_depth",
            "waiver_execution_queue_capacity",
            "waiver_execution_backpressure_events_total",
            "waiver_execution_events_processed_total",
            "waiver_execution_events_dropped_total",
            "waiver_execution_replay_events_sent_total",
            "waiver_execution_analytics_events_sent_total",
            "waiver_execution_ui_events_sent_total",
            "waiver_execution_downstream_errors_total",
        ),
    },
}
