"""What /health answers in the words of an existing system."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from otel_trading.health.answer import Page
from otel_trading.health.checks import run_all

TICK_P99_NS, BREAKER, DEPTH, CAPACITY, DRIFT = BOG_METRICS = (
    "bog_tick_processing_p99_ns",
    "bog_circuit_breaker_state",
    "bog_fill_queue_depth",
    "bog_fill_queue_capacity",
    "bog_position_drift",
)
"""What the page of bog is made of, by exported names."""
BREAKER_WORDS = {0: "CLOSED", 1: "HALF_OPEN", 2: "OPEN"}
MOST_TICK_P99_NS, MOST_DEPTH, MOST_DRIFT = 10_000, 0.8, 0.001


def text_page() -> Page:
    """`OK` with 200, or 503 with the names of the checks that fail."""

    def page(_headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        failed = _failed()
        body = b"OK" if not failed else f"failing: {', '.join(failed)}".encode()
        return (503 if failed else 200), body, {"Content-Type": "text/plain; charset=utf-8"}

    return page


def bog_page(values: Callable[[tuple[str, ...]], Mapping[str, float]]) -> Page:
    """Five fields and their judgement: `healthy` or `degraded`; 503 only where a check of the application fails.

    Args:
        values: from exported names to the numbers that were recorded.
    """

    def page(_headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        failed = _failed()
        document = bog_report(values(BOG_METRICS), sound=not failed)
        body = orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE)
        return (503 if failed else 200), body, {"Content-Type": "application/json"}

    return page


def bog_report(found: Mapping[str, float], *, sound: bool = True) -> dict[str, str | int | float]:
    """The document; what nobody recorded is 0.

    Args:
        found: numbers by exported name.
        sound: no check of the application fails.
    """
    tick_ns, breaker = round(found.get(TICK_P99_NS, 0)), round(found.get(BREAKER, 0))
    capacity = found.get(CAPACITY, 0.0)
    depth = found.get(DEPTH, 0.0) / capacity if capacity > 0 else 0.0
    drift = found.get(DRIFT, 0.0)
    healthy = tick_ns < MOST_TICK_P99_NS and breaker == 0 and depth < MOST_DEPTH and abs(drift) < MOST_DRIFT
    return {
        "status": "healthy" if healthy and sound else "degraded",
        "tick_latency_p99_ns": tick_ns,
        "circuit_breaker": BREAKER_WORDS.get(breaker, "UNKNOWN"),
        "fill_queue_depth": depth,
        "position_drift": drift,
    }


def _failed() -> list[str]:
    return [name for name, verdict in run_all().items() if not verdict.passed]
