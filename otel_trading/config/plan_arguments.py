"""Arguments of `init()` over a declarative file: argument > file > default."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from otel_trading.config.config import Config
from otel_trading.config.plan import (
    OTLP_GRPC,
    OTLP_HTTP,
    BatchPlan,
    EndpointPlan,
    ExporterPlan,
    Plan,
    from_knobs,
    otlp_exporter,
    queue_bytes,
)

_BATCH = {"schedule_delay_s": "delay_s", "export_timeout_s": "export_timeout_s"} | {
    name: name for name in ("queue_items", "batch_items")
}
_METRIC_BATCH = {
    "metrics_export_interval_s": "delay_s",
    "metrics_export_timeout_s": "export_timeout_s",
    "metrics_temporality": "temporality",
    "metrics_histogram_aggregation": "histogram_aggregation",
}
_ENDPOINT = {
    "prometheus_host": "host",
    "prometheus_port": "port",
    "scope_info_enabled": "scope_info",
    "target_info_enabled": "target_info",
    "resource_constant_labels": "constant_labels",
}
_SPAN_LIMITS = {
    "span_attribute_count_limit": "attributes",
    "span_attribute_value_length_limit": "attribute_length",
    "span_event_count_limit": "events",
    "span_link_count_limit": "links",
    "event_attribute_count_limit": "event_attributes",
    "link_attribute_count_limit": "link_attributes",
}
_LOG_LIMITS = {"log_attribute_count_limit": "attributes", "log_attribute_value_length_limit": "attribute_length"}
_OTLP = ("endpoint", "headers", "timeout_s", "compression", "certificate", "client_key", "client_certificate")


def apply(plan: Plan, config: Config) -> Plan:
    """The plan of a file with the arguments put over it; a section that the file omits stays a no-op."""
    wanted = from_knobs(config)
    traces, metrics, logs = plan.traces, plan.metrics, plan.logs
    if traces is not None and wanted.traces is not None:
        batches = _batches(config, "traces", traces.batches, wanted.traces.batches)
        traces = replace(traces, batches=batches, limits={**traces.limits, **_given(config, _SPAN_LIMITS)})
        if _is_argument(config, "traces_sampler") or _is_argument(config, "traces_sampler_arg"):
            name, argument = config["traces_sampler"], config["traces_sampler_arg"]
            traces = replace(traces, sampler=name, sampler_argument=argument, sampler_settings={}, sampler_model=None)
    if metrics is not None and wanted.metrics is not None:
        batches = _batches(config, "metrics", metrics.batches, wanted.metrics.batches)
        metrics = replace(metrics, batches=batches)
        if _is_argument(config, "exemplar_filter"):
            metrics = replace(metrics, exemplar_filter=config["exemplar_filter"])
    if logs is not None and wanted.logs is not None:
        batches = _batches(config, "logs", logs.batches, wanted.logs.batches)
        logs = replace(logs, batches=batches, limits={**logs.limits, **_given(config, _LOG_LIMITS)})
    endpoint = _endpoint(config, plan.endpoint, wanted.endpoint) if metrics is not None else None
    plan = replace(plan, traces=traces, metrics=metrics, logs=logs, endpoint=endpoint)
    if _is_argument(config, "propagators"):
        plan = replace(plan, propagators=wanted.propagators, propagators_from_file=False)
    return plan


def _is_argument(config: Config, name: str) -> bool:
    return config.settings[name].origin == "argument"


def _given(config: Config, names: dict[str, str]) -> dict[str, Any]:
    return {field: config[knob] for knob, field in names.items() if _is_argument(config, knob)}


def _batches(
    config: Config, signal: str, file: tuple[BatchPlan, ...], knobs: tuple[BatchPlan, ...]
) -> tuple[BatchPlan, ...]:
    """The file's batches, or the knobs' if the exporters themselves were given as an argument."""
    if _is_argument(config, f"{signal}_exporter"):
        return knobs
    names = _METRIC_BATCH if signal == "metrics" else {f"{signal}_{knob}": field for knob, field in _BATCH.items()}
    changed = _given(config, names)
    merged = [replace(batch, **changed, exporter=_exporter(config, signal, batch.exporter)) for batch in file]
    limit = queue_bytes(config)
    return tuple(
        replace(batch, queue_bytes=limit, batch_items=min(batch.batch_items, batch.queue_items)) for batch in merged
    )


def _exporter(config: Config, signal: str, file: ExporterPlan) -> ExporterPlan:
    """The file's exporter with the OTLP settings that were given as arguments; others are left alone."""
    if file.kind not in (OTLP_HTTP, OTLP_GRPC):
        return file
    wanted = otlp_exporter(config, signal)

    def given(name: str) -> bool:
        return _is_argument(config, f"otlp_{name}") or _is_argument(config, f"otlp_{signal}_{name}")

    changed: dict[str, Any] = {name: getattr(wanted, name) for name in _OTLP if given(name)}
    if given("protocol"):
        changed |= {"kind": wanted.kind, "endpoint": wanted.endpoint}
    if given("insecure") or "endpoint" in changed:
        changed["insecure"] = wanted.insecure
    return replace(file, **changed)


def _endpoint(config: Config, file: EndpointPlan | None, knobs: EndpointPlan | None) -> EndpointPlan | None:
    if _is_argument(config, "metrics_exporter"):
        return knobs
    if file is None:
        return None
    changed = _given(config, _ENDPOINT)
    return replace(file, **changed, port_explicit=file.port_explicit or "port" in changed)
