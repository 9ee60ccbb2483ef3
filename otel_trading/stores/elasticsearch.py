"""Asks Elasticsearch for log documents, for its template and for its clock."""

from __future__ import annotations

from typing import Any

from otel_trading.stores.errors import MALFORMED
from otel_trading.stores.http_json import HttpApi

LOGS = "logs-*"
"""The data streams of log records."""

TEMPLATE = "logs-otel-trading"
"""The index template that `collector-config/elasticsearch` brings."""


# an index without our template has another type of date, an empty one none
_NEWEST = {"@timestamp": {"order": "desc", "unmapped_type": "date", "numeric_type": "date_nanos"}}


class Elasticsearch:
    """The part of Elasticsearch's API that a minimal distribution has too."""

    def __init__(self, api: HttpApi) -> None:
        """Takes the address; asks nothing yet."""
        self.api = api

    def health(self) -> str:
        """`green`, `yellow` or `red`.

        Raises:
            StoreError: no usable answer.
        """
        found = self.api.json("/_cluster/health")
        if not isinstance(found, dict) or "status" not in found:
            raise self.api.unexpected("no cluster health; is it Elasticsearch?")
        return str(found["status"])

    def search(self, line: str, size: int = 100) -> list[dict[str, Any]]:
        """The newest log documents that a line in Lucene's syntax finds; empty also while there is no index.

        A line such as `trace.id:"4bf9..."` means the same in KQL. Each document has its `_source`, and the `_index`
        in which it lies. What was stored less than a second ago may not be found yet.

        Raises:
            StoreError: no usable answer.
        """
        return self._hits({"query_string": {"query": line}}, size)

    def having(self, field: str, value: str, size: int = 100) -> list[dict[str, Any]]:
        """The log documents whose field has exactly this value, whatever the template made of the field.

        Without a template Elasticsearch makes a text with a `.keyword` of it; both are looked at.
        """
        either = [{"term": {field: value}}, {"term": {f"{field}.keyword": value}}]
        return self._hits({"bool": {"should": either, "minimum_should_match": 1}}, size)

    def _hits(self, query: dict[str, Any], size: int) -> list[dict[str, Any]]:
        body = {"size": size, "query": query, "sort": [_NEWEST]}
        parameters = {"ignore_unavailable": "true", "allow_no_indices": "true"}
        found = self.api.json(f"/{LOGS}/_search", parameters, body, missing=(404,))
        if found is None:
            return []
        outer = found.get("hits") if isinstance(found, dict) else None
        hits = outer.get("hits") if isinstance(outer, dict) else None
        if not isinstance(hits, list) or not all(isinstance(hit, dict) for hit in hits):
            raise self.api.unexpected("no hits; is it Elasticsearch?")
        return hits

    def has_template(self, name: str = TEMPLATE) -> bool:
        """True if the index template is there.

        Raises:
            StoreError: no usable answer.
        """
        return self.api.json(f"/_index_template/{name}", missing=(404,)) is not None

    def time_s(self) -> float:
        """The clock of one of its nodes, seconds since 1970; Elasticsearch sends no Date header.

        Raises:
            StoreError: no usable answer.
        """
        found = self.api.json("/_nodes/_local/stats/os", {"filter_path": "nodes.*.timestamp"})
        try:
            return float(next(iter(found["nodes"].values()))["timestamp"]) / 1000
        except (*MALFORMED, StopIteration):
            raise self.api.unexpected("no time of a node; is it Elasticsearch?") from None
