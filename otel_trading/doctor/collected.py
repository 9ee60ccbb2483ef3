"""What the collector's own counters say about the time between two readings: came it in, did it go on, or failed it."""

from __future__ import annotations

from dataclasses import dataclass

from otel_trading.stores.collector import Counters

_ITEMS = {"traces": "spans", "logs": "log_records", "metrics": "metric_points"}
_FAILED_OUTCOMES = ("failed_client", "failed_server", "timeout", "too_many", "failure", "internal_server_error")


@dataclass(frozen=True, slots=True)
class Passage:
    """What happened to one signal in the collector between the two readings; other services count too.

    Attributes:
        accepted: items that receivers took.
        sent: items that exporters delivered.
        failed: items whose export failed for good.
        retrying: items that wait in exporters' queues now, or requests under way.
        refused: documents that Elasticsearch refused.
    """

    accepted: float = 0
    sent: float = 0
    failed: float = 0
    retrying: float = 0
    refused: float = 0


def passage(signal: str, before: Counters, after: Counters) -> Passage:
    """The passage of one signal."""
    items = _ITEMS[signal]

    def rise(name: str, **labels: str) -> float:
        return after.total(name, **labels) - before.total(name, **labels)

    waiting = after.total("otelcol_exporter_queue_size", data_type=signal)
    busy = after.total("otelcol_exporter_in_flight_requests", data_type=signal)
    documents = "otelcol_elasticsearch_docs_processed"
    return Passage(
        accepted=rise(f"otelcol_receiver_accepted_{items}"),
        sent=rise(f"otelcol_exporter_sent_{items}"),
        failed=rise(f"otelcol_exporter_send_failed_{items}"),
        retrying=waiting + busy,
        refused=sum([rise(documents, outcome=outcome) for outcome in _FAILED_OUTCOMES]) if signal == "logs" else 0,
    )
