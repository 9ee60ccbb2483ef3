"""What values refer to must be there; standard variables are forgiven, everything else is told together."""

from __future__ import annotations

from typing import Any

import pytest

import otel_trading as ot
from otel_trading.config.resolve import resolve


@pytest.mark.parametrize(
    ("variable", "text", "knob"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin", "traces_exporter"),
        ("OTEL_METRICS_EXPORTER", "zipkin", "metrics_exporter"),
        ("OTEL_LOGS_EXPORTER", "zipkin", "logs_exporter"),
        ("OTEL_TRACES_SAMPLER", "nobody", "traces_sampler"),
        ("OTEL_PROPAGATORS", "nobody", "propagators"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/none.pem", "otlp_certificate"),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0", "prometheus_host"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "-1", "span_attribute_count_limit"),
        ("OTEL_BSP_SCHEDULE_DELAY", "99999999999999999999", "traces_schedule_delay_s"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "1e400", "traces_export_timeout_s"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b%0Ac", "otlp_headers"),
    ],
)
def test_a_standard_variable_that_cannot_be_served_is_a_warning_and_the_default(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, knob: str
) -> None:
    """And init() goes through."""
    default = resolve({}, None, {})[0][knob]
    config, warnings = resolve({}, None, {variable: text})
    assert config[knob] == default
    assert any(warning.startswith(variable) for warning in warnings)
    monkeypatch.setenv(variable, text)
    with ot.init("x", stdout="off"), ot.tracer().start_as_current_span("order") as span:
        assert span.is_recording()


def test_everything_that_is_missing_is_told_together() -> None:
    """Exporter, sampler, propagator and file."""
    wrong: dict[str, Any] = {
        "logs_exporter": "zipkin", "traces_sampler": "nobody", "propagators": ["zz"], "otlp_client_key": "/none",
        "traces_schedule_delay_s": float("inf"), "otlp_headers": {"a": "b\nc"},
    }  # fmt: skip
    with pytest.raises(ot.ConfigurationError) as raised:
        resolve(wrong, None, {})
    assert sorted(problem.knob for problem in raised.value.problems) == sorted(wrong)


def test_the_result_is_frozen_and_defaults_are_not_shared() -> None:
    """Nobody changes the next init() by accident."""
    config, _ = resolve({"resource_attributes": {"a": "b"}}, None, {})
    with pytest.raises(TypeError):
        config.settings["tick_ratio"] = 1  # type: ignore[index]
    with pytest.raises(TypeError):
        config["resource_attributes"]["c"] = "d"
    with pytest.raises(TypeError):
        resolve({}, None, {})[0]["otlp_headers"]["c"] = "d"


def test_a_limit_of_zero_is_a_limit() -> None:
    """The specification allows it."""
    assert resolve({}, None, {"OTEL_SPAN_EVENT_COUNT_LIMIT": "0"})[0]["span_event_count_limit"] == 0
