"""The second hop of a span: from the collector into Jaeger. Pure: evidence in, finding out."""

from __future__ import annotations

from typing import Any

from otel_trading.doctor.collected import Passage
from otel_trading.doctor.finding import Finding, failed, ok, skipped, warning
from otel_trading.doctor.waiting import Search
from otel_trading.stores.errors import Cause, StoreError

NAME = "spans: collector to Jaeger"


_MOST_S = 2.0


def diagnose(search: Search[list[dict[str, Any]]], passage: Passage | None, began_ns: int) -> Finding:
    """The finding about the canary's span.

    Args:
        search: how the search ended.
        passage: what the collector's counters say; None without them.
        began_ns: what the sender stamped, nanoseconds since 1970.
    """
    if search.error is not None:
        return _unanswered(search.error)
    if search.found:
        count = len(search.found)
        if count > 1:
            cause = "Two ways lead there, or a batch was sent twice because its acknowledgement was lost."
            remedy = "Look for a second exporter of spans in the service and in the collector."
            return warning(NAME, f"the canary's span is there {count} times", cause, remedy, "duplicate")
        return _in_time(search, _start_ns(search.found[0], began_ns) - began_ns)
    cause, remedy = _lost(passage)
    return failed(NAME, f"the canary's span is not there after {search.seconds:.0f} s", cause, remedy, "span_lost")


def _in_time(search: Search[list[dict[str, Any]]], moved_ns: int) -> Finding:
    moved_s = moved_ns / 1e9
    if abs(moved_s) < _MOST_S:
        return ok(NAME, "the canary's span is there", search.seconds)
    cause = "A processor of the collector, or Jaeger's adjustment of clocks, rewrites times."
    remedy = "Set clocks by NTP instead, and look for such a processor."
    return warning(
        NAME, f"the canary's span is there, {moved_s:+.1f} s from when it was sent", cause, remedy, "time_changed"
    )


def _start_ns(span: dict[str, Any], otherwise: int) -> int:
    try:
        return int(span["startTimeUnixNano"])
    except (KeyError, TypeError, ValueError):
        return otherwise


def _unanswered(error: StoreError) -> Finding:
    if error.cause in (Cause.REFUSED, Cause.TIMEOUT, Cause.UNREACHABLE, Cause.CUT):
        cause = (
            "Jaeger does not run, or jaeger_url is not its address. Until it is back the collector keeps spans in its "
            "queue."
        )
        return failed(NAME, str(error), cause, "Start Jaeger, or correct OTEL_TRADING_JAEGER_URL.", "jaeger_down")
    cause = "jaeger_url leads to something else than Jaeger's query API."
    remedy = "Correct OTEL_TRADING_JAEGER_URL: port 16686, with the base path of a proxy."
    return failed(NAME, str(error), cause, remedy, "jaeger_url_wrong")


def _lost(passage: Passage | None) -> tuple[str, str]:
    if passage is None:
        return (
            "The collector took the span. It does not reach Jaeger, uses another one, or samples the span away.",
            "Set OTEL_TRADING_COLLECTOR_METRICS_URL and run doctor again: the collector's counters tell which.",
        )
    if passage.retrying or passage.failed:
        return (
            "The collector took the span and cannot hand it to Jaeger: spans wait in its queue or their export failed.",
            "Look at the collector's log and at its exporter's address (JAEGER_OTLP_GRPC_ADDRESS).",
        )
    if passage.accepted == 0:
        return (
            "Something else took the span than the collector whose counters were read: another one, or no collector.",
            "Compare OTEL_EXPORTER_OTLP_ENDPOINT with OTEL_TRADING_COLLECTOR_METRICS_URL.",
        )
    if passage.sent == 0:
        return (
            "The collector took the span and sent none: it sampled it away, or has not decided about the trace yet.",
            "Look at its tail sampling; give doctor a --timeout that is longer than decision_wait.",
        )
    return (
        "The collector passed spans on, and Jaeger has no canary: a gateway samples it away, or it is another one.",
        "Compare the collector's exporter (JAEGER_OTLP_GRPC_ADDRESS) with jaeger_url; let tail sampling keep spans "
        "with otel_trading.doctor.canary, and give doctor a --timeout that is longer than decision_wait.",
    )


def not_looked_for(why: str) -> Finding:
    """The search was not begun."""
    return skipped(NAME, why)
