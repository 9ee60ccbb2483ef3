"""Precedence, strict and forgiving sources, impossible combinations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_trading.config.kinds import Rejected
from otel_trading.config.knobs import KNOBS
from otel_trading.config.plan import from_knobs
from otel_trading.config.resolve import is_loopback, resolve
from otel_trading.ground.errors import ConfigurationError


def test_precedence_is_argument_then_own_then_standard_then_default() -> None:
    """Each source is taken away in turn."""
    environment = {"OTEL_TRADING_SERVICE_NAME": "own", "OTEL_SERVICE_NAME": "standard"}
    told = []
    for arguments, names in (
        ({"service_name": "argument"}, environment),
        ({}, environment),
        ({}, {"OTEL_SERVICE_NAME": "standard"}),
        ({}, {}),
    ):
        config, _ = resolve(arguments, None, names)
        told.append((config["service_name"], config.settings["service_name"].source))
    assert told == [
        ("argument", "argument"),
        ("own", "OTEL_TRADING_SERVICE_NAME"),
        ("standard", "OTEL_SERVICE_NAME"),
        (None, "default"),
    ]


def test_the_specific_signal_wins_over_the_general_of_the_same_source_only() -> None:
    """An argument for all signals beats a standard variable for one."""
    names = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://one:1/v1/traces",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://all:2",
    }
    plan = from_knobs(resolve({}, None, names)[0])
    assert plan.traces is not None
    assert plan.logs is not None
    assert plan.traces.batches[0].exporter.endpoint == "http://one:1/v1/traces"
    assert plan.logs.batches[0].exporter.endpoint == "http://all:2/v1/logs"
    argued = from_knobs(resolve({"otlp_endpoint": "http://mine:3/"}, None, names)[0])
    assert argued.traces is not None
    assert argued.traces.batches[0].exporter.endpoint == "http://mine:3/v1/traces"


STANDARD = {
    "OTEL_SDK_DISABLED": ("true", "disabled", True),
    "OTEL_RESOURCE_ATTRIBUTES": ("a=b,c=d%20e", "resource_attributes", {"a": "b", "c": "d e"}),
    "OTEL_LOG_LEVEL": ("warn", "diagnostics_level", "warning"),
    "OTEL_PROPAGATORS": ("tracecontext,baggage", "propagators", ("tracecontext", "baggage")),
    "OTEL_TRACES_SAMPLER": ("always_on", "traces_sampler", "always_on"),
    "OTEL_TRACES_SAMPLER_ARG": ("0.5", "traces_sampler_arg", "0.5"),
    "OTEL_TRACES_EXPORTER": ("otlp,console", "traces_exporter", ("otlp", "console")),
    "OTEL_METRICS_EXPORTER": ("none", "metrics_exporter", ("none",)),
    "OTEL_LOGS_EXPORTER": ("console", "logs_exporter", ("console",)),
    "OTEL_EXPORTER_OTLP_HEADERS": ("API-Key=x%3D1", "otlp_headers", {"api-key": "x=1"}),
    "OTEL_EXPORTER_OTLP_TIMEOUT": ("2500", "otlp_timeout_s", 2.5),
    "OTEL_EXPORTER_OTLP_COMPRESSION": ("gzip", "otlp_compression", "gzip"),
    "OTEL_EXPORTER_OTLP_CERTIFICATE": (__file__, "otlp_certificate", __file__),
    "OTEL_EXPORTER_OTLP_CLIENT_KEY": (__file__, "otlp_client_key", __file__),
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": (__file__, "otlp_client_certificate", __file__),
    "OTEL_EXPORTER_OTLP_PROTOCOL": ("grpc", "otlp_protocol", "grpc"),
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": ("Delta", "metrics_temporality", "delta"),
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": (
        "base2_exponential_bucket_histogram",
        "metrics_histogram_aggregation",
        "base2_exponential_bucket_histogram",
    ),
    "OTEL_METRICS_EXEMPLAR_FILTER": ("always_off", "exemplar_filter", "always_off"),
    "OTEL_METRIC_EXPORT_INTERVAL": ("1500", "metrics_export_interval_s", 1.5),
    "OTEL_METRIC_EXPORT_TIMEOUT": ("700", "metrics_export_timeout_s", 0.7),
    "OTEL_ATTRIBUTE_COUNT_LIMIT": ("7", "span_attribute_count_limit", 7),
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("9", "span_attribute_value_length_limit", 9),
    "OTEL_SPAN_EVENT_COUNT_LIMIT": ("5", "span_event_count_limit", 5),
    "OTEL_SPAN_LINK_COUNT_LIMIT": ("4", "span_link_count_limit", 4),
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": ("3", "event_attribute_count_limit", 3),
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": ("2", "link_attribute_count_limit", 2),
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": ("6", "log_attribute_count_limit", 6),
    "OTEL_BSP_SCHEDULE_DELAY": ("250", "traces_schedule_delay_s", 0.25),
    "OTEL_BSP_MAX_QUEUE_SIZE": ("99", "traces_queue_items", 99),
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE": ("33", "logs_batch_items", 33),
    "OTEL_EXPORTER_PROMETHEUS_HOST": ("127.0.0.1", "prometheus_host", "127.0.0.1"),
    "OTEL_EXPORTER_PROMETHEUS_PORT": ("9999", "prometheus_port", 9999),
}


@pytest.mark.parametrize("variable", STANDARD)
def test_a_standard_variable_sets_its_knob(variable: str) -> None:
    """Name, unit and spelling as in the specification."""
    text, knob, value = STANDARD[variable]
    config, warnings = resolve({}, None, {variable: text})
    assert config[knob] == value
    assert config.settings[knob].source == variable
    assert warnings == []


@pytest.mark.parametrize(
    ("variable", "text", "rule"),
    [
        ("OTEL_BSP_SCHEDULE_DELAY", "soon", "a number above 0 and at most 86400000"),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "70000", "an integer from 0 to 65535"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "an http:// or https:// address"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "http/protobuf or grpc"),
        ("OTEL_SDK_DISABLED", "yes", "true or false"),
    ],
)
def test_a_bad_standard_variable_is_a_warning_and_the_default(variable: str, text: str, rule: str) -> None:
    """The specification demands that it does not fail."""
    config, warnings = resolve({}, None, {variable: text})
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{variable} must be {rule}; was {text!r}. It is ignored and the default")
    assert all(setting.origin == "default" for setting in config.settings.values())


def test_a_timeout_that_looks_like_seconds_is_warned_about() -> None:
    """The specification's unit is milliseconds; other Python SDKs read seconds."""
    config, warnings = resolve({}, None, {"OTEL_EXPORTER_OTLP_TIMEOUT": "10"})
    assert config["otlp_timeout_s"] == 0.01
    assert "is 10 milliseconds by the specification. If seconds were meant, write 10000." in warnings[0]


