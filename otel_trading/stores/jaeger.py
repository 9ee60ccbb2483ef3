"""Asks Jaeger 2 for traces."""

from __future__ import annotations

import datetime
from typing import Any

from otel_trading.stores.errors import MALFORMED
from otel_trading.stores.http_json import HttpApi


class Jaeger:
    """Jaeger's query API."""

    def __init__(self, api: HttpApi) -> None:
        """Takes the address; asks nothing yet."""
        self.api = api

    def trace(self, trace_id: str) -> dict[str, Any] | None:
        """One trace as OTLP JSON (`{"resourceSpans": [...]}`), None if Jaeger does not know it.

        Raises:
            StoreError: no usable answer.
        """
        # 404 for an unknown id; 400 would be an id that is none
        found = self.api.json(f"/api/v3/traces/{trace_id}", missing=(404,))
        return None if found is None else self._result(found)

    def search(self, service: str, start_ns: int, end_ns: int, limit: int = 20) -> dict[str, Any]:
        """The newest traces of a service as OTLP JSON; empty `resourceSpans` if there are none.

        Args:
            service: `service.name`.
            start_ns: begin of the period, nanoseconds since 1970.
            end_ns: its end.
            limit: most traces.

        Raises:
            StoreError: no usable answer.
        """
        parameters = {
            "query.service_name": service,
            "query.start_time_min": _rfc3339(start_ns),
            "query.start_time_max": _rfc3339(end_ns),
            "query.num_traces": str(limit),
        }
        found = self.api.json("/api/v3/traces", parameters, missing=(404,))
        return {"resourceSpans": []} if found is None else self._result(found)

    def services(self) -> list[str]:
        """Names of services that Jaeger has seen; a cheap question for whether it is Jaeger that answers.

        Raises:
            StoreError: no usable answer.
        """
        found = self.api.json("/api/v3/services")
        # without services yet, the key is left out or null
        services = (found.get("services") or []) if isinstance(found, dict) else None
        if not isinstance(services, list):
            raise self.api.unexpected("no list of services; is it Jaeger?")
        return [str(name) for name in services]

    def _result(self, found: Any) -> dict[str, Any]:
        result = found.get("result") if isinstance(found, dict) else None
        try:
            if isinstance(result, dict):
                spans(result)
                return result
        except MALFORMED:
            pass
        raise self.api.unexpected("no trace in OTLP JSON; is it Jaeger 2?")


def spans(trace: dict[str, Any]) -> list[dict[str, Any]]:
    """All spans of a trace in OTLP JSON, each with the `service` that made it."""
    return [
        {**span, "service": _service(resource)}
        for resource in trace["resourceSpans"]
        for scope in resource.get("scopeSpans", [])
        for span in scope.get("spans", [])
    ]


def _service(resource: dict[str, Any]) -> str:
    attributes = resource.get("resource", {}).get("attributes", [])
    return next((str(one["value"].get("stringValue", "")) for one in attributes if one["key"] == "service.name"), "")


def _rfc3339(moment_ns: int) -> str:
    moment = datetime.datetime.fromtimestamp(moment_ns // 1_000_000_000, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment_ns % 1_000_000_000:09d}Z"
