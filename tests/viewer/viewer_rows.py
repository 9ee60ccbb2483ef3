"""Rows with only the fields a test cares about."""

import time
from typing import Any

from otel_trading.viewer.rows import LogLine, Point, Span

TICK_TRACE, ORDER_TRACE = "a" * 32, "b" * 32


def span(number: int, **more: Any) -> Span:
    start_ns = time.time_ns()
    values: dict[str, Any] = {
        "trace_id": ORDER_TRACE,
        "span_id": f"{number:016x}",
        "parent_id": "",
        "name": "work",
        "kind": "internal",
        "service": "signal",
        "start_ns": start_ns,
        "end_ns": start_ns + 1_000,
    }
    return Span(**{**values, **more})


def log(body: str = "said", **more: Any) -> LogLine:
    values: dict[str, Any] = {
        "time_ns": time.time_ns(),
        "severity_number": 9,
        "severity": "info",
        "body": body,
        "event_name": "",
        "trace_id": "",
        "span_id": "",
        "service": "signal",
    }
    return LogLine(**{**values, **more})


def point(value: float | None, **more: Any) -> Point:
    values: dict[str, Any] = {
        "service": "signal",
        "name": "trading.signal.generated",
        "unit": "{signal}",
        "kind": "counter",
        "attributes": {"side": "buy"},
        "time_ns": time.time_ns(),
        "value": value,
    }
    return Point(**{**values, **more})


def order_story() -> list[Span]:
    """A complete order: tick, signal, risk, execution."""
    from otel_trading.viewer.rows import Link

    ids = {"trading.order.client_id": "C1-1", "trading.order.root_client_id": "C1-1"}
    return [
        span(1, trace_id=TICK_TRACE, name="md.receive SIMX", service="market-data", kind="consumer"),
        span(2, name="signal.generate momentum", links=(Link(TICK_TRACE, f"{1:016x}"),), attributes=ids),
        span(3, name="risk.check pretrade", service="risk", parent_id=f"{2:016x}", attributes=ids),
        span(4, name="order.submit SIMX", service="execution", parent_id=f"{3:016x}", attributes=ids),
        span(
            5,
            name="order.fill",
            service="execution",
            parent_id=f"{3:016x}",
            attributes={**ids, "trading.order.id": "V-9", "trading.execution.id": "X-7"},
        ),
        span(6, name="order filled", service="execution", parent_id=f"{3:016x}", attributes=ids),
    ]