def test_several_mistakes_are_reported_together_with_source_rule_value_and_advice() -> None:
    """Arguments and our own variables are strict."""
    with pytest.raises(ConfigurationError) as raised:
        resolve({"tick_ratoi": 1, "tick_ratio": "1"}, None, {"OTEL_TRADING_STDOUT": "xml", "OTEL_TRADING_DEKS": "eq"})
    assert str(raised.value).splitlines() == [
        "4 mistakes in the configuration:",
        "  'stdout' (from OTEL_TRADING_STDOUT) must be one of auto, json, console, off; was 'xml'. "
        "Write one of these words.",
        "  'OTEL_TRADING_DEKS' (from environment) must be a known variable; was unknown. Did you mean OTEL_TRADING_DESK?",
        "  'tick_ratoi' (from argument) must be a known argument of init(); was unknown. Did you mean 'tick_ratio'?",
        "  'tick_ratio' (from argument) must be a number from 0 to 1; was '1'. Write a number without quotes.",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"traces_batch_items": 10, "traces_queue_items": 5}, "at most traces_queue_items (5); was 10"),
        ({"prometheus_certificate": __file__}, "given together with prometheus_key; was"),
        ({"prometheus_key": __file__}, "given together with prometheus_certificate; was"),
        ({"prometheus_host": "0.0.0.0"}, "a loopback address, or protected by prometheus_token"),
    ],
)
def test_impossible_combinations_are_rejected(arguments: dict[str, object], message: str) -> None:
    """Each value is possible, together they are not."""
    with pytest.raises(ConfigurationError) as raised:
        resolve(arguments, None, {})
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "protection",
    [
        {"prometheus_token": "t"},
        {"allow_insecure": True},
        {"prometheus_certificate": __file__, "prometheus_key": __file__},
    ],
)
def test_an_open_address_is_allowed_with_protection_or_in_so_many_words(protection: dict[str, object]) -> None:
    """TLS, a token, or allow_insecure."""
    assert resolve({"prometheus_host": "0.0.0.0", **protection}, None, {})[0]["prometheus_host"] == "0.0.0.0"


