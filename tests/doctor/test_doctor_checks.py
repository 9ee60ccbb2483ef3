"""Checks of what surrounds the service: clocks, versions, variables, other instrumentation, the port, second ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.servers import free_port, hang, raw_server

import otel_trading as ot
from otel_trading.config.plan import EndpointPlan
from otel_trading.config.resolve import resolve
from otel_trading.doctor import clocks, instrumented, metrics_port, packages, second_path, variables
from otel_trading.doctor.finding import Finding, State, exit_code, failed, ok, skipped, warning
from otel_trading.doctor.instrumented import Plugin
from otel_trading.doctor.metrics_port import Holder
from otel_trading.doctor.route import plan_of, routes
from otel_trading.doctor.second_path import Ways


@pytest.mark.parametrize(
    ("offsets", "state", "words"),
    [
        ({}, State.SKIPPED, ""),
        ({"Jaeger": 0.4, "collector": -0.9}, State.OK, ""),
        ({"Jaeger": 5.0, "collector": 5.5}, State.WARNING, "This machine's clock is 5 s behind"),
        ({"Jaeger": -3600.0, "collector": -3599.0}, State.FAILED, "This machine's clock is 1.0 h ahead"),
        ({"Jaeger": 0.2, "Prometheus": 0.1, "collector": 200.0}, State.FAILED, "collector is 3 min ahead"),
    ],
)
def test_clocks_are_compared_and_the_odd_one_is_named(offsets: dict[str, float], state: State, words: str) -> None:
    """The majority decides whose clock is wrong."""
    found = clocks.diagnose(offsets)
    assert state is found.state
    assert words in found.cause
    assert (found.fault == "clock_off") == (state in (State.WARNING, State.FAILED))


VERSIONS = {"opentelemetry-sdk": "1.45.1", "opentelemetry-api": "1.45.1", "opentelemetry-instrumentation": "0.66b1"}


@pytest.mark.parametrize(
    ("changed", "requirements", "fault", "words"),
    [
        ({}, ["opentelemetry-sdk>=1.44,<2", 'numpy; extra == "dev"'], "", ""),
        ({"opentelemetry-sdk": "1.30.0"}, ["opentelemetry-sdk>=1.44,<2"], "version_unmet", "opentelemetry-sdk 1.30.0 is not"),
        ({}, ["structlog>=24.1"], "version_unmet", "structlog is missing"),
        ({"opentelemetry-instrumentation-requests": "0.60b0"}, [], "version_mixed", "opentelemetry-instrumentation-requests 0.60b0"),
        ({"opentelemetry-api": "1.44.0"}, [], "version_mixed", "opentelemetry-api 1.44.0"),
        ({"opentelemetry-instrumentation-openai-v2": "2.1b0", "opentelemetry-propagator-aws-xray": "1.0.2"}, ["not a requirement!"], "", ""),
    ],
)  # fmt: skip
def test_versions_that_do_not_belong_together_are_named(
    changed: dict[str, str], requirements: list[str], fault: str, words: str
) -> None:
    """Stable packages and betas of one release have minor numbers 21 apart."""
    found = packages.diagnose({**VERSIONS, **changed}, requirements)
    assert fault == found.fault
    assert words in found.detail


def test_what_is_installed_here_belongs_together() -> None:
    """The real metadata of this environment."""
    found = packages.diagnose(packages.installed(), packages.needed())
    assert (State.OK, "") == (found.state, found.cause)
    assert "opentelemetry-sdk" in found.detail


def of_environment(environment: dict[str, str]) -> Finding:
    config, warnings = resolve({}, None, environment)
    return variables.diagnose(environment, config, warnings, routes(plan_of(config)))


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"OTEL_EXPORTER_OLTP_ENDPOINT": "http://h"}, "did you mean OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"OTEL_BSP_SCHEDULE_DELAY": "soon"}, "OTEL_BSP_SCHEDULE_DELAY must be a number"),
        ({"OTEL_TRADING_SERVICE_NAME": "a", "OTEL_SERVICE_NAME": "b"}, "OTEL_TRADING_SERVICE_NAME counts and OTEL_SERVICE_NAME"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4317"}, "h:4317 is asked by http/protobuf, and that port is usually for grpc"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "https_proxy": "http://p"}, "through the proxy of https_proxy"),
    ],
)  # fmt: skip
def test_variables_that_are_not_meant_so_are_named(environment: dict[str, str], words: str) -> None:
    """A warning: what counts in the end is decided by the hops."""
    found = of_environment(environment)
    assert (State.WARNING, "environment") == (found.state, found.fault)
    assert words in found.cause


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318", "OTEL_PYTHON_LOG_CORRELATION": "true", "PATH": "/bin"},
        {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc", "https_proxy": "http://p", "no_proxy": "localhost"},
        {"OTEL_SOMETHING_OF_A_COLLECTOR_DISTRIBUTION": "1"},
    ],
)
def test_an_ordinary_environment_is_ok(environment: dict[str, str]) -> None:
    """Nothing is said of what cannot be judged."""
    assert State.OK is of_environment(environment).state


def test_variables_beside_a_file_do_not_count_and_are_named(tmp_path: Path) -> None:
    """Unless the file names them."""
    path = tmp_path / "otel.yaml"
    path.write_text(
        'file_format: "1.1"\nresource:\n  attributes:\n    - {name: service.name, value: "${OTEL_SERVICE_NAME:-x}"}\n'
    )
    environment = {"OTEL_SERVICE_NAME": "risk", "OTEL_TRACES_EXPORTER": "none"}
    config, warnings = resolve({}, path, environment)
    found = variables.diagnose(environment, config, warnings, [])
    assert "OTEL_TRACES_EXPORTER do not count" in found.cause
    assert "OTEL_SERVICE_NAME" not in found.cause


OURS = [
    Plugin("opentelemetry_distro", "otel_trading", "otel-trading"),
    Plugin("opentelemetry_configurator", "otel_trading", "otel-trading"),
]
THEIRS = Plugin("opentelemetry_distro", "distro", "opentelemetry-distro")
AUTO = "/site/opentelemetry/instrumentation/auto_instrumentation:/app"


@pytest.mark.parametrize(
    ("environment", "found", "versions", "words"),
    [
        ({}, OURS, {}, ""),
        ({"PYTHONPATH": AUTO}, OURS, {}, ""),
        ({"PYTHONPATH": AUTO}, [*OURS, THEIRS], {}, "PYTHONPATH starts opentelemetry-instrument"),
        ({"PYTHONPATH": AUTO, "OTEL_PYTHON_DISTRO": "otel_trading"}, [*OURS, THEIRS], {}, "offers a distro"),
        ({"PYTHONPATH": "/site/ddtrace/bootstrap"}, OURS, {}, "ddtrace-run"),
        ({"OTEL_PYTHON_TRACER_PROVIDER": "sdk_tracer_provider"}, OURS, {}, "another provider"),
        ({}, OURS, {"ddtrace": "3.0"}, "ddtrace is installed"),
        ({"OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true"}, OURS, {}, "second handler"),
        ({"PYTHONPATH": AUTO}, OURS, {"opentelemetry-instrumentation-logging": "0.66b1"}, "second handler"),
        (
            {},
            [Plugin("opentelemetry_instrumentor", "requests", name) for name in ("a", "b")],
            {},
            "a and b both instrument requests",
        ),
    ],
)
def test_whoever_else_instruments_is_named(
    environment: dict[str, str], found: list[Plugin], versions: dict[str, str], words: str
) -> None:
    """By variables, entry points and installed agents."""
    finding = instrumented.diagnose(environment, found, versions)
    assert (State.OK if words == "" else State.WARNING) is finding.state
    assert words in finding.cause


def test_nobody_else_instruments_this_environment() -> None:
    """The real entry points."""
    assert State.OK is instrumented.diagnose({}, instrumented.plugins(), packages.installed()).state


@pytest.mark.parametrize(
    ("plan", "holder", "state", "fault"),
    [
        (None, None, State.SKIPPED, ""),
        (EndpointPlan(), None, State.SKIPPED, ""),
        (EndpointPlan(port=0), Holder(False), State.OK, ""),
        (EndpointPlan(), Holder(False), State.OK, ""),
        (EndpointPlan(), Holder(True, service="risk"), State.OK, ""),
        (EndpointPlan(), Holder(True, what="nginx answers 200"), State.WARNING, "port_taken"),
        (EndpointPlan(port_explicit=True), Holder(True, what="nginx answers 200"), State.FAILED, "port_taken"),
        (EndpointPlan(), Holder(False, unusable="Cannot assign"), State.FAILED, "port_unusable"),
    ],
)
def test_the_port_of_metrics_is_judged(
    plan: EndpointPlan | None, holder: Holder | None, state: State, fault: str
) -> None:
    """A port that somebody asked for has no substitute."""
    found = metrics_port.diagnose(plan, holder)
    assert (state, fault) == (found.state, found.fault)


def test_who_has_the_port_is_found_out() -> None:
    """Nobody, a service of ours, somebody who hangs."""
    port = free_port()
    plan = EndpointPlan("127.0.0.1", port)
    assert Holder(False) == metrics_port.look(plan, 1.0)
    assert metrics_port.look(EndpointPlan("a..b", port), 1.0).unusable
    with ot.init(
        "risk", metrics_exporter=["prometheus"], prometheus_host="127.0.0.1", prometheus_port=port, stdout="off"
    ):
        assert Holder(True, service="risk") == metrics_port.look(plan, 5.0)
    with raw_server(hang) as url:
        holder = metrics_port.look(EndpointPlan("127.0.0.1", int(url.rsplit(":", 1)[1])), 0.3)
    assert (True, "", "no whole answer in time") == (holder.anybody, holder.service, holder.what)


@pytest.mark.parametrize(
    ("ways", "words"),
    [
        (Ways(), ""),
        (Ways("risk", 10, 0), ""),
        (Ways("risk", 0, 10), ""),
        (Ways("risk", 10, 10), "Log records of risk came by OTLP (10) and from its JSON lines (10)"),
        (Ways(metrics_otlp=True), ""),
        (Ways(metrics_otlp=True, metrics_scraped=True), "Metrics come by OTLP and by scrape"),
        (Ways(twice=("spans: h:4318",)), "Two exporters send the same: spans: h:4318"),
    ],
)
def test_a_second_way_is_named(ways: Ways, words: str) -> None:
    """With what to leave out."""
    found = second_path.diagnose(ways)
    assert (State.OK if words == "" else State.WARNING) is found.state
    assert words in found.cause
    assert bool(words) == bool(found.remedy)


def test_a_second_way_that_is_only_possible_is_mentioned() -> None:
    """The defaults have both; whether somebody ships standard output cannot be seen from here."""
    found = second_path.diagnose(Ways(lines_too=True, served_too=True))
    assert State.OK is found.state
    assert "no sign of one; standard output has the log lines too" in found.detail
    assert "/metrics has what goes by OTLP too" in found.detail


def test_a_service_with_quotation_marks_stays_within_its_search_line() -> None:
    """The name comes from configuration."""
    assert 'service.name:"a\\" OR \\"b"' in second_path.by_otlp('a" OR "b')


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: ok("a", "b"), 0),
        (lambda: skipped("a", "b"), 0),
        (lambda: warning("a", "b", "c", "d", "e"), 0),
        (lambda: failed("a", "b", "c", "d", "e"), 1),
    ],
)
def test_only_what_failed_fails(make: Callable[[], Finding], code: int) -> None:
    """Skipped stores and warnings do not."""
    assert code == exit_code([ok("x", "y"), make()])
