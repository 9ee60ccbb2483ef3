"""From all evidence to the findings about clocks, collector, ways and hops. Pure: nobody is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from otel_trading.config.plan import EndpointPlan
from otel_trading.doctor import clocks, reaching, second_path, stored_logs, stored_metrics, stored_spans
from otel_trading.doctor.collected import Passage, passage
from otel_trading.doctor.delivered import Delivery
from otel_trading.doctor.finding import Finding, State, failed, ok, skipped, warning
from otel_trading.doctor.first_look import FirstLook
from otel_trading.doctor.route import NOUNS, Route
from otel_trading.doctor.second_look import Expected, SecondLook
from otel_trading.doctor.sending import Sent
from otel_trading.stores.addresses import Addresses
from otel_trading.stores.collector import Counters
from otel_trading.stores.errors import StoreError
from otel_trading.stores.opened import Stores

COLLECTOR = "collector"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything that was seen.

    Attributes:
        routes: the OTLP exporters.
        first: before the canary was sent.
        sent: what its process told.
        expected: what was looked for.
        endpoint: the service's own /metrics by configuration; None for none.
        ours: the canary's process serves it at the configured port.
        addresses: of the stores.
        stores: their clients; only asked whether they are there.
        stdout: the knob of that name.
        second: after the canary was sent.
    """

    routes: tuple[Route, ...]
    first: FirstLook
    sent: Sent
    expected: Expected
    endpoint: EndpointPlan | None
    ours: bool
    addresses: Addresses
    stores: Stores
    stdout: str
    second: SecondLook = field(default_factory=SecondLook)

    def passage(self, signal: str) -> Passage | None:
        """What the collector's counters say about a signal; None without two readings."""
        before, after = self.first.counters, self.second.counters
        return passage(signal, before, after) if isinstance(before, Counters) and after is not None else None


def hops(evidence: Evidence, exporters: Mapping[str, int]) -> list[Finding]:
    """The findings.

    Args:
        evidence: everything that was seen.
        exporters: how many exporters of any kind each signal has.
    """
    clock = clocks.diagnose(evidence.first.offsets)
    first = {signal: _first_hop(evidence, signal, exporters[signal]) for signal in NOUNS}
    scraped = _scraped(evidence)
    second = [_spans(evidence), _log_records(evidence), *_collected(evidence, clock), *scraped]
    return [
        clock,
        _collector(evidence, [one for many in first.values() for one in many]),
        second_path.diagnose(_ways(evidence, scraped)),
        *[one for many in first.values() for one in many],
        *second,
    ]


def _first_hop(evidence: Evidence, signal: str, exporters: int) -> list[Finding]:
    own = [pair for pair in zip(evidence.routes, evidence.first.speeches, strict=True) if pair[0].signal == signal]
    if not own:
        why = "sent by an exporter that leads to no collector" if exporters else "not sent by OTLP, by configuration"
        return [skipped(reaching.hop_name(signal), why)]
    # without a canary the ways to places that are not reached can be explained still, and no others
    asked = [pair for pair in own if pair[1].unreached is not None] if evidence.sent.failure else own
    if not asked:
        cause = f"The process that sends the canary failed: {evidence.sent.failure}."
        remedy = "Start a service with this configuration and read its standard error."
        return [failed(reaching.hop_name(signal), "no canary was sent", cause, remedy, "canary_failed")]
    delivery = evidence.sent.deliveries.get(signal, Delivery())
    return [reaching.diagnose(route, speech, delivery, _around(evidence, route)) for route, speech in asked]


def _around(evidence: Evidence, route: Route) -> reaching.Surroundings:
    health = evidence.first.health
    taken = [
        other
        for other, speech in zip(evidence.routes, evidence.first.speeches, strict=True)
        if other.place == route.place and speech.status == 200 and not speech.is_web_page
    ]
    return reaching.Surroundings(
        healthy=None if health is None else not isinstance(health, StoreError),
        neighbours=evidence.first.neighbours.get(route.host, ()),
        known=known(evidence.addresses, route),
        sibling=bool(taken),
    )


def known(addresses: Addresses, route: Route) -> str:
    """What the configuration says listens at the place of a route."""
    named = {
        "Jaeger": addresses.jaeger,
        "Elasticsearch": addresses.elasticsearch,
        "Kibana": addresses.kibana,
        "Prometheus": addresses.prometheus,
        "The collector's health check": addresses.collector_health,
        "The collector's page of metrics": addresses.collector_metrics,
    }
    for name, url in named.items():
        parts = urlsplit(url or "")
        if parts.port == route.port and parts.hostname == route.host:
            return name
    return ""


