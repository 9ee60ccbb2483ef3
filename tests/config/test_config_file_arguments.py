"""argument > file: what init() is given is put over what the file says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace

import otel_trading as ot
from otel_trading.config.plan import Plan
from otel_trading.config.plan_file import from_file
from otel_trading.config.resolve import resolve

FILE = """
file_format: "1.1"
propagator: {composite: [{baggage: }]}
tracer_provider:
  processors:
    - batch: {schedule_delay: 250, exporter: {otlp_http: {endpoint: "http://file:1/v1/traces", timeout: 1500}}}
    - batch: {exporter: {console: }}
  sampler: {otel_trading: {tick_ratio: 0.5}}
  limits: {event_count_limit: 5}
meter_provider:
  readers:
    - pull: {exporter: {prometheus/development: {port: 9999}}}
    - periodic: {exporter: {otlp_http: }}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "otel.yaml"
    made.write_text(FILE)
    return made


def planned(path: Path, **arguments: Any) -> Plan:
    return from_file(resolve(arguments, path, {})[0])


def test_without_arguments_the_file_counts(path: Path) -> None:
    """The base that the other tests change."""
    plan = planned(path)
    assert plan.traces is not None
    assert plan.endpoint is not None
    assert [batch.exporter.kind for batch in plan.traces.batches] == ["otlp_http", "console"]
    assert (plan.endpoint.port, plan.endpoint.port_explicit, plan.logs) == (9999, True, None)


def test_otlp_settings_change_every_otlp_exporter_of_the_file(path: Path) -> None:
    """What is not given stays as the file has it."""
    plan = planned(path, otlp_endpoint="http://argument:2", otlp_metrics_timeout_s=3.0, otlp_compression="gzip")
    assert plan.traces is not None
    assert plan.metrics is not None
    first, console = plan.traces.batches
    assert (first.exporter.endpoint, first.exporter.timeout_s, first.exporter.compression) == (
        "http://argument:2/v1/traces", 1.5, "gzip",
    )  # fmt: skip
    assert console.exporter.kind == "console"
    metrics = plan.metrics.batches[0].exporter
    assert (metrics.endpoint, metrics.timeout_s) == ("http://argument:2/v1/metrics", 3.0)


def test_exporters_batches_limits_and_the_endpoint_can_be_replaced(path: Path) -> None:
    """Each by the knob of its name."""
    plan = planned(
        path, traces_exporter="otlp", traces_queue_items=77, metrics_export_interval_s=2.0, prometheus_port=0,
        scope_info_enabled=False, span_event_count_limit=9, exemplar_filter="always_off", propagators=["tracecontext"],
    )  # fmt: skip
    assert plan.traces is not None
    assert plan.metrics is not None
    assert plan.endpoint is not None
    assert [(b.exporter.endpoint, b.queue_items) for b in plan.traces.batches] == [
        ("http://localhost:4318/v1/traces", 77)
    ]
    assert plan.traces.limits["events"] == 9
    assert (plan.metrics.batches[0].delay_s, plan.metrics.exemplar_filter) == (2.0, "always_off")
    assert (plan.endpoint.port, plan.endpoint.scope_info) == (0, False)
    assert (plan.propagators, plan.propagators_from_file) == (("tracecontext",), False)


def test_an_omitted_section_stays_a_no_op(path: Path) -> None:
    """The file has no logger_provider."""
    assert planned(path, logs_exporter="otlp", logs_queue_items=5).logs is None


@pytest.mark.parametrize(
    ("arguments", "description"),
    [({}, "ratio=0.5"), ({"tick_ratio": 0.75}, "ratio=0.75"), ({"traces_sampler": "always_off"}, "AlwaysOffSampler")],
)
def test_sampling_arguments_win_over_the_files_sampler(path: Path, arguments: Any, description: str) -> None:
    """Also single ratios."""
    quiet = {"traces_exporter": "none", "metrics_exporter": "none"}
    with ot.init("x", config_file=path, stdout="off", **quiet, **arguments):
        assert description in trace.get_tracer_provider().sampler.get_description()  # type: ignore[attr-defined]


def test_a_key_that_stands_twice_is_a_mistake(path: Path) -> None:
    """YAML would silently take the last."""
    path.write_text(FILE + "propagator: {}\n")
    with pytest.raises(
        ot.ConfigurationError, match=r"'propagator' \(from otel.yaml:14\) must be there once; was repeated"
    ):
        resolve({}, path, {})


def test_a_comma_in_a_pattern_of_the_environment_does_not_split_it() -> None:
    """One pattern, or a JSON list."""
    config, _ = resolve({}, None, {"OTEL_TRADING_REDACT_PATTERNS": r"ACC-\d{4,6}"})
    assert config["redact_patterns"] == (r"ACC-\d{4,6}",)
    config, _ = resolve({}, None, {"OTEL_TRADING_REDACT_PATTERNS": r'["ACC-\\d{4,6}", "x"]'})
    assert config["redact_patterns"] == (r"ACC-\d{4,6}", "x")
    with pytest.raises(ot.ConfigurationError, match="'redact_patterns' .*valid regular expressions"):
        resolve({}, None, {"OTEL_TRADING_REDACT_PATTERNS": "("})


def test_rules_stand_in_the_file_and_under_its_sampler(tmp_path: Path) -> None:
    """`distribution: otel_trading:`, or the sampler's own node; an argument wins."""
    text = """
file_format: "1.1"
tracer_provider:
  processors: [{simple: {exporter: {console: }}}]
  sampler:
    otel_trading:
      default_ratio: 1.0
      {under}
distribution:
  otel_trading:
    {beside}
    adaptive_sampling: false
"""
    rules = 'rules: [{names: ["report.*"], kinds: [internal], ratio: 0.5}]'
    empty = ("tick_ratio: 0.5", "tick_ratio: 0.5")
    quiet = {"stdout": "off", "traces_exporter": "none", "metrics_exporter": "none"}
    for number, (under, beside) in enumerate([(rules, empty[1]), (empty[0], f"sampling_{rules}")]):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text.replace("{under}", under).replace("{beside}", beside))
        for arguments, described in (({}, "ratio=0.5}"), ({"sampling_rules": []}, "")):
            with ot.init("x", config_file=path, **quiet, **arguments):
                description = trace.get_tracer_provider().sampler.get_description()  # type: ignore[attr-defined]
                assert ("report.* | internal" in description) == bool(described)
                assert described in description


def test_rules_in_the_environment_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is none is a mistake with its advice."""
    monkeypatch.setenv("OTEL_TRADING_SAMPLING_RULES", '[{"names": "report.*", "always": true}]')
    with ot.init("x", stdout="off"):
        assert "report.*" in trace.get_tracer_provider().sampler.get_description()  # type: ignore[attr-defined]
    for wrong, advice in (
        ("report.*", "JSON list"),
        ('{"names": "x"}', "a list of rules"),
        ("[5]", r"\[0\] is a mapping"),
    ):
        monkeypatch.setenv("OTEL_TRADING_SAMPLING_RULES", wrong)
        with pytest.raises(ot.ConfigurationError, match=advice):
            ot.init("x", stdout="off")
