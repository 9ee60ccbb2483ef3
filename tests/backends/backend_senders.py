"""OTLP as any program sends it, written out, so that every name and moment is the test's own."""

from __future__ import annotations

import secrets
import time
from typing import Any

from backend_stores import ask

MILLISECOND = 1_000_000


def text_attribute(key: str, value: str) -> dict[str, Any]:
    """One attribute in OTLP's JSON."""
    return {"key": key, "value": {"stringValue": value}}


def span(
    name: str,
    trace_id: str,
    parent: str = "",
    *,
    kind: int = 1,
    ms: float = 1.0,
    error: bool = False,
    **attributes: str,
) -> dict[str, Any]:
    """A span that has just ended; kinds as OTLP numbers them, 3 is a client and 2 a server."""
    now = time.time_ns()
    return {
        "traceId": trace_id,
        "spanId": secrets.token_hex(8),
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(now - int(ms * MILLISECOND)),
        "endTimeUnixNano": str(now),
        "attributes": [text_attribute(key.replace("_", "."), value) for key, value in attributes.items()],
        "status": {"code": 2, "message": "failed"} if error else {},
    }


def send_spans(endpoint: str, service: str, spans: list[dict[str, Any]]) -> None:
    """One request."""
    resource = {"attributes": [text_attribute("service.name", service)]}
    ask(
        f"{endpoint}/v1/traces",
        {"resourceSpans": [{"resource": resource, "scopeSpans": [{"scope": {}, "spans": spans}]}]},
    )


def send_log(endpoint: str, service: str, text: str, *attributes: dict[str, Any], at_ns: int | None = None) -> None:
    """One log record, one request."""
    record = {
        "timeUnixNano": str(at_ns or time.time_ns()),
        "body": {"stringValue": text},
        "attributes": list(attributes),
    }
    resource = {"attributes": [text_attribute("service.name", service)]}
    scopes = [{"scope": {}, "logRecords": [record]}]
    ask(f"{endpoint}/v1/logs", {"resourceLogs": [{"resource": resource, "scopeLogs": scopes}]})


def send_gauge(endpoint: str, service: str, name: str, value: float, *attributes: dict[str, Any]) -> None:
    """One data point, one request."""
    point = {"timeUnixNano": str(time.time_ns()), "asDouble": value, "attributes": list(attributes)}
    resource = {"attributes": [text_attribute("service.name", service)]}
    metrics = [{"name": name, "gauge": {"dataPoints": [point]}}]
    ask(f"{endpoint}/v1/metrics", {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]})
