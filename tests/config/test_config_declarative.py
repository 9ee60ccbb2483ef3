"""The declarative file: every mistake with its line, references, and a plan from what it says."""

from __future__ import annotations

import textwrap
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from opentelemetry import trace

import otel_trading as ot
from otel_trading.config.plan import Plan
from otel_trading.config.plan_file import from_file
from otel_trading.config.resolve import resolve
from otel_trading.ground.errors import ConfigurationError
from otel_trading.testing import capture


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "otel.yaml"
    path.write_text(textwrap.dedent(text).lstrip())
    return path


def plan_of(tmp_path: Path, text: str, **environment: str) -> Plan:
    return from_file(resolve({}, written(tmp_path, text), environment)[0])


def test_five_mistakes_are_reported_together_each_with_its_line(tmp_path: Path) -> None:
    """The stock loader reports one, without a line, and lets the first of these pass."""
    path = written(
        tmp_path,
        """
        file_format: "1.1"
        tracer_providr: {}
        tracer_provider:
          processors:
            - batch:
                schedule_delay: soon
                exporter: {otlp_htttp: {}}
          limits:
            event_count_limit: -1
        distribution:
          otel_trading:
            tick_ratio: 7
        """,
    )
    with pytest.raises(ot.ConfigurationError) as raised:
        ot.init("x", config_file=path)
    assert str(raised.value).splitlines() == [
        "5 mistakes in the configuration:",
        "  'tracer_providr' (from otel.yaml:2) must be a known key; was unknown. Did you mean 'tracer_provider'?",
        "  'tracer_provider.processors[0].batch.schedule_delay' (from otel.yaml:6) must be an integer; was 'soon'. "
        "Write it without quotes.",
        "  'tracer_provider.processors[0].batch.exporter.otlp_htttp' (from otel.yaml:7) must be a known key; "
        "was unknown. Did you mean 'otlp_http'?",
        "  'tracer_provider.limits.event_count_limit' (from otel.yaml:9) must be at least 0; was -1. "
        "Choose a value within the bounds.",
        "  'tick_ratio' (from otel.yaml:12) must be a number from 0 to 1; was 7. Choose a value within the bounds.",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be a YAML mapping; was empty"),
        ("- 1\n", "must be a YAML mapping; was list"),
        ("a: [1\nb: 2\n", "must be valid YAML"),
        ("log_level: info\n", "'file_format' (from otel.yaml:1) must be present; was missing"),
        ('file_format: "2.0"\n', "'file_format' (from otel.yaml:1) must be a version 1.x; was '2.0'"),
        ('file_format: "1.1"\nlog_level: loud\n', "'log_level' (from otel.yaml:2) must be one of trace"),
        ('file_format: "1.1"\nlog_level: ${}\n', "'log_level' (from otel.yaml:2) must be a valid reference; was '${}'"),
        (
            'file_format: "1.1"\ndistribution:\n  otel_tradin: {}\n',
            "'distribution.otel_tradin' (from otel.yaml:3) must be a known key; was unknown. Did you mean 'otel_trading'?",
        ),
        (
            'file_format: "1.1"\ndistribution:\n  otel_trading:\n    otlp_endpoint: http://x\n',
            "'otlp_endpoint' (from otel.yaml:4) must be outside of our node",
        ),
        (
            'file_format: "1.1"\ntracer_provider:\n  processors: [{simple: {exporter: {console: }}}]\n  sampler:\n    nobody: {}\n',
            "'tracer_provider.sampler.nobody' (from otel.yaml:5) must be a known key",
        ),
    ],
)
def test_a_mistake_names_key_line_rule_and_value(tmp_path: Path, text: str, message: str) -> None:
    """The rendered text, because messages rot."""
    path = tmp_path / "otel.yaml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        resolve({}, path, {})
    assert message in str(raised.value)


def test_a_missing_file_is_a_clear_error() -> None:
    """Not a traceback of open()."""
    with pytest.raises(ConfigurationError, match=r"'config_file' \(from /nowhere.yaml\) must be a readable file"):
        resolve({}, "/nowhere.yaml", {})


