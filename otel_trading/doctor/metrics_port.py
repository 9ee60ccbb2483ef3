"""Is the port of /metrics free, or who has it."""

from __future__ import annotations

import socket
from dataclasses import dataclass

import orjson

from otel_trading.config.plan import EndpointPlan
from otel_trading.doctor.finding import Finding, failed, ok, skipped, warning
from otel_trading.stores.errors import StoreError
from otel_trading.stores.http_json import HttpApi

NAME = "port of /metrics"


@dataclass(frozen=True, slots=True)
class Holder:
    """Who listens at the port.

    Attributes:
        anybody: somebody does.
        service: the name that a service of otel_trading gave at /health; empty for anybody else.
        what: what was heard from anybody else.
        unusable: why the address cannot be listened at though nobody is there; empty if it can.
    """

    anybody: bool
    service: str = ""
    what: str = ""
    unusable: str = ""


def look(plan: EndpointPlan, timeout_s: float) -> Holder:
    """Tries to take the port and, if it is taken, asks who is there; never raises."""
    if plan.port == 0:
        return Holder(anybody=False)
    host = plan.host.strip("[]")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, plan.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
        return Holder(anybody=False)
    except UnicodeError:
        return Holder(anybody=False, unusable="no well-formed host name")
    except OSError as error:
        reachable = "localhost" if host in ("0.0.0.0", "::") else host
        return _ask(plan, reachable, timeout_s, error)


def _ask(plan: EndpointPlan, host: str, timeout_s: float, why: OSError) -> Holder:
    scheme = "https" if plan.certificate else "http"
    named = f"[{host}]" if ":" in host else host
    try:
        headers = {"authorization": f"Bearer {plan.token}"} if plan.token else None
        api = HttpApi(f"{scheme}://{named}:{plan.port}", headers=headers, certificate=plan.certificate)
        answer = api.ask("/health", timeout_s=timeout_s)
    except StoreError as error:
        refused = error.cause.name == "REFUSED"
        return Holder(not refused, what=error.why, unusable=str(why.strerror or why) if refused else "")
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        document = None
    if isinstance(document, dict) and "telemetry" in document and document.get("service"):
        return Holder(True, service=str(document["service"]))
    server = answer.headers.get("server", "an HTTP server without a name")
    return Holder(True, what=f"{server} answers {answer.status}")


def diagnose(plan: EndpointPlan | None, holder: Holder | None) -> Finding:
    """The finding."""
    if plan is None:
        return skipped(NAME, "metrics are not served (metrics_exporter has no prometheus)")
    place = f"{plan.host}:{plan.port}"
    if holder is None:
        return skipped(NAME, f"{place}: no answer in time")
    if plan.port == 0:
        return ok(NAME, "any free one; Prometheus cannot know it beforehand")
    if holder.unusable:
        cause = f"The address cannot be listened at: {holder.unusable}."
        return failed(NAME, place, cause, "Correct OTEL_EXPORTER_PROMETHEUS_HOST or _PORT.", "port_unusable")
    if not holder.anybody:
        return ok(NAME, f"{place} is free")
    if holder.service:
        return ok(NAME, f"{place}: {holder.service} serves its metrics there")
    remedy = "End the other process, or set OTEL_EXPORTER_PROMETHEUS_PORT."
    if plan.port_explicit:
        cause = "Another process has the port: a service that starts now goes on without /metrics."
        return failed(NAME, f"{place}: {holder.what}", cause, remedy, "port_taken")
    cause = "Another process has the port: a service that starts now takes the next free one, where nobody scrapes."
    return warning(NAME, f"{place}: {holder.what}", cause, remedy, "port_taken")
