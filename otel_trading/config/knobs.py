"""The one table of knobs: what can be set, by which names, in which unit, with which default.

Everything that speaks of knobs is made from this table: the arguments of `init()`, the environment variables, the
node `distribution: otel_trading:` of the file, `otel-trading config`, the reference page and the example file.
"""

from __future__ import annotations

from dataclasses import dataclass

from otel_trading.config.kinds import Choice, Flag, Items, Kind, Number, Pairs, Text, Url, Words

PREFIX = "OTEL_TRADING_"
SIGNALS = ("traces", "metrics", "logs")
RATIO = Number(0, 1)
SECONDS = Number(0, low_excluded=True)
COUNT = Number(1, whole=True)
PORT = Number(0, 65535, whole=True)
LEVELS = Choice(("trace", "debug", "info", "warning", "error", "critical"))
STRATEGIES = (
    "UnderscoreEscapingWithSuffixes",
    "UnderscoreEscapingWithoutSuffixes",
    "NoUTF8EscapingWithSuffixes",
    "NoTranslation",
)


@dataclass(frozen=True, slots=True)
class Knob:
    """One thing that can be set.

    Attributes:
        group: the heading under which the reference page lists it.
        name: the argument of `init()` and the key in the file.
        kind: type and validator.
        default: the value when nobody sets it.
        doc: one sentence.
        unit: the unit of the value; empty if it has none.
        standard: the specification's own variables for the same thing, first one wins.
        standard_scale: what a standard variable's number is multiplied by to reach our unit (0.001 from ms).
        secret: printed masked.
        own_node: may stand under `distribution: otel_trading:`; False where the standard file has its own place.
    """

    group: str
    name: str
    kind: Kind
    default: object
    doc: str
    unit: str = ""
    standard: tuple[str, ...] = ()
    standard_scale: float = 1.0
    secret: bool = False
    own_node: bool = False

    @property
    def environment(self) -> str:
        """Our own environment variable."""
        return PREFIX + self.name.upper()


def _identity() -> list[Knob]:
    group = "Who is speaking"
    return [
        Knob(
            group,
            "service_name",
            Text(),
            None,
            "Name of the service; without it `unknown_service:` and the program's name.",
            standard=("OTEL_SERVICE_NAME",),
        ),
        Knob(group, "namespace", Text(), None, "Group of services that belong together (`service.namespace`)."),
        Knob(group, "version", Text(), None, "Version of the service (`service.version`)."),
        Knob(
            group,
            "instance_id",
            Text(),
            None,
            "Identity of this process (`service.instance.id`); a random UUID unless set.",
        ),
        Knob(
            group,
            "environment",
            Text(),
            None,
            "Deployment environment such as prod (`deployment.environment.name`).",
        ),
        Knob(group, "desk", Text(), None, "Trading desk (`trading.desk`) of the whole process.", own_node=True),
        Knob(group, "venue", Text(), None, "Venue (`trading.venue`) of the whole process.", own_node=True),
        Knob(group, "strategy", Text(), None, "Strategy (`trading.strategy`) of the whole process.", own_node=True),
        Knob(
            group,
            "resource_attributes",
            Pairs(),
            {},
            "Further resource attributes.",
            standard=("OTEL_RESOURCE_ATTRIBUTES",),
        ),
        Knob(
            group,
            "resource_detectors",
            Words(),
            (),
            "Further resource detectors by the name of their entry point.",
            standard=("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",),
        ),
    ]


def _behaviour() -> list[Knob]:
    group = "Behaviour"
    return [
        Knob(group, "disabled", Flag(), False, "Makes everything a no-op.", standard=("OTEL_SDK_DISABLED",)),
        Knob(
            group,
            "strict",
            Flag(),
            False,
            "Raises where init() would otherwise go on without a part, such as an endpoint whose port is taken.",
            own_node=True,
        ),
        Knob(
            group,
            "diagnostics_level",
            LEVELS,
            "info",
            "Lowest level of what the library says about itself.",
            standard=("OTEL_LOG_LEVEL",),
        ),
        Knob(
            group,
            "shutdown_timeout_s",
            Number(0, 600),
            5.0,
            "Longest time that leaving the process waits for all signals together.",
            unit="s",
            own_node=True,
        ),
        Knob(
            group,
            "flush_on_sigterm",
            Flag(),
            True,
            "Flushes on SIGTERM where the signal has its default action at init() in the main thread.",
            own_node=True,
        ),
        Knob(
            group,
            "under_pytest",
            Choice(("silent", "normal")),
            "silent",
            "Under pytest nothing is sent and no port "
            "is opened unless exporters, endpoints or ports are set explicitly.",
            own_node=True,
        ),
        Knob(
            group,
            "thread_context",
            Flag(),
            True,
            "Carries the current span into threads, thread pools and run_in_executor.",
            own_node=True,
        ),
        Knob(
            group,
            "asyncio_instrumentation",
            Flag(),
            False,
            "Wires opentelemetry-instrumentation-asyncio, which costs tens of microseconds a task.",
            own_node=True,
        ),
    ]


