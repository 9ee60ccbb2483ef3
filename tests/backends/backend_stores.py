"""Asks the real servers by their own APIs, as a person with a browser would."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


def wait_until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Waits for a condition; asks five times a second, because each question costs the servers work."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.2)


def ask(
    url: str, body: object = None, *, method: str | None = None, missing: tuple[int, ...] = (404,), **parameters: str
) -> Any:
    """The JSON that an address answers; None if it knows nothing of what was asked (404, or what `missing` says)."""
    query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + query, data, {"content-type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        if error.code in missing:
            return None
        raise AssertionError(f"{url} answers {error.code}: {error.read().decode()}") from error


@dataclass(frozen=True)
class Stack:
    """The running servers."""

    directory: Path
    servers: dict[str, dict[str, Any]]

    @property
    def otlp(self) -> str:
        return str(self.servers["collector"]["otlp_http"])

    def trace(self, trace_id: str) -> list[dict[str, Any]]:
        """The spans of a trace as Jaeger's API has them, with the service and plain attributes added."""
        return flat(ask(f"{self.servers['jaeger']['url']}/api/v3/traces/{trace_id}"))

    def traces_with(self, service: str, attribute: str, value: str) -> list[str]:
        """Trace ids by Jaeger's search for a tag."""
        found = ask(
            f"{self.servers['jaeger']['url']}/api/traces",
            service=service,
            tags=json.dumps({attribute: value}),
            limit="100",
        )
        return [trace["traceID"] for trace in found["data"]]

    def traces_of(self, service: str, *, limit: int = 20_000) -> dict[str, list[dict[str, Any]]]:
        """The newest traces of a service, as `trace` has one, by trace id."""
        now = time.time_ns()
        parameters = {
            "query.service_name": service,
            "query.start_time_min": rfc3339(now - 3600 * 10**9),
            "query.start_time_max": rfc3339(now + 3600 * 10**9),
            "query.num_traces": str(limit),
        }
        found: dict[str, list[dict[str, Any]]] = {}
        for span in flat(ask(f"{self.servers['jaeger']['url']}/api/v3/traces", **parameters)):
            found.setdefault(span["traceId"], []).append(span)
        return found

    def exemplars(self, query: str) -> list[dict[str, Any]]:
        """Exemplars of the last hour that a series selector finds, each with labels, value and time."""
        url, now = self.servers["prometheus"]["url"], time.time()
        found = ask(f"{url}/api/v1/query_exemplars", query=query, start=str(now - 3600), end=str(now + 60))
        return [one for series in found["data"] for one in series["exemplars"]]

    def spans_of(self, service: str) -> int:
        """How many spans of a service there are; 0 while Jaeger is away."""
        try:
            found = ask(f"{self.servers['jaeger']['url']}/api/traces", service=service, limit="1000")
        except OSError:
            return 0
        return sum([len(trace["spans"]) for trace in found["data"]])

    def logs(self, query: str) -> list[dict[str, Any]]:
        """The log documents that a search line finds, at most 10,000."""
        body = {
            "size": 10_000,
            "track_total_hits": True,
            "query": {"query_string": {"query": query}},
            "sort": ["time_unix_nano"],
        }
        url = self.servers["elasticsearch"]["url"]
        ask(f"{url}/logs-*/_refresh", method="POST")
        # 503: an index was made a moment ago, and its shard is not there yet
        found = ask(f"{url}/logs-*/_search", body, missing=(404, 503))
        return [hit["_source"] for hit in found["hits"]["hits"]] if found else []

    def series(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Labels and newest value of what a PromQL expression selects."""
        found = ask(f"{self.servers['prometheus']['url']}/api/v1/query", query=query)
        return [(one["metric"], float(one["value"][1])) for one in found["data"]["result"]]

    def everything(self) -> str:
        """All that the stores hold, as text, to look for what must not be there."""
        jaeger, prometheus = self.servers["jaeger"]["url"], self.servers["prometheus"]["url"]
        services = ask(f"{jaeger}/api/services")["data"] or []
        traces = [ask(f"{jaeger}/api/traces", service=service, limit="1000") for service in services]
        labels = ask(f"{prometheus}/api/v1/series", **{"match[]": '{__name__=~".+"}'})
        return json.dumps([services, traces, self.logs("*"), labels])

    def counted(self, name: str, *, server: str = "collector", **labels: str) -> float:
        """The sum of one of a collector's own counters."""
        with urllib.request.urlopen(self.servers[server]["metrics"], timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        found = [line for line in lines if line.startswith(f"{name}{{") and all([one in line for one in wanted])]
        return sum([float(line.rsplit(" ", 1)[1]) for line in found])


def flat(found: Any) -> list[dict[str, Any]]:
    """The spans of an answer of Jaeger, with the service and plain attributes added."""
    return [
        {
            **span,
            "service": plain(resource["resource"]["attributes"])["service.name"],
            "instance": plain(resource["resource"]["attributes"]).get("service.instance.id"),
            "values": plain(span.get("attributes", [])),
        }
        for resource in (found["result"]["resourceSpans"] if found else [])
        for scope in resource.get("scopeSpans", [])
        for span in scope.get("spans", [])
    ]


def rfc3339(moment_ns: int) -> str:
    """As Jaeger's API takes a time."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment_ns // 10**9)) + f".{moment_ns % 10**9:09d}Z"


def plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    """OTLP's attributes as a dictionary; numbers stay text, as JSON has them."""
    return {one["key"]: next(iter(one["value"].values()), None) for one in attributes}
