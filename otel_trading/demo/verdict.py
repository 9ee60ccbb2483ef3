"""What a run has shown, as one JSON document, and whether that is what a run has to show."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from otel_trading.demo.scrape import Endpoint
from otel_trading.demo.services import MARKET_DATA, ORDER_STAGES, SERVICES
from otel_trading.viewer.reader import StoreReader, TraceSummary
from otel_trading.viewer.rows import Span


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a run has to show; `detail` is what was found."""

    name: str
    ok: bool
    detail: str


def orders(reader: StoreReader, since_ns: int) -> dict[str, Any]:
    """Counts the newest 10,000 ended orders of a run: by terminal status, and those whose whole story is there."""
    statuses: Counter[str] = Counter()
    complete = 0
    for summary in reader.ended_orders(since_ns=since_ns, limit=10_000):
        statuses[str(summary.order_status)] += 1
        complete += reader.is_complete(summary, ORDER_STAGES)
    return {"ended": statuses.total(), "complete": complete, "by_status": dict(sorted(statuses.items()))}


def example(reader: StoreReader, since_ns: int) -> dict[str, Any] | None:
    """Returns the newest complete order with its spans, its log lines and the tick it links to; None without one."""
    summary = reader.newest_complete_order(ORDER_STAGES, since_ns=since_ns)
    if summary is None:
        return None
    spans = reader.spans(summary.trace_id)
    return {
        "trace_id": summary.trace_id,
        "status": summary.order_status,
        "client_order_id": _client_order_id(spans),
        "duration_ms": round(summary.duration_ns / 1e6, 3),
        "services": list(summary.services),
        "spans": [_span(span) for span in spans],
        "ticks": [_span(tick) for tick in linked_ticks(reader, summary, spans)],
        "logs": [
            {"service": line.service, "span_id": line.span_id, "body": line.body}
            for line in reader.logs_of_trace(summary.trace_id)
        ],
    }


def linked_ticks(reader: StoreReader, summary: TraceSummary, spans: list[Span]) -> list[Span]:
    """Returns the spans in other traces that this trace links to, as far as the store has them."""
    found = [
        reader.span(link.trace_id, link.span_id)
        for span in spans
        for link in span.links
        if link.trace_id != summary.trace_id
    ]
    return [span for span in found if span is not None]


def checks(found_orders: dict[str, Any], correlated: dict[str, int], endpoints: dict[str, Endpoint]) -> list[Check]:
    """Returns the three things a run has to show: complete orders, correlated logs, metrics of each service."""
    complete = found_orders["complete"]
    results = [Check("complete_orders", complete > 0, f"{complete} complete orders in the store")]
    for name in (MARKET_DATA, *ORDER_STAGES):
        lines = correlated.get(name, 0)
        results.append(Check(f"correlated_logs.{name}", lines > 0, f"{lines} log lines with a span in the store"))
    for service in SERVICES:
        endpoint = endpoints.get(service.name)
        latest = endpoint.latest if endpoint else None
        count = len(latest.nonzero) if latest else 0
        why = "" if count else f" ({endpoint.state if endpoint else 'it never told its address'})"
        results.append(Check(f"metrics.{service.name}", count > 0, f"{count} series other than zero{why}"))
    return results


def metrics(endpoints: dict[str, Endpoint]) -> dict[str, Any]:
    """Returns for each service its address, state, count, and quantiles in milliseconds."""
    found: dict[str, Any] = {}
    for service in SERVICES:
        endpoint = endpoints.get(service.name)
        if endpoint is None:
            continue
        latest = endpoint.latest
        found[service.name] = {
            "url": endpoint.url,
            "state": endpoint.state,
            "nonzero_series": sorted(latest.nonzero) if latest else [],
            service.counter: latest.values.get(service.counter, 0.0) if latest else 0.0,
            "p50_ms": _milliseconds(endpoint.quantile(service.duration, 0.50)),
            "p99_ms": _milliseconds(endpoint.quantile(service.duration, 0.99)),
        }
    return found


def as_json(results: list[Check]) -> list[dict[str, Any]]:
    """Returns the checks for the document."""
    return [asdict(check) for check in results]


def _span(span: Span) -> dict[str, Any]:
    return {
        "name": span.name,
        "service": span.service,
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "kind": span.kind,
        "start_ns": str(span.start_ns),  # as text: many readers of JSON round beyond 2**53
        "duration_ns": span.duration_ns,
        "links": [{"trace_id": link.trace_id, "span_id": link.span_id} for link in span.links],
    }


def _client_order_id(spans: list[Span]) -> str | None:
    for span in spans:
        value = span.attributes.get("trading.order.client_id")
        if value is not None:
            return str(value)
    return None


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 4)
