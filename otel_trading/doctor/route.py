"""The ways out of a service as its configuration tells them: which signal goes where, by which protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from otel_trading.config.config import Config
from otel_trading.config.plan import OTLP_GRPC, OTLP_HTTP, BatchPlan, ExporterPlan, Plan, from_knobs

NOUNS = {"traces": "spans", "logs": "log records", "metrics": "metrics"}
"""What each signal is called in findings."""


@dataclass(frozen=True, slots=True)
class Route:
    """One OTLP exporter of one signal.

    Attributes:
        signal: `traces`, `logs` or `metrics`.
        grpc: by gRPC; otherwise HTTP with protobuf.
        host: name or address.
        port: as given, or what the scheme means.
        tls: the exporter speaks TLS.
        path: of HTTP requests.
        headers: sent with each request; may be secrets.
        certificate: file of the certificates that the server is checked against; None for the system's.
    """

    signal: str
    grpc: bool
    host: str
    port: int
    tls: bool
    path: str = "/"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: str | None = None

    @property
    def place(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def protocol(self) -> str:
        """As OTEL_EXPORTER_OTLP_PROTOCOL calls it."""
        return "grpc" if self.grpc else "http/protobuf"


def plan_of(config: Config) -> Plan:
    """The plan that `init()` makes of this configuration outside of pytest.

    Raises:
        ConfigurationError: the file asks for what cannot be served.
    """
    if config.file is None:
        return from_knobs(config)
    from otel_trading.config.plan_file import from_file

    return from_file(config)


def batches(plan: Plan, signal: str) -> tuple[BatchPlan, ...]:
    """All exporters of a signal; none if it is a no-op."""
    part = {"traces": plan.traces, "logs": plan.logs, "metrics": plan.metrics}[signal]
    return () if part is None else part.batches


def routes(plan: Plan) -> list[Route]:
    """The OTLP exporters of all signals; the console's and others' lead to no collector."""
    exporters = [(signal, batch.exporter) for signal in NOUNS for batch in batches(plan, signal)]
    return [_route(signal, one) for signal, one in exporters if one.kind in (OTLP_HTTP, OTLP_GRPC)]


def _route(signal: str, exporter: ExporterPlan) -> Route:
    grpc = exporter.kind == OTLP_GRPC
    address = exporter.endpoint if "://" in exporter.endpoint else f"//{exporter.endpoint}"
    parts = urlsplit(address)
    tls = not exporter.insecure if grpc else parts.scheme == "https"
    usual = 4317 if grpc else 443 if tls else 80
    return Route(
        signal,
        grpc,
        parts.hostname or "localhost",
        parts.port or usual,
        tls,
        "/" if grpc else parts.path or "/",
        exporter.headers,
        exporter.certificate,
    )