def _collector(evidence: Evidence, first: list[Finding]) -> Finding:
    """Its health check and its own metrics."""
    health, counters = evidence.first.health, evidence.first.counters
    takes = any(one.state is State.OK for one in first)
    if isinstance(health, StoreError):
        if takes:
            cause = "It takes data all the same: collector_health_url is not the address of its health check."
            remedy = "Correct OTEL_TRADING_COLLECTOR_HEALTH_URL (usually port 13133)."
            return warning(COLLECTOR, f"health check: {health}", cause, remedy, "collector_health_url_wrong")
        cause = "The collector does not run, or is not ready."
        return failed(COLLECTOR, f"health check: {health}", cause, "Start it; look into its log.", "collector_down")
    if isinstance(counters, StoreError):
        cause = "Without its own metrics a lost canary cannot be followed through the collector."
        remedy = "Correct OTEL_TRADING_COLLECTOR_METRICS_URL (usually port 8888, path /metrics)."
        return warning(COLLECTOR, f"own metrics: {counters}", cause, remedy, "collector_metrics_url_wrong")
    told = [word for word, there in (("health check answers", health), ("own metrics answer", counters)) if there]
    if not told:
        return skipped(COLLECTOR, "no address of its health check or of its own metrics was given")
    return ok(COLLECTOR, ", ".join(told))


def _spans(evidence: Evidence) -> Finding:
    found = evidence.second.spans
    why = _not_expected(evidence, "traces", "jaeger_url", evidence.stores.jaeger is None, evidence.expected.spans)
    if found is not None and (evidence.expected.spans or found.error is not None):
        return stored_spans.diagnose(found, evidence.passage("traces"), evidence.sent.began_ns)
    return stored_spans.not_looked_for(why or "no answer in time")


def _log_records(evidence: Evidence) -> Finding:
    found = evidence.second.log_records
    nobody = evidence.stores.elasticsearch is None
    why = _not_expected(evidence, "logs", "elasticsearch_url", nobody, evidence.expected.log_records)
    if found is not None and (evidence.expected.log_records or found.error is not None):
        return stored_logs.diagnose(found, evidence.first.template, evidence.passage("logs"))
    return stored_logs.not_looked_for(why or "no answer in time")


def _collected(evidence: Evidence, clock: Finding) -> list[Finding]:
    """The second hop of metrics that go by OTLP; nothing where they do not."""
    if not any(route.signal == "metrics" for route in evidence.routes):
        return []
    nobody = evidence.stores.prometheus is None
    why = _not_expected(evidence, "metrics", "prometheus_url", nobody, evidence.expected.collected)
    found = evidence.second.collected
    if found is not None:
        return [stored_metrics.collected(found, clock_wrong=clock.state is State.FAILED)]
    if isinstance(evidence.first.targets, StoreError):
        return [stored_metrics.unanswered(stored_metrics.COLLECTED, evidence.first.targets)]
    return [skipped(stored_metrics.COLLECTED, why or "no answer in time")]


def _scraped(evidence: Evidence) -> list[Finding]:
    """The way by which Prometheus comes to the service; nothing where it is not served."""
    endpoint, targets = evidence.endpoint, evidence.first.targets
    if endpoint is None:
        return []
    if evidence.stores.prometheus is None:
        return [skipped(stored_metrics.SCRAPED, "no prometheus_url was given")]
    if isinstance(targets, StoreError):
        return [stored_metrics.unanswered(stored_metrics.SCRAPED, targets)]
    if targets is None:
        return [skipped(stored_metrics.SCRAPED, "no answer in time")]
    if endpoint.port == 0:
        return [skipped(stored_metrics.SCRAPED, "the port is 0, so each start has another")]
    return [
        stored_metrics.scraped(
            stored_metrics.Scraping(
                port=endpoint.port,
                explicit=endpoint.port_explicit,
                ours=evidence.ours,
                otherwise=evidence.expected.collected,
                targets=stored_metrics.targets_at(targets, endpoint.port),
                search=evidence.second.scraped,
            )
        )
    ]


def _not_expected(evidence: Evidence, signal: str, knob: str, nobody: bool, expected: bool) -> str:
    """Why the canary was not looked for; empty if it was."""
    if nobody:
        return f"no {knob} was given"
    if expected:
        return ""
    if not any(route.signal == signal for route in evidence.routes):
        return f"{NOUNS[signal]} are not sent by OTLP"
    if signal == "traces" and evidence.sent.trace_id and not evidence.sent.sampled:
        return "the sampler of the configuration did not record the span"
    return "the store answers; the canary did not reach the collector"


def _ways(evidence: Evidence, scraped: list[Finding]) -> second_path.Ways:
    second = evidence.second
    ways = Counter(f"{NOUNS[route.signal]}: {route.place}" for route in evidence.routes)
    return second_path.Ways(
        service=evidence.expected.service,
        log_records_otlp=second.by_otlp,
        log_records_files=second.by_files,
        metrics_otlp=second.collected is not None and bool(second.collected.found),
        metrics_scraped=any(one.state is State.OK for one in scraped),
        twice=tuple(sorted(way for way, count in ways.items() if count > 1)),
        lines_too=evidence.stdout in ("json", "auto") and any(route.signal == "logs" for route in evidence.routes),
        served_too=evidence.endpoint is not None and evidence.expected.collected,
    )
