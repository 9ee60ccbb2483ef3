"""Views, intervals and the endpoint of /metrics."""

from __future__ import annotations

from otel_trading.config.kinds import Choice, Flag, Items, Number, Text, Words
from otel_trading.config.knob import PORT, SECONDS, STRATEGIES, Knob


def metrics() -> list[Knob]:
    """The knobs of this group, in the order of the reference page."""
    group = "Metrics"
    return [
        Knob(
            group,
            "views",
            Items(),
            (),
            "HistogramView and SDK View objects; the first HistogramView that matches wins.",
            own_node=True,
        ),
        Knob(
            group,
            "metrics_export_interval_s",
            SECONDS,
            60.0,
            "Time between two exports by OTLP.",
            unit="s",
            standard=("OTEL_METRIC_EXPORT_INTERVAL",),
            standard_scale=0.001,
        ),
        Knob(
            group,
            "metrics_export_timeout_s",
            SECONDS,
            30.0,
            "Longest time for one export with all its retries.",
            unit="s",
            standard=("OTEL_METRIC_EXPORT_TIMEOUT",),
            standard_scale=0.001,
        ),
        Knob(
            group,
            "metrics_temporality",
            Choice(("cumulative", "delta", "lowmemory")),
            "cumulative",
            "Temporality preference by OTLP.",
            standard=("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",),
        ),
        Knob(
            group,
            "metrics_histogram_aggregation",
            Choice(("explicit_bucket_histogram", "base2_exponential_bucket_histogram")),
            "explicit_bucket_histogram",
            "Default aggregation of histograms by OTLP.",
            standard=("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",),
        ),
        Knob(
            group,
            "exemplar_filter",
            Choice(("trace_based", "always_on", "always_off")),
            "trace_based",
            "Which measurements may become exemplars.",
            standard=("OTEL_METRICS_EXEMPLAR_FILTER",),
        ),
        Knob(
            group,
            "cardinality_limit",
            Number(1, 1_000_000, whole=True),
            2000,
            "Most series of a metric, with the one named otel.metric.overflow that takes the rest.",
            own_node=True,
        ),
        Knob(
            group,
            "metrics_memory_limit_mib",
            Number(1, 65_536, whole=True),
            256,
            "Most memory that all series together take, estimated; what goes over it overflows too.",
            unit="MiB",
            own_node=True,
        ),
        Knob(
            group,
            "prometheus_host",
            Text(),
            "localhost",
            "Address of /metrics and /health; other than loopback it needs TLS, a token or allow_insecure.",
            standard=("OTEL_EXPORTER_PROMETHEUS_HOST",),
        ),
        Knob(
            group,
            "prometheus_port",
            PORT,
            9464,
            "Port of /metrics and /health; 0 takes any; taken and not asked for explicitly, the next free one.",
            standard=("OTEL_EXPORTER_PROMETHEUS_PORT",),
        ),
        Knob(group, "scope_info_enabled", Flag(), True, "Adds otel_scope_* labels."),
        Knob(group, "target_info_enabled", Flag(), True, "Adds the target_info series."),
        Knob(
            group,
            "resource_constant_labels",
            Words(),
            (),
            "Patterns of resource attributes that become labels of every series.",
        ),
        Knob(
            group,
            "translation_strategy",
            Choice(STRATEGIES),
            STRATEGIES[0],
            "How names are translated for Prometheus.",
        ),
        Knob(
            group,
            "prometheus_token",
            Text(),
            None,
            "Bearer token that /metrics and /health demand.",
            secret=True,
            own_node=True,
        ),
        Knob(
            group,
            "prometheus_certificate",
            Text(),
            None,
            "File with the certificate for TLS on /metrics and /health.",
            own_node=True,
        ),
        Knob(
            group,
            "prometheus_key",
            Text(),
            None,
            "File with the private key for TLS on /metrics and /health.",
            own_node=True,
        ),
        Knob(
            group,
            "allow_insecure",
            Flag(),
            False,
            "Allows /metrics and /health on other than loopback without TLS and token.",
            own_node=True,
        ),
    ]
