"""The second hop of a log record: from the collector into Elasticsearch. Pure: evidence in, finding out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from otel_trading.doctor.collected import Passage
from otel_trading.doctor.finding import Finding, failed, ok, skipped, warning
from otel_trading.doctor.waiting import Search
from otel_trading.stores.elasticsearch import TEMPLATE
from otel_trading.stores.errors import Cause, StoreError

NAME = "log records: collector to Elasticsearch"
_LOAD = "Load the templates of collector-config/elasticsearch, as collector-config/README.md tells"


@dataclass(frozen=True, slots=True)
class Documents:
    """What was found of the canary's log record.

    Attributes:
        by_name: documents that `trace.id : "..."` finds.
        by_value: documents that carry the trace id, whatever the template made of it.
    """

    by_name: list[dict[str, Any]]
    by_value: list[dict[str, Any]]


def diagnose(search: Search[Documents], template: bool | None, passage: Passage | None) -> Finding:
    """The finding about the canary's log record.

    Args:
        search: how the search ended.
        template: our index template is there; None if that could not be asked.
        passage: what the collector's counters say; None without them.
    """
    if search.error is not None:
        return _unanswered(search.error)
    found = search.found
    if found is None:
        return _lost(search.seconds, template, passage)
    if not found.by_name:
        return failed(
            NAME,
            f"the canary is in {_places(found.by_value)}, and trace.id does not find it",
            "The template was not there when the data stream was made: the names to search by are missing.",
            f"{_LOAD}, then roll the data stream over (POST /NAME/_rollover).",
            "template_missing",
        )
    if len(found.by_name) > 1:
        return failed(
            NAME,
            f"the canary is there {len(found.by_name)} times, in {_places(found.by_name)}",
            "A second way carries log records there, such as a shipper of standard output.",
            "Keep one: OTLP (OTEL_LOGS_EXPORTER=otlp) or the JSON lines on standard output (=none).",
            "duplicate",
        )
    if template is False:
        return warning(
            NAME,
            f"found by trace.id in {_places(found.by_name)}; the index template {TEMPLATE} is not there",
            "Another template, or an older data stream, serves trace.id; the names of orders may be missing.",
            f"{_LOAD}.",
            "template_missing",
        )
    return ok(NAME, f"found once by trace.id in {_places(found.by_name)}", search.seconds)


def _places(documents: list[dict[str, Any]]) -> str:
    return ", ".join(sorted({str(one.get("_index", "?")) for one in documents}))


def _unanswered(error: StoreError) -> Finding:
    if error.cause in (Cause.REFUSED, Cause.TIMEOUT, Cause.UNREACHABLE, Cause.CUT):
        cause = (
            "Elasticsearch does not run, or elasticsearch_url is not its address. Until it is back the collector keeps "
            "log records in its queue."
        )
        remedy = "Start Elasticsearch, or correct OTEL_TRADING_ELASTICSEARCH_URL."
        return failed(NAME, str(error), cause, remedy, "elasticsearch_down")
    if error.status in (401, 403):
        cause = "Elasticsearch asks for credentials."
        remedy = "Set OTEL_TRADING_ELASTICSEARCH_HEADERS=authorization=ApiKey%20KEY."
        return failed(NAME, str(error), cause, remedy, "credentials")
    if error.status >= 500:
        cause = "Elasticsearch is not able to search now: shards are missing, or it is starting."
        return failed(NAME, str(error), cause, "Look at GET /_cluster/health.", "elasticsearch_down")
    cause = "elasticsearch_url leads to something else than Elasticsearch, or by the wrong scheme."
    return failed(NAME, str(error), cause, "Correct OTEL_TRADING_ELASTICSEARCH_URL.", "elasticsearch_url_wrong")


def _lost(seconds: float, template: bool | None, passage: Passage | None) -> Finding:
    detail = f"the canary's log record is not there after {seconds:.0f} s"
    if template is False:
        cause = (
            f"The index template {TEMPLATE} is not there: Elasticsearch answers 404 and the collector drops the record."
        )
        return failed(NAME, detail, cause, f"{_LOAD}. What was dropped does not come back.", "template_missing")
    cause, remedy = _way_lost(passage)
    return failed(NAME, detail, cause, remedy, "log_lost")


def _way_lost(passage: Passage | None) -> tuple[str, str]:
    if passage is None:
        return (
            "The collector took the record. It does not reach Elasticsearch, uses another one, or was refused.",
            "Set OTEL_TRADING_COLLECTOR_METRICS_URL and run doctor again: the collector's counters tell which.",
        )
    if passage.refused:
        return (
            "Elasticsearch refused documents, for example because a field has another type than before.",
            "Look at failed_client in otelcol_elasticsearch_docs_processed and at the collector's log for the field.",
        )
    if passage.retrying or passage.failed:
        return (
            "The collector took the record and cannot store it: log records wait in its queue.",
            "Look at the collector's log and at its address of Elasticsearch (ELASTICSEARCH_URL).",
        )
    if passage.accepted == 0:
        return (
            "Something else took the record than the collector whose counters were read: another one, or no collector.",
            "Compare OTEL_EXPORTER_OTLP_ENDPOINT with OTEL_TRADING_COLLECTOR_METRICS_URL.",
        )
    return (
        "The collector delivered log records, and this Elasticsearch has none of them: it sends to another one, or "
        "to other indices than logs-*.",
        "Compare the collector's exporter (ELASTICSEARCH_URL) with elasticsearch_url.",
    )


def not_looked_for(why: str) -> Finding:
    """The search was not begun."""
    return skipped(NAME, why)
