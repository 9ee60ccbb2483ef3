"""Rows of the specification's compliance matrix for environment variables that no other test shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace

import otel_trading as ot
from otel_trading.config.resolve import resolve

VARIABLES = {
    "OTEL_SERVICE_NAME": ("risk", "service_name", "risk"),
    "OTEL_BSP_SCHEDULE_DELAY": ("250", "traces_schedule_delay_s", 0.25),
    "OTEL_BSP_EXPORT_TIMEOUT": ("1500", "traces_export_timeout_s", 1.5),
    "OTEL_BSP_MAX_QUEUE_SIZE": ("99", "traces_queue_items", 99),
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": ("33", "traces_batch_items", 33),
    "OTEL_BLRP_SCHEDULE_DELAY": ("250", "logs_schedule_delay_s", 0.25),
    "OTEL_BLRP_EXPORT_TIMEOUT": ("1500", "logs_export_timeout_s", 1.5),
    "OTEL_BLRP_MAX_QUEUE_SIZE": ("999", "logs_queue_items", 999),
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": ("33", "logs_batch_items", 33),
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": ("7", "span_attribute_count_limit", 7),
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("8", "log_attribute_value_length_limit", 8),
}


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_variable_of_the_specification_sets_its_knob(variable: str) -> None:
    """Those that the table of test_config_resolve.py leaves out; all of OTEL_BSP_* and OTEL_BLRP_*."""
    text, knob, value = VARIABLES[variable]
    more = {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "9"} if variable == "OTEL_BSP_MAX_QUEUE_SIZE" else {}
    config, warnings = resolve({}, None, {variable: text, **more})
    assert (config[knob], config.settings[knob].source, warnings) == (value, variable, [])


def test_general_limits_are_those_of_spans_and_log_records_that_have_none_of_their_own() -> None:
    """OTEL_ATTRIBUTE_COUNT_LIMIT and OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT."""
    general = {"OTEL_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "8"}
    names = [f"{item}_attribute_{what}_limit" for item in ("span", "log") for what in ("count", "value_length")]
    config, _ = resolve({}, None, general)
    assert [config[name] for name in names] == [7, 8, 7, 8]
    own = {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "1", "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "2"}
    config, _ = resolve({}, None, {**general, **own})
    assert [config[name] for name in names] == [1, 8, 7, 2]


QUIET: dict[str, Any] = {
    "traces_exporter": "none", "metrics_exporter": "none", "logs_exporter": "none", "stdout": "off",
}  # fmt: skip


def test_a_file_that_the_variable_names_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_CONFIG_FILE; other variables do not count beside it."""
    path = tmp_path / "otel.yaml"
    path.write_text(
        'file_format: "1.1"\n'
        "resource: {attributes: [{name: service.name, value: from-file}]}\n"
        "tracer_provider: {processors: [{simple: {exporter: {console: }}}], sampler: {always_off: }}\n"
        'distribution: {otel_trading: {stdout: "off"}}\n'
    )
    monkeypatch.setenv("OTEL_CONFIG_FILE", str(path))
    monkeypatch.setenv("OTEL_SERVICE_NAME", "from-variable")
    with ot.init() as telemetry:
        assert telemetry.resource.attributes["service.name"] == "from-file"
        assert not ot.tracer().start_span("order.submit").is_recording()


def test_propagators_of_the_variable_are_in_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_PROPAGATORS."""
    from opentelemetry import propagate

    monkeypatch.setenv("OTEL_PROPAGATORS", "baggage")
    with ot.init("x", **QUIET):
        assert propagate.get_global_textmap().fields == {"baggage"}


def test_limits_of_spans_are_in_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_SPAN_*, OTEL_EVENT_* and OTEL_LINK_*, in what is recorded."""
    for name, limit in {
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": 1, "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": 2, "OTEL_SPAN_EVENT_COUNT_LIMIT": 1,
        "OTEL_SPAN_LINK_COUNT_LIMIT": 1, "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": 2, "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": 0,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, str(limit))
    given = {"a": "abc", "b": "abc", "c": "abc"}
    with ot.init("x", **QUIET):
        span: Any = ot.tracer().start_span("order.submit", attributes=given)
        for _ in range(2):
            span.add_event("e", given)
            span.add_link(trace.SpanContext(1, 2, False), given)
    assert dict(span.attributes) == {"a": "ab"}
    assert [dict(event.attributes) for event in span.events] == [{"a": "ab", "b": "ab"}]
    assert [dict(link.attributes) for link in span.links] == [{}]