FULL = """
file_format: "1.1"
resource:
  attributes:
    - {name: service.name, value: "${NAME:-from-file}"}
propagator:
  composite: [{tracecontext: }]
tracer_provider:
  processors:
    - batch:
        schedule_delay: 250
        max_queue_size: ${QUEUE:-100}
        exporter:
          otlp_http:
            endpoint: http://127.0.0.1:1/v1/traces
            timeout: 1500
            headers: [{name: API-Key, value: "$${literal}"}]
            compression: gzip
  sampler:
    otel_trading: {tick_ratio: 0.5, default_ratio: 0.25}
meter_provider:
  readers:
    - pull: {exporter: {prometheus/development: {host: 127.0.0.1, port: 0, scope_info_enabled: false}}}
    - periodic:
        interval: 2500
        exporter: {otlp_http: {temporality_preference: delta}}
  views:
    - {selector: {instrument_name: renamed}, stream: {name: new.name}}
logger_provider:
  processors:
    - simple: {exporter: {console: }}
distribution:
  otel_trading:
    stdout: "off"
    views:
      - {match: "risk.*", boundaries: microseconds}
"""


def test_what_the_file_says_becomes_the_plan(tmp_path: Path) -> None:
    """Milliseconds become seconds, references are replaced and typed, escapes stay literal."""
    plan = plan_of(tmp_path, FULL, QUEUE="4000", OTEL_BSP_SCHEDULE_DELAY="9999")
    assert plan.traces is not None
    assert plan.metrics is not None
    assert plan.logs is not None
    assert plan.endpoint is not None
    batch = plan.traces.batches[0]
    assert (batch.delay_s, batch.queue_items, batch.exporter.timeout_s) == (0.25, 4000, 1.5)
    assert batch.exporter.headers == {"api-key": "${literal}"}
    assert batch.exporter.compression == "gzip"
    assert (plan.traces.sampler, plan.traces.sampler_settings["tick_ratio"]) == ("otel_trading", 0.5)
    assert (plan.metrics.batches[0].delay_s, plan.metrics.batches[0].temporality) == (2.5, "delta")
    assert (plan.endpoint.host, plan.endpoint.port, plan.endpoint.scope_info) == ("127.0.0.1", 0, False)
    assert plan.logs.batches[0].exporter.kind == "console"


def test_a_file_configures_everything_it_names(tmp_path: Path) -> None:
    """Resource, views and sampler of the file are in effect; arguments win over it."""
    path = written(tmp_path, FULL)
    with ot.init(config_file=path, environment="prod") as telemetry:
        assert telemetry.resource.attributes["service.name"] == "from-file"
        assert telemetry.resource.attributes["deployment.environment.name"] == "prod"
        assert telemetry.metrics_url is not None
        assert telemetry.metrics_url.startswith("http://127.0.0.1:")
        description = trace.get_tracer_provider().sampler.get_description()  # type: ignore[attr-defined]
        assert "ratio=0.5" in description
        assert "ratio=0.25" in description