def _exporters() -> list[Knob]:
    group = "Where telemetry goes"
    knobs = [
        Knob(
            group,
            "traces_exporter",
            Words(),
            ("otlp",),
            "Exporters of spans: otlp, console, none or an entry point's name.",
            standard=("OTEL_TRACES_EXPORTER",),
        ),
        Knob(
            group,
            "metrics_exporter",
            Words(),
            ("otlp", "prometheus"),
            "Exporters of metrics: otlp, prometheus, console, none or an entry point's name.",
            standard=("OTEL_METRICS_EXPORTER",),
        ),
        Knob(
            group,
            "logs_exporter",
            Words(),
            ("otlp",),
            "Exporters of log records: otlp, console, none or an entry point's name.",
            standard=("OTEL_LOGS_EXPORTER",),
        ),
    ]
    for signal in ("", *SIGNALS):
        knobs += _otlp(group, signal)
    return knobs


def _otlp(group: str, signal: str) -> list[Knob]:
    ours = f"otlp_{signal}_" if signal else "otlp_"
    theirs = f"OTEL_EXPORTER_OTLP_{signal.upper()}_" if signal else "OTEL_EXPORTER_OTLP_"
    of = f" of {signal}" if signal else ""
    base: dict[str, object] = {
        "endpoint": "http://localhost:4318",
        "protocol": "http/protobuf",
        "headers": {},
        "timeout_s": 10.0,
        "compression": "none",
        "certificate": None,
        "client_key": None,
        "client_certificate": None,
        "insecure": False,
    }
    defaults = dict.fromkeys(base) if signal else base
    place = "Full address" if signal else "Base address, to which v1/traces, v1/metrics and v1/logs are added,"
    return [
        Knob(
            group,
            ours + "endpoint",
            Url(),
            defaults["endpoint"],
            f"{place} of the OTLP receiver{of}.",
            standard=(theirs + "ENDPOINT",),
        ),
        Knob(
            group,
            ours + "protocol",
            Choice(("http/protobuf", "grpc")),
            defaults["protocol"],
            f"Transport{of}; with grpc the default address is http://localhost:4317.",
            standard=(theirs + "PROTOCOL",),
        ),
        Knob(
            group,
            ours + "headers",
            Pairs(lower_keys=True),
            defaults["headers"],
            f"Headers of requests{of}.",
            standard=(theirs + "HEADERS",),
            secret=True,
        ),
        Knob(
            group,
            ours + "timeout_s",
            SECONDS,
            defaults["timeout_s"],
            f"Whole limit of one request{of}, from connect to the last byte of the reply.",
            unit="s",
            standard=(theirs + "TIMEOUT",),
            standard_scale=0.001,
        ),
        Knob(
            group,
            ours + "compression",
            Choice(("none", "gzip", "deflate")),
            defaults["compression"],
            f"Compression of request bodies{of}; deflate needs HTTP.",
            standard=(theirs + "COMPRESSION",),
        ),
        Knob(
            group,
            ours + "certificate",
            Text(),
            defaults["certificate"],
            f"File with the certificates that the server{of} is checked against.",
            standard=(theirs + "CERTIFICATE",),
        ),
        Knob(
            group,
            ours + "client_key",
            Text(),
            defaults["client_key"],
            f"File with the client's private key{of}.",
            standard=(theirs + "CLIENT_KEY",),
        ),
        Knob(
            group,
            ours + "client_certificate",
            Text(),
            defaults["client_certificate"],
            f"File with the client's certificate{of}.",
            standard=(theirs + "CLIENT_CERTIFICATE",),
        ),
        Knob(
            group,
            ours + "insecure",
            Flag(),
            defaults["insecure"],
            f"gRPC without TLS{of} where the address has no scheme that tells.",
            standard=(theirs + "INSECURE",),
        ),
    ]


