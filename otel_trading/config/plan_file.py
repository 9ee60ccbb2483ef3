"""Makes a Plan from the models of a declarative file; what the file omits is a no-op, as the specification says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from otel_trading import sdk
from otel_trading.config.config import Config
from otel_trading.config.knob import Strategy
from otel_trading.config.plan import (
    CONSOLE,
    OTLP_GRPC,
    OTLP_HTTP,
    PATHS,
    BatchPlan,
    EndpointPlan,
    ExporterPlan,
    LogsPlan,
    MetricsPlan,
    Plan,
    TracesPlan,
)
from otel_trading.config.plan_arguments import apply
from otel_trading.config.resolve import is_loopback
from otel_trading.ground.errors import ConfigurationError, Problem

if TYPE_CHECKING:
    from otel_trading.config.config_file import ConfigFile

_STRATEGIES: dict[str, Strategy] = {
    "underscore_escaping_with_suffixes": "UnderscoreEscapingWithSuffixes",
    "underscore_escaping_without_suffixes": "UnderscoreEscapingWithoutSuffixes",
    "no_utf8_escaping_with_suffixes": "NoUTF8EscapingWithSuffixes",
    "no_translation": "NoTranslation",
}
_DEFAULT_QUEUE, _DEFAULT_BATCH = 2048, 512


def from_file(config: Config) -> Plan:
    """The plan of a configuration with a file.

    Raises:
        ConfigurationError: for parts of the standard that this version cannot serve, each with its line.
    """
    file = config.file
    assert file is not None
    model = file.model
    problems: list[Problem] = []
    plan = Plan(
        traces=_traces(model, file),
        metrics=_metrics(model, file, config, problems),
        logs=_logs(model),
        endpoint=_endpoint(model, file, config, problems),
        propagators=(),
        propagator_model=model.propagator,
        resource_model=model.resource,
        propagators_from_file=True,
        from_file=True,
        instrumentation_model=model.instrumentation_development,
    )
    if problems:
        raise ConfigurationError(problems)
    return apply(plan, config)


def _seconds(milliseconds: int | None, default_s: float) -> float:
    return default_s if milliseconds is None else milliseconds / 1000


def _traces(model: Any, file: ConfigFile) -> TracesPlan | None:
    section = model.tracer_provider
    if section is None:
        return None
    name, settings = _plugin(section.sampler)
    limits, general = section.limits, model.attribute_limits
    return TracesPlan(
        batches=tuple(_batches(section.processors, "traces", 5.0)),
        sampler=name or (None if section.sampler else "parentbased_always_on"),
        sampler_settings=settings,
        sampler_model=None if name else section.sampler,
        limits={
            "attributes": _first(_get(limits, "attribute_count_limit"), _get(general, "attribute_count_limit"), 128),
            "attribute_length": _first(
                _get(limits, "attribute_value_length_limit"), _get(general, "attribute_value_length_limit")
            ),
            "events": _first(_get(limits, "event_count_limit"), 128),
            "links": _first(_get(limits, "link_count_limit"), 128),
            "event_attributes": _first(_get(limits, "event_attribute_count_limit"), 128),
            "link_attributes": _first(_get(limits, "link_attribute_count_limit"), 128),
        },
    )


def _logs(model: Any) -> LogsPlan | None:
    section = model.logger_provider
    if section is None:
        return None
    limits, general = section.limits, model.attribute_limits
    return LogsPlan(
        tuple(_batches(section.processors, "logs", 1.0)),
        {
            "attributes": _first(_get(limits, "attribute_count_limit"), _get(general, "attribute_count_limit"), 128),
            "attribute_length": _first(
                _get(limits, "attribute_value_length_limit"), _get(general, "attribute_value_length_limit")
            ),
        },
    )


def _get(node: Any, name: str) -> int | None:
    value: int | None = getattr(node, name, None)
    return value


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)


def _plugin(node: Any) -> tuple[str | None, dict[str, Any]]:
    """Name and settings of a component that is no built-in one."""
    extra = getattr(node, "additional_properties", None) or {}
    for name, settings in extra.items():
        return name, dict(settings or {})
    return None, {}


def _batches(processors: Iterable[Any], signal: str, delay_s: float) -> Iterable[BatchPlan]:
    for processor in processors:
        if processor.batch is not None:
            node = processor.batch
            queue = node.max_queue_size or _DEFAULT_QUEUE
            yield BatchPlan(
                _exporter(node.exporter, signal),
                _seconds(node.schedule_delay, delay_s),
                queue,
                min(node.max_export_batch_size or _DEFAULT_BATCH, queue),
                _seconds(node.export_timeout, 30.0),
            )
        elif processor.simple is not None:
            # one item a request, at once, and still not on the caller's thread
            yield BatchPlan(_exporter(processor.simple.exporter, signal), 0.001, _DEFAULT_QUEUE, 1)


def _exporter(node: Any, signal: str) -> ExporterPlan:
    if node.otlp_http is not None:
        return _otlp(OTLP_HTTP, node.otlp_http, f"http://localhost:4318/{PATHS[signal]}")
    if node.otlp_grpc is not None:
        return _otlp(OTLP_GRPC, node.otlp_grpc, "http://localhost:4317")
    if node.console is not None:
        return ExporterPlan(CONSOLE)
    name, settings = _plugin(node)
    return ExporterPlan(name or CONSOLE, settings=settings)


def _otlp(kind: str, node: Any, default: str) -> ExporterPlan:
    endpoint = node.endpoint or default
    headers = {
        key.strip().lower(): value.strip()
        for key, _, value in (pair.partition("=") for pair in (node.headers_list or "").split(","))
        if key.strip()
    }
    headers |= {pair.name.lower(): pair.value or "" for pair in node.headers or ()}
    tls = node.tls
    return ExporterPlan(
        kind,
        endpoint,
        headers,
        _seconds(node.timeout, 10.0),
        node.compression or "none",
        getattr(tls, "ca_file", None),
        getattr(tls, "key_file", None),
        getattr(tls, "cert_file", None),
        insecure=bool(getattr(tls, "insecure", False)) or endpoint.startswith("http://"),
    )


def _metrics(model: Any, file: ConfigFile, config: Config, problems: list[Problem]) -> MetricsPlan | None:
    section = model.meter_provider
    if section is None:
        return None
    batches = []
    for reader in section.readers:
        node = reader.periodic
        if node is None:
            continue
        otlp = node.exporter.otlp_http or node.exporter.otlp_grpc
        temporality = _word(otlp, "temporality_preference", "cumulative")
        batches.append(
            BatchPlan(
                _exporter(node.exporter, "metrics"),
                delay_s=_seconds(node.interval, 60.0),
                export_timeout_s=_seconds(node.timeout, 30.0),
                temporality={"low_memory": "lowmemory"}.get(temporality, temporality),
                histogram_aggregation=_word(otlp, "default_histogram_aggregation", "explicit_bucket_histogram"),
                cardinality_limits=_limits(node),
            )
        )
    views = [*config["views"]]
    for index, view in enumerate(section.views or ()):
        try:
            views.append(sdk.view_from_model(view))
        except Exception as error:  # the SDK raises bare Exception for impossible selectors
            source = file.source("meter_provider", "views", index)
            advice = "Change the selector or the stream."
            problems.append(Problem(f"meter_provider.views[{index}]", source, "a possible view", str(error), advice))
    return MetricsPlan(
        tuple(batches),
        tuple(views),
        _word(section, "exemplar_filter", "trace_based"),
        config["cardinality_limit"],
        config["metrics_memory_limit_mib"] * 1024 * 1024,
        config["own_metrics"],
        config["view_matching_mode"],
        config["profile"],
    )


def _word(node: Any, name: str, default: str) -> str:
    value = getattr(node, name, None)
    return default if value is None else str(value.value)


def _endpoint(model: Any, file: ConfigFile, config: Config, problems: list[Problem]) -> EndpointPlan | None:
    readers = model.meter_provider.readers if model.meter_provider is not None else ()
    for index, reader in enumerate(readers):
        node = reader.pull.exporter.prometheus_development if reader.pull is not None else None
        if node is None:
            continue
        path = ("meter_provider", "readers", index, "pull", "exporter", "prometheus/development")
        host = node.host or "localhost"
        if (
            not (is_loopback(host) or config["prometheus_token"] or config["prometheus_certificate"])
            and not config["allow_insecure"]
        ):
            advice = "Protect it, or set allow_insecure under distribution: otel_trading: if the network is trusted."
            rule = "a loopback address, or protected by prometheus_token or prometheus_certificate and prometheus_key"
            problems.append(Problem("host", file.source(*path, "host"), rule, repr(host), advice))
        labels = node.resource_constant_labels
        return EndpointPlan(
            host,
            9464 if node.port is None else node.port,
            node.port is not None,
            True,
            node.scope_info_enabled is not False,
            node.target_info_enabled_development is not False,
            tuple((labels.included or ("*",)) if labels else ()),
            tuple((labels.excluded or ()) if labels else ()),
            config["prometheus_token"],
            config["prometheus_certificate"],
            config["prometheus_key"],
            _limits(reader.pull),
            _STRATEGIES[_word(node, "translation_strategy", "underscore_escaping_with_suffixes").partition("/")[0]],
            config["merge_prometheus_client"],
        )
    return None


def _limits(reader: Any) -> dict[str, int]:
    """The `cardinality_limits` of a reader, by kind of instrument and `default`."""
    limits = reader.cardinality_limits
    return {} if limits is None else {kind: limit for kind, limit in vars(limits).items() if limit is not None}
