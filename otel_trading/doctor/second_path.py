"""Does each signal reach its store by one way only. Pure: evidence in, finding out."""

from __future__ import annotations

from dataclasses import dataclass

from otel_trading.doctor.finding import Finding, ok, warning

NAME = "second shipping path"
PERIOD = "@timestamp:[now-15m TO now]"
_SDK = "resource.attributes.telemetry.sdk.name"


def by_otlp(service: str) -> str:
    """The search line for documents of a service that came by OTLP: only there the SDK names itself."""
    return f'service.name:"{quoted(service)}" AND _exists_:{_SDK} AND {PERIOD}'


def by_files(service: str) -> str:
    """The search line for those that a collector read from files of JSON lines."""
    return f'service.name:"{quoted(service)}" AND NOT _exists_:{_SDK} AND {PERIOD}'


def quoted(text: str) -> str:
    """A text within quotation marks of a search line."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


@dataclass(frozen=True, slots=True)
class Ways:
    """What is known about ways.

    Attributes:
        service: whose documents were counted; empty for none.
        log_records_otlp: documents of the service that came by OTLP; None if not asked.
        log_records_files: those that were read from files; None if not asked.
        metrics_otlp: the canary's counter, or its acknowledgement, shows that metrics go by OTLP into a store.
        metrics_scraped: Prometheus scrapes the service's own endpoint.
        twice: exporters of one signal that lead to one place, as `spans: host:port`.
        lines_too: log records go by OTLP, and standard output has them as JSON lines.
        served_too: metrics go by OTLP, and the service serves them.
    """

    service: str = ""
    log_records_otlp: int | None = None
    log_records_files: int | None = None
    metrics_otlp: bool = False
    metrics_scraped: bool = False
    twice: tuple[str, ...] = ()
    lines_too: bool = False
    served_too: bool = False


def diagnose(ways: Ways) -> Finding:
    """The finding; everything that is wrong stands in one."""
    told, remedies = [], []
    if ways.log_records_otlp and ways.log_records_files:
        told.append(
            f"Log records of {ways.service} came by OTLP ({ways.log_records_otlp}) and from its JSON lines "
            f"({ways.log_records_files}) within 15 minutes."
        )
        remedies.append("Set OTEL_LOGS_EXPORTER=none, or take its files out of the collector's file_log.")
    if ways.metrics_otlp and ways.metrics_scraped:
        told.append("Metrics come by OTLP and by scrape of the service.")
        remedies.append("Set OTEL_METRICS_EXPORTER to otlp or to prometheus.")
    if ways.twice:
        told.append(f"Two exporters send the same: {', '.join(ways.twice)}.")
        remedies.append("Leave one of them out.")
    if told:
        detail = "something is stored twice"
        return warning(NAME, detail, " ".join(told), " ".join(remedies), "duplicate")
    possible = []
    if ways.lines_too:
        possible.append("standard output has the log lines too: nobody may ship it")
    if ways.served_too:
        possible.append("/metrics has what goes by OTLP too: nobody may scrape it")
    return ok(NAME, "; ".join(["no sign of one", *possible]))
