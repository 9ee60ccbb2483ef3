"""The way of a metric into Prometheus, by scrape or through the collector. Pure: evidence in, finding out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from otel_trading.doctor.finding import Finding, failed, ok, skipped, warning
from otel_trading.doctor.waiting import Search
from otel_trading.stores.errors import Cause, StoreError
from otel_trading.stores.prometheus import Sample, Target

COLLECTED = "metrics: collector to Prometheus"
SCRAPED = "metrics: Prometheus scrapes service"
LABEL = "otel_trading_doctor_canary"


def selector(canary: str) -> str:
    """The expression that finds the canary's counter, by whichever way it came."""
    return f'{{{LABEL}="{canary}",__name__=~".+_total"}}'


def of_port(samples: Sequence[Sample], port: int) -> list[Sample]:
    """Those that were scraped from a service at this port."""
    return [one for one in samples if one.labels.get("instance", "").endswith(f":{port}")]


def targets_at(targets: Sequence[Target], port: int) -> list[Target]:
    """The targets at this port, on whichever host: a container knows this machine by another name."""
    return [one for one in targets if urlsplit(one.url).port == port]


def unanswered(name: str, error: StoreError) -> Finding:
    """Prometheus gave no answer."""
    if error.cause in (Cause.REFUSED, Cause.TIMEOUT, Cause.UNREACHABLE, Cause.CUT):
        cause = "Prometheus does not run, or prometheus_url is not its address."
        remedy = "Start Prometheus, or correct OTEL_TRADING_PROMETHEUS_URL."
        return failed(name, str(error), cause, remedy, "prometheus_down")
    cause = "prometheus_url leads to something else than Prometheus, or by the wrong scheme."
    return failed(name, str(error), cause, "Correct OTEL_TRADING_PROMETHEUS_URL.", "prometheus_url_wrong")


def collected(search: Search[list[Sample]], *, clock_wrong: bool) -> Finding:
    """The finding about the canary's counter that went by OTLP."""
    if search.error is not None:
        return unanswered(COLLECTED, search.error)
    if search.found is None:
        detail = f"the canary's counter is not there after {search.seconds:.0f} s"
        if clock_wrong:
            cause = "The clocks differ: Prometheus looks at the last five minutes of its own."
            return failed(COLLECTED, detail, cause, "Set the clocks; see the check of clocks.", "clock_off")
        return failed(
            COLLECTED,
            detail,
            "The collector took the metric. Prometheus does not scrape the collector's Prometheus exporter (:8889), or "
            "the pipeline of metrics has no exporter that leads there.",
            "Add the exporter to Prometheus' targets, or use remote write.",
            "metric_lost",
        )
    if len(search.found) > 1:
        ways = ", ".join(sorted(f"{one.labels.get('job')}/{one.labels.get('instance')}" for one in search.found))
        cause = "Two ways lead there: sums over all series count everything twice."
        return failed(
            COLLECTED, f"the canary's counter is there as {ways}", cause, "Keep one of the ways.", "duplicate"
        )
    return ok(COLLECTED, "the canary's counter is there", search.seconds)


@dataclass(frozen=True, slots=True)
class Scraping:
    """What is known about the service's own endpoint.

    Attributes:
        port: where it is by configuration.
        explicit: somebody set this very port.
        ours: the canary's process listens there now; False if a running service does.
        otherwise: metrics reach the collector by OTLP too.
        targets: whom Prometheus scrapes at this port.
        search: of the canary's counter; None if the canary could not be scraped.
    """

    port: int
    explicit: bool
    ours: bool
    otherwise: bool
    targets: list[Target]
    search: Search[list[Sample]] | None = None


def scraped(seen: Scraping) -> Finding:
    """The finding about the way by which Prometheus fetches metrics itself."""
    if seen.search is not None and seen.search.error is not None:
        return unanswered(SCRAPED, seen.search.error)
    if seen.search is not None and seen.search.found:
        return ok(SCRAPED, f"the canary's counter came by {seen.targets[0].url}", seen.search.seconds)
    if not seen.targets:
        return _no_target(seen)
    down = [one for one in seen.targets if not one.up]
    if down and len(down) == len(seen.targets):
        detail = f"{down[0].url} of job {down[0].job}: {down[0].error or 'not scraped yet'}"
        if seen.ours:
            cause = "Prometheus does not reach the port from where it runs: a loopback address, a firewall, a token."
        else:
            cause = (
                "The service's endpoint does not answer Prometheus: another process, a token, TLS, a loopback address."
            )
        return failed(SCRAPED, detail, cause, "Open that address from Prometheus' machine.", "scrape_fails")
    if seen.ours:
        return warning(
            SCRAPED,
            f"{seen.targets[0].url} is scraped, and the canary's counter is not there",
            "The target is another machine, or the time was too short for a scrape.",
            "Run doctor on the machine of the target, with a --timeout of two scrape intervals.",
            "canary_not_scraped",
        )
    return ok(SCRAPED, f"{seen.targets[0].url} of job {seen.targets[0].job} is up")


def _no_target(seen: Scraping) -> Finding:
    detail = f"Prometheus has no target at port {seen.port}"
    if seen.otherwise:
        return skipped(SCRAPED, f"{detail}; metrics go by OTLP")
    cause = f"Prometheus is not told to scrape a service at port {seen.port}, where its /metrics is by configuration."
    remedy = "Add HOST:PORT to collector-config/prometheus/targets/services.json; it is read again when it changes."
    if seen.explicit:
        return failed(SCRAPED, detail, cause, remedy, "not_scraped")
    cause += " Nobody set this port, so services may have others."
    return warning(
        SCRAPED, detail, cause, f"{remedy} Set OTEL_EXPORTER_PROMETHEUS_PORT for each service.", "not_scraped"
    )
