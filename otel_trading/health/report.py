"""What /health answers: the application's checks decide the status, telemetry's own trouble only degrades it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from otel_trading.health.answer import Page
from otel_trading.health.checks import Verdict, run_all


def report(service: str, verdicts: Mapping[str, Verdict], troubles: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    """Status code and JSON document.

    503 only when a check of the application fails. Trouble of telemetry itself is 200 with `degraded` and reasons, so
    that nobody restarts a trader because a collector is down.

    Args:
        service: name of the service.
        verdicts: what the checks said.
        troubles: what is wrong with telemetry, by name; empty for nothing.
    """
    failed = [name for name, verdict in verdicts.items() if not verdict.passed]
    status = "failing" if failed else "degraded" if troubles else "ok"
    return (503 if failed else 200), {
        "status": status,
        "service": service,
        "checks": {
            name: {
                "status": "ok" if verdict.passed else "failing",
                "detail": verdict.detail,
                "duration_ms": round(verdict.duration_ms, 3),
            }
            for name, verdict in verdicts.items()
        },
        "telemetry": {"status": "degraded" if troubles else "ok", "reasons": dict(troubles)},
    }


def health_page(service: str, troubles: Callable[[], Mapping[str, Any]]) -> Page:
    """The page that the server serves."""

    def page(_headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        code, document = report(service, run_all(), troubles())
        body = orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE, default=str)
        return code, body, {"Content-Type": "application/json"}

    return page
