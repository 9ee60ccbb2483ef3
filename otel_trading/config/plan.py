"""What is to be built, told the same way whether it came from knobs or from a declarative file.

`from_knobs` and `from_file` make a Plan; everything further down reads only Plans and never an environment variable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from otel_trading.config.config import Config
from otel_trading.config.knob import SIGNALS, Strategy, ViewMatchingMode

PATHS = {"traces": "v1/traces", "metrics": "v1/metrics", "logs": "v1/logs"}
OTLP_HTTP, OTLP_GRPC, CONSOLE = "otlp_http", "otlp_grpc", "console"


@dataclass(frozen=True, slots=True)
class ExporterPlan:
    """One way out.

    Attributes:
        kind: `otlp_http`, `otlp_grpc`, `console`, or the name of an entry point.
        endpoint: full address for HTTP, target for gRPC.
        headers: sent with each request.
        timeout_s: whole limit of one request.
        compression: `none`, `gzip` or `deflate`.
        certificate: file of the certificates that the server is checked against.
        client_key: file of our private key.
        client_certificate: file of our certificate.
        insecure: gRPC without TLS.
        settings: keyword arguments of an entry point's exporter.
    """

    kind: str
    endpoint: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 10.0
    compression: str = "none"
    certificate: str | None = None
    client_key: str | None = None
    client_certificate: str | None = None
    insecure: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A queue with an exporter behind it.

    Attributes:
        exporter: where batches go.
        delay_s: longest wait before a batch is sent; for metrics the time between two collections.
        queue_items: most items that wait.
        batch_items: most items of one request.
        export_timeout_s: longest time for one batch with all its retries.
        temporality: metrics only, `cumulative`, `delta` or `lowmemory`.
        histogram_aggregation: metrics only, the default aggregation of histograms.
        cardinality_limits: metrics only, most series by kind of instrument, or by `default`.
        queue_bytes: most memory of the items that wait, estimated.
    """

    exporter: ExporterPlan
    delay_s: float = 1.0
    queue_items: int = 16384
    batch_items: int = 512
    export_timeout_s: float = 30.0
    temporality: str = "cumulative"
    histogram_aggregation: str = "explicit_bucket_histogram"
    cardinality_limits: Mapping[str, int] = field(default_factory=dict)
    queue_bytes: int = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class EndpointPlan:
    """The server of /metrics and /health.

    Attributes:
        host: address to listen on.
        port: port; 0 takes any.
        port_explicit: somebody asked for this very port, so that no other is taken instead.
        metrics: /metrics is served too, not only /health.
        scope_info: otel_scope_* labels.
        target_info: the target_info series.
        constant_labels: patterns of resource attributes that become labels.
        constant_labels_excluded: patterns that do not.
        token: bearer token that is demanded.
        certificate: TLS certificate file.
        key: TLS key file.
        cardinality_limits: most series by kind of instrument, or by `default`.
        translation_strategy: how metrics and labels are called.
        prometheus_client: the families of prometheus_client's default registry are shown too.
    """

    host: str = "localhost"
    port: int = 9464
    port_explicit: bool = False
    metrics: bool = True
    scope_info: bool = True
    target_info: bool = True
    constant_labels: tuple[str, ...] = ()
    constant_labels_excluded: tuple[str, ...] = ()
    token: str | None = None
    certificate: str | None = None
    key: str | None = None
    cardinality_limits: Mapping[str, int] = field(default_factory=dict)
    translation_strategy: Strategy = "UnderscoreEscapingWithSuffixes"
    prometheus_client: bool = False