def _traces() -> list[Knob]:
    group = "Traces"
    return [
        Knob(
            group,
            "traces_sampler",
            Text(),
            "otel_trading",
            "Sampler: otel_trading, a standard one (always_on, parentbased_traceidratio ...) or an entry point's name.",
            standard=("OTEL_TRACES_SAMPLER",),
        ),
        Knob(
            group,
            "traces_sampler_arg",
            Text(),
            None,
            "Argument of the sampler; of otel_trading the default ratio.",
            standard=("OTEL_TRACES_SAMPLER_ARG",),
        ),
        Knob(
            group,
            "tick_ratio",
            RATIO,
            0.01,
            "Share of tick and book spans (`md.*`, `book.*`) that is kept.",
            own_node=True,
        ),
        Knob(
            group,
            "default_ratio",
            RATIO,
            1.0,
            "Share of root spans that is kept when no rule names them.",
            own_node=True,
        ),
        Knob(
            group,
            "always_spans",
            Words(),
            (),
            "Span name patterns that are always kept, beside orders, risk, fills, kill switch and gaps.",
            own_node=True,
        ),
        Knob(
            group,
            "traces_per_second",
            Number(0),
            0.0,
            "Cap on sampled traces that are not kept always; 0 is no cap.",
            unit="1/s",
            own_node=True,
        ),
        Knob(
            group,
            "propagators",
            Words(),
            ("tracecontext",),
            "Propagators of outgoing and incoming headers; baggage only if listed.",
            standard=("OTEL_PROPAGATORS",),
        ),
        Knob(
            group,
            "propagation_hosts",
            Words(),
            (),
            "Hosts beside loopback and private ones that may receive trace headers: names, `*.suffix` or networks.",
            own_node=True,
        ),
        Knob(
            group,
            "span_attribute_count_limit",
            COUNT,
            128,
            "Attributes of a span.",
            standard=("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"),
        ),
        Knob(
            group,
            "span_attribute_value_length_limit",
            COUNT,
            None,
            "Length of a span attribute's text; without it no limit.",
            unit="characters",
            standard=("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        ),
        Knob(
            group,
            "span_event_count_limit",
            COUNT,
            128,
            "Events of a span.",
            standard=("OTEL_SPAN_EVENT_COUNT_LIMIT",),
        ),
        Knob(group, "span_link_count_limit", COUNT, 128, "Links of a span.", standard=("OTEL_SPAN_LINK_COUNT_LIMIT",)),
        Knob(
            group,
            "event_attribute_count_limit",
            COUNT,
            128,
            "Attributes of a span event.",
            standard=("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",),
        ),
        Knob(
            group,
            "link_attribute_count_limit",
            COUNT,
            128,
            "Attributes of a link.",
            standard=("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",),
        ),
        *_batches(group, "traces", "BSP", 1.0),
    ]


def _batches(group: str, signal: str, letters: str, delay_s: float) -> list[Knob]:
    return [
        Knob(
            group,
            f"{signal}_schedule_delay_s",
            SECONDS,
            delay_s,
            "Longest wait before a batch is sent.",
            unit="s",
            standard=(f"OTEL_{letters}_SCHEDULE_DELAY",),
            standard_scale=0.001,
        ),
        Knob(
            group,
            f"{signal}_queue_items",
            COUNT,
            16384,
            "Most items that wait; further ones are dropped and counted.",
            standard=(f"OTEL_{letters}_MAX_QUEUE_SIZE",),
        ),
        Knob(
            group,
            f"{signal}_batch_items",
            COUNT,
            512,
            "Most items of one request.",
            standard=(f"OTEL_{letters}_MAX_EXPORT_BATCH_SIZE",),
        ),
        Knob(
            group,
            f"{signal}_export_timeout_s",
            SECONDS,
            30.0,
            "Longest time for one batch with all its retries.",
            unit="s",
            standard=(f"OTEL_{letters}_EXPORT_TIMEOUT",),
            standard_scale=0.001,
        ),
    ]


def _metrics() -> list[Knob]:
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
        Knob(group, "scope_info_enabled", Flag(), True, "Adds otel_scope_* labels.", own_node=True),
        Knob(group, "target_info_enabled", Flag(), True, "Adds the target_info series.", own_node=True),
        Knob(
            group,
            "resource_constant_labels",
            Words(),
            (),
            "Patterns of resource attributes that become labels of every series.",
            own_node=True,
        ),
        Knob(
            group,
            "translation_strategy",
            Choice(STRATEGIES),
            STRATEGIES[0],
            "How names are translated for Prometheus.",
            own_node=True,
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


def _logs() -> list[Knob]:
    group = "Logs"
    return [
        Knob(
            group,
            "stdout",
            Choice(("auto", "json", "console", "off")),
            "auto",
            "Form of log lines on standard output; auto is console on a terminal and JSON otherwise.",
            own_node=True,
        ),
        Knob(group, "log_level", LEVELS, "info", "Lowest level of log events that are kept.", own_node=True),
        Knob(
            group,
            "bridge_standard_library",
            Flag(),
            True,
            "Takes the standard library's log records along.",
            own_node=True,
        ),
        Knob(
            group,
            "redact_keys",
            Words(),
            (),
            "Further key names whose values are masked in every signal.",
            own_node=True,
        ),
        Knob(
            group,
            "redact_patterns",
            Words(),
            (),
            "Further regular expressions whose matches are masked in every signal.",
            own_node=True,
        ),
        Knob(
            group,
            "log_attribute_count_limit",
            COUNT,
            128,
            "Attributes of a log record.",
            standard=("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"),
        ),
        Knob(
            group,
            "log_attribute_value_length_limit",
            COUNT,
            None,
            "Length of a log attribute's text; without it no limit.",
            unit="characters",
            standard=("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"),
        ),
        *_batches(group, "logs", "BLRP", 1.0),
    ]


KNOBS: dict[str, Knob] = {
    knob.name: knob for part in (_identity, _behaviour, _exporters, _traces, _metrics, _logs) for knob in part()
}
"""Every knob by name, in the order of the reference page."""
