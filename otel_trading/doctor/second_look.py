"""Looks for the canary in the stores, in all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from otel_trading.doctor import second_path
from otel_trading.doctor.abreast import abreast
from otel_trading.doctor.canary import ATTRIBUTE
from otel_trading.doctor.sending import Sent
from otel_trading.doctor.stored_logs import Documents
from otel_trading.doctor.stored_metrics import of_port, selector
from otel_trading.doctor.waiting import Search, search
from otel_trading.ground.clock import Deadline
from otel_trading.stores.collector import Counters
from otel_trading.stores.elasticsearch import Elasticsearch
from otel_trading.stores.errors import Cause, StoreError
from otel_trading.stores.http_json import HttpApi
from otel_trading.stores.jaeger import Jaeger, spans
from otel_trading.stores.opened import Stores
from otel_trading.stores.prometheus import Prometheus, Sample

_WITHOUT_TEMPLATE_S = 6.0
"""What has no template is refused at once; this leaves time for batches and for a template by another name."""

_RESERVE_S = 1.0
_COUNTERS_S = 1.0
_DUPLICATE_S = 1.5
"""A second way may be slower than the first."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be looked for; a store that nobody named, or that cannot have it, is left out.

    Attributes:
        spans: in Jaeger.
        log_records: in Elasticsearch.
        collected: the counter that went by OTLP, in Prometheus.
        scraped: the counter that Prometheus fetches from this port; None if it does not.
        template: our index template is there.
        service: whose documents are counted for a second way; empty for none.
    """

    spans: bool = False
    log_records: bool = False
    collected: bool = False
    scraped: int | None = None
    template: bool | None = None
    service: str = ""


@dataclass(frozen=True, slots=True)
class SecondLook:
    """What was found; None for what was not looked for or had no answer in time."""

    spans: Search[list[dict[str, Any]]] | None = None
    log_records: Search[Documents] | None = None
    collected: Search[list[Sample]] | None = None
    scraped: Search[list[Sample]] | None = None
    counters: Counters | None = None
    by_otlp: int | None = None
    by_files: int | None = None


def look(sent: Sent, expected: Expected, stores: Stores, deadline: Deadline) -> SecondLook:
    """Searches until a second before the deadline; what hangs until then has given no answer."""
    limit = Deadline(deadline.remaining_s() - _RESERVE_S)
    questions: dict[str, Callable[[], Any]] = {}
    if stores.jaeger is not None:
        questions["spans"] = _spans(stores.jaeger, sent, expected.spans, limit)
    if stores.elasticsearch is not None:
        questions["log_records"] = _log_records(stores.elasticsearch, sent, expected, limit)
        if expected.service:
            questions |= _counts(stores.elasticsearch, expected.service)
    if stores.prometheus is not None and expected.collected:
        questions["collected"] = _metrics(stores.prometheus, sent, expected.scraped, limit, scraped=False)
    if stores.prometheus is not None and expected.scraped is not None:
        questions["scraped"] = _metrics(stores.prometheus, sent, expected.scraped, limit, scraped=True)
    waited_s = deadline.remaining_s()
    found: dict[str, Any] = abreast(questions, deadline)
    for name, api in _searched(stores).items():
        if name in found and found[name] is None:
            found[name] = Search(None, waited_s, StoreError(api.place, Cause.TIMEOUT))
    counters = abreast({"counters": lambda: _counters(stores)}, Deadline(_COUNTERS_S))
    return SecondLook(**found, counters=counters["counters"])


def _searched(stores: Stores) -> dict[str, HttpApi]:
    """Whom each search asks."""
    asked = {
        "spans": stores.jaeger,
        "log_records": stores.elasticsearch,
        "collected": stores.prometheus,
        "scraped": stores.prometheus,
    }
    return {name: client.api for name, client in asked.items() if client is not None}


def _spans(
    jaeger: Jaeger, sent: Sent, expected: bool, deadline: Deadline
) -> Callable[[], Search[list[dict[str, Any]]]]:
    def ask() -> list[dict[str, Any]] | None:
        trace = jaeger.trace(sent.trace_id or "0" * 31 + "1")
        return (spans(trace) or None) if trace is not None else None

    return lambda: search(ask, deadline, lambda seconds: not expected)


def _log_records(
    elasticsearch: Elasticsearch, sent: Sent, expected: Expected, deadline: Deadline
) -> Callable[[], Search[Documents]]:
    line = f'trace.id:"{sent.trace_id or "none"}"'

    def ask() -> Documents | None:
        by_value = elasticsearch.having("trace_id", sent.trace_id or "none")
        by_name = elasticsearch.search(line)
        mine = [one for one in by_name if _of_canary(one, sent.canary)] or by_name
        return Documents(mine, by_value) if by_name or by_value else None

    def hopeless(seconds: float) -> bool:
        return not expected.log_records or (expected.template is False and seconds > _WITHOUT_TEMPLATE_S)

    def run() -> Search[Documents]:
        first = search(ask, deadline, hopeless)
        if first.found is None or len(first.found.by_name) > 1:
            return first
        limit = Deadline(min(_DUPLICATE_S, deadline.remaining_s()))
        again = search(lambda: _more_than_one(ask()), limit, lambda seconds: False)
        return Search(again.found or first.found, first.seconds)

    return run


def _more_than_one(found: Documents | None) -> Documents | None:
    return found if found is not None and len(found.by_name) > 1 else None


def _of_canary(document: dict[str, Any], canary: str) -> bool:
    source = document.get("_source")
    attributes = source.get("attributes") if isinstance(source, dict) else None
    return isinstance(attributes, dict) and attributes.get(ATTRIBUTE) == canary


def _metrics(
    prometheus: Prometheus, sent: Sent, port: int | None, deadline: Deadline, *, scraped: bool
) -> Callable[[], Search[list[Sample]]]:
    def ask() -> list[Sample] | None:
        samples = prometheus.query(selector(sent.canary))
        of_service = [] if port is None else of_port(samples, port)
        wanted = of_service if scraped else [one for one in samples if one not in of_service]
        return wanted or None

    return lambda: search(ask, deadline, lambda seconds: False)


def _counts(elasticsearch: Elasticsearch, service: str) -> dict[str, Callable[[], int | None]]:
    def count(line: str) -> int | None:
        try:
            return len(elasticsearch.search(line))
        except StoreError:
            return None

    return {
        "by_otlp": lambda: count(second_path.by_otlp(service)),
        "by_files": lambda: count(second_path.by_files(service)),
    }


def _counters(stores: Stores) -> Counters | None:
    try:
        return stores.collector.counters()
    except StoreError:
        return None