def test_an_omitted_provider_is_a_no_op_and_a_file_with_none_is_said(tmp_path: Path) -> None:
    """A file with nothing but our node is a likely mistake."""
    path = written(tmp_path, 'file_format: "1.1"\ndistribution:\n  otel_trading: {stdout: "off"}\n')
    config, warnings = resolve({}, path, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://ignored"})
    plan = from_file(config)
    assert (plan.traces, plan.metrics, plan.logs, plan.endpoint) == (None, None, None, None)
    assert len(warnings) == 1
    assert "configures no tracer_provider, meter_provider or logger_provider, so nothing is sent" in warnings[0]


def test_the_environment_does_not_count_beside_a_file(tmp_path: Path) -> None:
    """Neither OTEL_* nor OTEL_TRADING_*."""
    path = written(tmp_path, 'file_format: "1.1"\ntracer_provider: {processors: [{simple: {exporter: {console: }}}]}\n')
    config, _ = resolve({}, path, {"OTEL_TRADING_TICK_RATIO": "0.7", "OTEL_SERVICE_NAME": "x"})
    assert (config["tick_ratio"], config["service_name"]) == (0.01, None)


def test_references_in_comments_and_keys_are_not_touched_and_quotes_keep_text(tmp_path: Path) -> None:
    """Only values, after parsing; a quoted reference stays a string."""
    path = written(
        tmp_path,
        """
        # ${BROKEN
        file_format: "${V}"
        tracer_provider:
          processors: []
          limits: {event_count_limit: "${N}"}
        """,
    )
    with pytest.raises(ConfigurationError, match="event_count_limit' .* must be an integer; was '5'"):
        resolve({}, path, {"V": "1.1", "N": "5"})


def test_every_row_of_a_file_tells_its_line_and_header_values_are_masked(tmp_path: Path) -> None:
    """What `otel-trading config` prints."""
    config, _ = resolve({}, written(tmp_path, FULL), {})
    rows = {row["name"]: row for row in config.rows()}
    assert rows["tracer_provider.processors[0].batch.schedule_delay"]["value"] == 250
    assert rows["tracer_provider.processors[0].batch.schedule_delay"]["source"] == "otel.yaml:10"
    assert rows["tracer_provider.processors[0].batch.exporter.otlp_http.headers[0].value"]["value"] == "***"
    assert rows["stdout"]["source"].startswith("otel.yaml:")


def test_a_bad_view_in_the_file_names_its_line(tmp_path: Path) -> None:
    """Views are checked where they are understood."""
    text = FULL.replace("boundaries: microseconds", "boundaries: lightyears")
    with pytest.raises(
        ConfigurationError, match=r"views\[0\]' \(from otel.yaml:\d+\).*ready-made boundaries.*lightyears"
    ):
        ot.init(config_file=written(tmp_path, text))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("propagator: {composite: [{xray: }]}", r"'propagator' \(from otel.yaml:\d+\).*Plugin 'xray' not found"),
        (
            "resource: {detection/development: {detectors: [{nobody: }]}}",
            r"'resource' \(from otel.yaml:\d+\).*Plugin 'nobody' not found",
        ),
        (
            "tracer_provider: {processors: [{simple: {exporter: {console: }}}], sampler: "
            "{jaeger_remote/development: {endpoint: 'http://x', initial_sampler: {always_on: }}}}",
            r"'tracer_provider.sampler' \(from otel.yaml:\d+\).*Unsupported sampler",
        ),
    ],
)
def test_a_section_that_nobody_here_can_serve_names_its_line(tmp_path: Path, section: str, message: str) -> None:
    """The schema lets it pass; the packages are missing."""
    text = 'file_format: "1.1"\n' + section + "\n"
    if "tracer_provider" not in text:
        text += "tracer_provider: {processors: [{simple: {exporter: {console: }}}]}\n"
    with pytest.raises(ConfigurationError, match=message):
        ot.init(config_file=written(tmp_path, text))


def test_the_example_file_is_valid_and_starts(tmp_path: Path) -> None:
    """`otel-trading config --example`."""
    from otel_trading.config.generate import example

    path = tmp_path / "example.yaml"
    path.write_text(example().replace("port: 9464", "port: 0"))
    config, warnings = resolve({}, path, {})
    assert warnings == []
    assert from_file(config).traces is not None
    uncommented = example().replace("    # ", "    ")
    keys = [line.strip().split(":")[0] for line in uncommented.splitlines() if line.startswith("    ") and ": " in line]
    assert "tick_ratio" in keys


def test_capture_works_beside_a_file_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """OTEL_CONFIG_FILE of the shell that runs tests is a mistake that is told, not a hang."""
    monkeypatch.setenv("OTEL_CONFIG_FILE", "/nowhere.yaml")
    with pytest.raises(ConfigurationError, match="readable file"), capture():
        pass


def test_limits_of_readers_and_views_and_excluded_keys_of_the_file_are_in_effect(tmp_path: Path) -> None:
    """By kind of instrument at the reader, by stream at the view."""
    text = """
    file_format: "1.1"
    meter_provider:
      readers:
        - pull:
            exporter: {prometheus/development: {host: 127.0.0.1, port: 0, scope_info_enabled: false}}
            cardinality_limits: {default: 6, counter: 4}
      views:
        - selector: {instrument_name: limited}
          stream: {aggregation_cardinality_limit: 3}
        - selector: {instrument_name: filtered}
          stream: {attribute_keys: {excluded: ["order.*"]}}
    distribution: {otel_trading: {own_metrics: false, stdout: "off"}}
    """
    with ot.init(config_file=written(tmp_path, text)) as telemetry:
        for name in ("counted", "limited", "filtered"):
            counter = ot.meter().create_counter(name)
            for number in range(10):
                counter.add(1, {"n": number} if name != "filtered" else {"order.id": number, "venue": "x"})
        level = ot.meter().create_gauge("level")
        for number in range(10):
            level.set(number, {"n": number})
        assert telemetry.metrics_url is not None
        with urllib.request.urlopen(telemetry.metrics_url) as page:
            lines = [line for line in page.read().decode().splitlines() if line and line[0] != "#"]
    found = Counter(line.partition("{")[0] for line in lines)
    assert (found["counted_total"], found["limited_total"], found["level"]) == (4, 3, 6)
    assert [line for line in lines if line.startswith("filtered")] == ['filtered_total{venue="x"} 10']
