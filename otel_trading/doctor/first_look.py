"""What can be heard before anything is sent: ports, clocks, counters, targets, the template; all asked side by side."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from otel_trading.config.plan import EndpointPlan
from otel_trading.doctor import metrics_port
from otel_trading.doctor.abreast import abreast
from otel_trading.doctor.route import Route
from otel_trading.doctor.speech import Speech, listen_to
from otel_trading.ground.clock import Deadline
from otel_trading.stores.collector import Counters
from otel_trading.stores.errors import Cause, StoreError
from otel_trading.stores.http_json import Answer
from otel_trading.stores.opened import Stores
from otel_trading.stores.prometheus import Target

T = TypeVar("T")

_PORTS = {4317: True, 4318: False}
_UNHEARD = Speech(unreached=Cause.TIMEOUT)


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What was heard.

    Attributes:
        speeches: one for each route, in their order.
        neighbours: by host, ports with an OTLP receiver that the routes do not use, with the protocol.
        health: the collector's health check: its answer, why there was none, or None if it has no address.
        counters: the collector's own, likewise.
        holder: who has the port of /metrics.
        targets: whom Prometheus scrapes, or why it did not tell.
        template: our index template is in Elasticsearch; None if that is not known.
        offsets: seconds by which each clock is ahead of ours.
    """

    speeches: tuple[Speech, ...]
    neighbours: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)
    health: Answer | StoreError | None = None
    counters: Counters | StoreError | None = None
    holder: metrics_port.Holder | None = None
    targets: list[Target] | StoreError | None = None
    template: bool | None = None
    offsets: Mapping[str, float] = field(default_factory=dict)


def look(routes: list[Route], endpoint: EndpointPlan | None, stores: Stores, timeout_s: float) -> FirstLook:
    """Asks everybody; after `timeout_s` seconds nobody is waited for."""
    limit = Deadline(timeout_s)
    questions: dict[str, Callable[[], Any]] = {
        f"route {number}": _listening(route, limit) for number, route in enumerate(routes)
    }
    questions |= {f"clock {name}": ask for name, ask in _clocks(stores).items()}
    questions["health"] = lambda: _or_error(stores.collector.health)
    questions["counters"] = lambda: _or_error(stores.collector.counters)
    if endpoint is not None:
        questions["holder"] = lambda: metrics_port.look(endpoint, limit.remaining_s())
    if (prometheus := stores.prometheus) is not None:
        questions["targets"] = lambda: _or_error(prometheus.targets)
    if (elasticsearch := stores.elasticsearch) is not None:
        questions["template"] = lambda: _or_error(elasticsearch.has_template)
    heard = abreast(questions, limit)
    speeches = tuple(heard[f"route {number}"] or _UNHEARD for number in range(len(routes)))
    template = heard.get("template")
    return FirstLook(
        speeches,
        _neighbours(routes, speeches, limit),
        heard["health"],
        heard["counters"],
        heard.get("holder"),
        heard.get("targets"),
        template if isinstance(template, bool) else None,
        _offsets(heard, speeches),
    )


def _listening(route: Route, limit: Deadline) -> Callable[[], Speech]:
    return lambda: listen_to(route, limit.remaining_s() * 0.8)


def _or_error(ask: Callable[[], T]) -> T | StoreError:
    try:
        return ask()
    except StoreError as error:
        return error


def _clocks(stores: Stores) -> dict[str, Callable[[], float | None]]:
    """How each store tells its time: seconds ahead of ours."""
    found: dict[str, Callable[[], float | None]] = {}
    jaeger, elasticsearch, prometheus = stores.jaeger, stores.elasticsearch, stores.prometheus
    if jaeger is not None:
        found["Jaeger"] = lambda: _ahead(lambda: _date(jaeger.api.ask("/api/v3/services")))
    if elasticsearch is not None:
        found["Elasticsearch"] = lambda: _ahead(elasticsearch.time_s)
    if prometheus is not None:
        found["Prometheus"] = lambda: _ahead(lambda: prometheus.query("vector(time())")[0].value)
    return found


def _ahead(ask: Callable[[], float | None]) -> float | None:
    """The told time minus ours in the middle of the question; None if none was told.

    What half of a slow question may explain is not counted.
    """
    before = time.time()
    try:
        told = ask()
    except (StoreError, IndexError):
        return None
    if told is None:
        return None
    after = time.time()
    ahead_s, doubt_s = told - (before + after) / 2, (after - before) / 2
    return math.copysign(max(0.0, abs(ahead_s) - doubt_s), ahead_s)


def _date(answer: Answer) -> float | None:
    """The Date header is cut to whole seconds; its middle is the better guess."""
    told = answer.server_time_s
    return None if told is None else told + 0.5


def _offsets(heard: Mapping[str, Any], speeches: tuple[Speech, ...]) -> dict[str, float]:
    told = {name.removeprefix("clock "): offset for name, offset in heard.items() if name.startswith("clock ")}
    told["collector"] = next((one.clock_s for one in speeches if one.clock_s is not None), None)
    health = heard["health"]
    if told["collector"] is None and isinstance(health, Answer) and (date := _date(health)) is not None:
        told["collector"] = date - health.received_at_s
    return {name: offset for name, offset in told.items() if offset is not None}


def _neighbours(
    routes: list[Route], speeches: tuple[Speech, ...], deadline: Deadline
) -> dict[str, tuple[tuple[int, str], ...]]:
    """Where a refusing host has a receiver at one of the usual ports."""
    refused = {route.host for route, said in zip(routes, speeches, strict=True) if said.unreached is Cause.REFUSED}
    used = {(route.host, route.port) for route in routes}
    others = [
        Route("traces", grpc, host, port, False, "/v1/traces")
        for host in sorted(refused)
        for port, grpc in _PORTS.items()
        if (host, port) not in used
    ]
    limit = Deadline(min(2.0, deadline.remaining_s()))
    heard = abreast({str(number): _listening(route, limit) for number, route in enumerate(others)}, limit)
    found: dict[str, tuple[tuple[int, str], ...]] = {}
    for number, route in enumerate(others):
        said = heard[str(number)]
        if said is not None and (said.http2 if route.grpc else said.status == 200 and not said.is_web_page):
            found[route.host] = (*found.get(route.host, ()), (route.port, route.protocol))
    return found