def test_secrets_are_masked_when_printed_and_in_messages() -> None:
    """Headers and tokens never appear."""
    config, _ = resolve({"prometheus_token": "s3cret"}, None, {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=s3cret"})
    assert "s3cret" not in repr(config.rows())
    with pytest.raises(ConfigurationError) as raised:
        resolve({"prometheus_token": 5, "otlp_headers": 7}, None, {"OTEL_TRADING_OTLP_TRACES_HEADERS": "s3cret"})
    assert "s3cret" not in str(raised.value)
    assert str(raised.value).count("was ***") == 3


def test_credentials_in_addresses_are_masked_when_printed_and_in_messages() -> None:
    """In an argument, a variable, and an address that cannot be used."""
    variables = {"OTEL_TRADING_JAEGER_URL": "https://desk:s3cret@jaeger.internal", "OTEL_TRADING_KIBANA_URL": ""}
    config, _ = resolve({"elasticsearch_url": "https://elastic:s3cret@es.internal:9200"}, None, variables)
    shown = {row["name"]: row["value"] for row in config.rows()}
    assert shown["elasticsearch_url"] == "https://***@es.internal:9200"
    assert shown["jaeger_url"] == "https://***@jaeger.internal"
    assert config["jaeger_url"] == "https://desk:s3cret@jaeger.internal"
    with pytest.raises(ConfigurationError) as raised:
        resolve({}, None, {"OTEL_TRADING_JAEGER_URL": "ftp://desk:s3cret@jaeger"})
    assert "s3cret" not in str(raised.value)
    assert "ftp://***@jaeger" in str(raised.value)


def test_an_empty_variable_is_not_set() -> None:
    """As the specification says."""
    config, warnings = resolve({}, None, {"OTEL_SERVICE_NAME": "", "OTEL_TRADING_TICK_RATIO": " "})
    assert (config["service_name"], warnings) == (None, [])


def test_every_default_passes_its_own_validator() -> None:
    """The table agrees with itself."""
    for knob in KNOBS.values():
        if knob.default is not None:
            assert knob.kind.from_value(knob.default) == knob.default, knob.name


def test_names_of_knobs_and_variables_are_unique() -> None:
    """No variable sets two knobs of the same meaning by accident; two signals may share a general limit."""
    variables = [knob.environment for knob in KNOBS.values()]
    assert len(set(variables)) == len(variables)
    shared = {"OTEL_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"}
    standard = [name for knob in KNOBS.values() for name in knob.standard if name not in shared]
    assert len(set(standard)) == len(standard)


@given(st.text(), st.sampled_from(sorted(KNOBS)))
def test_any_text_gives_a_value_or_a_rule(text: str, name: str) -> None:
    """No other exception leaves a kind."""
    try:
        KNOBS[name].kind.from_text(text)
    except Rejected as rejected:
        assert rejected.rule
        assert rejected.advice.endswith(".")


@given(
    st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.integers())),
    st.sampled_from(sorted(KNOBS)),
)
def test_any_object_gives_a_value_or_a_rule(value: object, name: str) -> None:
    """No other exception leaves a kind."""
    try:
        KNOBS[name].kind.from_value(value)
    except Rejected as rejected:
        assert rejected.rule


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("example.com", False),
        ("::", False),
    ],
)
def test_loopback_is_known_without_resolving_names(host: str, loopback: bool) -> None:
    """Names are not looked up."""
    assert is_loopback(host) is loopback