@dataclass(frozen=True, slots=True)
class TracesPlan:
    """Traces. `sampler` is a name with an argument, or the model of the file's sampler node, or None for ours."""

    batches: tuple[BatchPlan, ...] = ()
    sampler: str | None = None
    sampler_argument: str | None = None
    sampler_settings: Mapping[str, Any] = field(default_factory=dict)
    sampler_model: Any = None
    limits: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetricsPlan:
    """Metrics. `views` holds HistogramView and SDK View objects in the user's order, `profiles` names of profiles."""

    batches: tuple[BatchPlan, ...] = ()
    views: tuple[Any, ...] = ()
    exemplar_filter: str = "trace_based"
    cardinality_limit: int = 2000
    memory_limit_bytes: int = 256 * 1024 * 1024
    own_metrics: bool = True
    view_matching_mode: ViewMatchingMode = "independent"
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LogsPlan:
    """Log records."""

    batches: tuple[BatchPlan, ...] = ()
    limits: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it; a signal that is None is a no-op.

    Attributes:
        traces: None for a no-op tracer provider.
        metrics: None for a no-op meter provider.
        logs: None for a no-op logger provider.
        endpoint: None for no server.
        propagators: names of entry points; None if `propagator_model` tells.
        propagator_model: the file's node.
        propagators_from_file: `propagator_model` counts, even if it is None, which is a no-op.
        resource_model: the file's node, together with `from_file`.
        from_file: resource and propagator come from the models.
        instrumentation_model: the file's `instrumentation/development`.
    """

    traces: TracesPlan | None
    metrics: MetricsPlan | None
    logs: LogsPlan | None
    endpoint: EndpointPlan | None
    propagators: tuple[str, ...] = ("tracecontext",)
    propagator_model: Any = None
    resource_model: Any = None
    propagators_from_file: bool = False
    from_file: bool = False
    instrumentation_model: Any = None


def from_knobs(config: Config, *, silent: bool = False) -> Plan:
    """The plan of a configuration without a file.

    Args:
        config: the resolved knobs.
        silent: under pytest: whatever was not set explicitly is neither sent nor served.
    """
    names = {signal: _exporter_names(config, signal, silent) for signal in SIGNALS}
    batches = {
        signal: tuple(_batch(config, signal, name) for name in names[signal] if name != "prometheus")
        for signal in SIGNALS
    }
    serve = "prometheus" in names["metrics"]
    span_limits = {
        "attributes": config["span_attribute_count_limit"],
        "attribute_length": config["span_attribute_value_length_limit"],
        "events": config["span_event_count_limit"],
        "links": config["span_link_count_limit"],
        "event_attributes": config["event_attribute_count_limit"],
        "link_attributes": config["link_attribute_count_limit"],
    }
    log_limits = {
        "attributes": config["log_attribute_count_limit"],
        "attribute_length": config["log_attribute_value_length_limit"],
    }
    return Plan(
        traces=TracesPlan(
            batches["traces"], config["traces_sampler"], config["traces_sampler_arg"], limits=span_limits
        ),
        metrics=MetricsPlan(
            batches["metrics"],
            config["views"],
            config["exemplar_filter"],
            config["cardinality_limit"],
            config["metrics_memory_limit_mib"] * 1024 * 1024,
            config["own_metrics"],
            config["view_matching_mode"],
            config["profile"],
        ),
        logs=LogsPlan(batches["logs"], log_limits),
        endpoint=_endpoint(config) if serve else None,
        propagators=tuple(name for name in config["propagators"] if name.lower() != "none"),
    )


def _exporter_names(config: Config, signal: str, silent: bool) -> tuple[str, ...]:
    names: tuple[str, ...] = config[f"{signal}_exporter"]
    if silent and not config.explicit(f"{signal}_exporter"):
        sent = any(config.explicit(name) for name in ("otlp_endpoint", f"otlp_{signal}_endpoint"))
        served = config.explicit("prometheus_port")
        names = tuple(n for n in names if (n == "otlp" and sent) or (n == "prometheus" and served))
    return tuple(dict.fromkeys(name for name in names if name.lower() != "none"))


def _batch(config: Config, signal: str, name: str) -> BatchPlan:
    exporter = otlp_exporter(config, signal) if name == "otlp" else ExporterPlan(name)
    if signal == "metrics":
        return BatchPlan(
            exporter,
            delay_s=config["metrics_export_interval_s"],
            export_timeout_s=config["metrics_export_timeout_s"],
            temporality=config["metrics_temporality"],
            histogram_aggregation=config["metrics_histogram_aggregation"],
            queue_bytes=queue_bytes(config),
        )
    queue = config[f"{signal}_queue_items"]
    return BatchPlan(
        exporter,
        delay_s=config[f"{signal}_schedule_delay_s"],
        queue_items=queue,
        batch_items=min(config[f"{signal}_batch_items"], queue),
        export_timeout_s=config[f"{signal}_export_timeout_s"],
        queue_bytes=queue_bytes(config),
    )


def queue_bytes(config: Config) -> int:
    """Most memory of one queue; a declarative file has no word of its own for it."""
    limit: int = config["queue_memory_limit_mib"] * 1024 * 1024
    return limit


def otlp_exporter(config: Config, signal: str) -> ExporterPlan:
    """The OTLP exporter of one signal as the knobs tell."""
    grpc = config.signal(signal, "protocol") == "grpc"
    endpoint: str = config.signal(signal, "endpoint")
    own = config[f"otlp_{signal}_endpoint"]
    if grpc and not (config.explicit("otlp_endpoint") or config.explicit(f"otlp_{signal}_endpoint")):
        endpoint = "http://localhost:4317"
    elif not grpc and endpoint != own:
        endpoint = f"{endpoint.rstrip('/')}/{PATHS[signal]}"
    return ExporterPlan(
        OTLP_GRPC if grpc else OTLP_HTTP,
        endpoint,
        {key: str(value) for key, value in config.signal(signal, "headers").items()},
        config.signal(signal, "timeout_s"),
        config.signal(signal, "compression"),
        config.signal(signal, "certificate"),
        config.signal(signal, "client_key"),
        config.signal(signal, "client_certificate"),
        insecure=config.signal(signal, "insecure") or endpoint.startswith("http://"),
    )


def _endpoint(config: Config) -> EndpointPlan:
    return EndpointPlan(
        config["prometheus_host"],
        config["prometheus_port"],
        config.explicit("prometheus_port"),
        True,
        config["scope_info_enabled"],
        config["target_info_enabled"],
        config["resource_constant_labels"],
        (),
        config["prometheus_token"],
        config["prometheus_certificate"],
        config["prometheus_key"],
        translation_strategy=config["translation_strategy"],
        prometheus_client=config["merge_prometheus_client"],
    )
