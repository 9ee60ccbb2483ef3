"""Metrics in Prometheus, scraped from the service itself."""

from __future__ import annotations

import pytest
from backend_stores import Stack, wait_until
from conftest import ORDERS, Work

pytestmark = pytest.mark.backends


def test_metrics_of_a_service_arrive_with_value_and_labels(stack: Stack, work: Work) -> None:
    """Counter and histogram, under the names that the documentation gives, each as one series."""
    wait_until(lambda: stack.series("trading_orders_total"), 30)
    [(labels, orders)] = stack.series("trading_orders_total")
    assert orders == ORDERS
    assert (labels["job"], labels["trading_venue"]) == ("services", "binance")

    [(labels, count)] = stack.series("risk_check_duration_seconds_count")
    assert (count, labels["risk_check_type"]) == (ORDERS, "position_limit")
    [(_, total)] = stack.series("risk_check_duration_seconds_sum")
    assert total == pytest.approx(ORDERS * 0.002)


def test_the_service_is_known_by_name(stack: Stack, work: Work) -> None:
    """By target_info, which joins to every series of the same target."""
    wait_until(lambda: stack.series('target_info{job="services"}'), 30)
    [(labels, _)] = stack.series('target_info{job="services"}')
    assert (labels["service_name"], labels["deployment_environment_name"]) == ("strategy", "test")


def test_the_collector_is_watched(stack: Stack, work: Work) -> None:
    """Its own counters are the ground for alerts on loss."""
    wait_until(lambda: stack.series("otelcol_exporter_sent_spans_total"), 30)
    assert [value for _, value in stack.series('up{job="collector"}')] == [1.0]
    for name in ("otelcol_exporter_queue_size", "otelcol_receiver_accepted_log_records_total"):
        wait_until(lambda name=name: stack.series(name), 30)
