"""The server of /metrics and /health: limits, token, TLS, checks with time limits."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.certificates import localhost
from support.servers import wait_until

import otel_trading as ot
from otel_trading.config.plan import EndpointPlan
from otel_trading.health.checks import run_all
from otel_trading.health.report import report
from otel_trading.health.server import Server, listen


def page(_headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
    return 200, b"hello\n", {"Content-Type": "text/plain"}


@pytest.fixture
def server() -> Iterator[Server]:
    made = listen(EndpointPlan("127.0.0.1", 0), {"/metrics": page})
    yield made
    made.stop()


def get(server: Server, path: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=5)
    try:
        connection.request(method, path, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def test_known_paths_are_served_and_others_are_not(server: Server) -> None:
    """The stock server answers any path."""
    assert get(server, "/metrics") == (200, b"hello\n")
    assert get(server, "/metrics?name=x") == (200, b"hello\n")
    assert get(server, "/metrics", "HEAD") == (200, b"")
    assert get(server, "/other") == (404, b"Here are /metrics.\n")
    assert get(server, "/metrics", "POST")[0] == 405


def test_a_page_that_fails_is_500_and_the_next_request_is_served(server: Server) -> None:
    """One bad scrape costs that scrape."""

    def fails(_headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        raise RuntimeError("no")

    server.pages["/bad"] = fails
    assert get(server, "/bad")[0] == 500
    assert get(server, "/metrics")[0] == 200


def test_a_token_is_demanded_where_one_is_set() -> None:
    """401 without it."""
    server = listen(EndpointPlan("127.0.0.1", 0, token="s3cret"), {"/metrics": page})
    try:
        assert get(server, "/metrics")[0] == 401
        assert get(server, "/metrics", Authorization="Bearer wrong")[0] == 401
        assert get(server, "/metrics", Authorization="Bearer s3cret") == (200, b"hello\n")
    finally:
        server.stop()


def test_tls_is_served_where_a_certificate_is_set(tmp_path: Path) -> None:
    """And a plain request gets nothing."""
    authority, certificate, key = localhost(tmp_path)
    knobs = {"prometheus_certificate": str(certificate), "prometheus_key": str(key), "metrics_exporter": "prometheus"}
    with ot.init("x", prometheus_port=0, stdout="off", **knobs) as telemetry:
        assert telemetry.metrics_url is not None
        assert telemetry.metrics_url.startswith("https://localhost:")
        context = ssl.create_default_context(cafile=str(authority))
        with urllib.request.urlopen(telemetry.metrics_url, context=context) as reply:
            assert reply.status == 200
        with pytest.raises((urllib.error.URLError, ConnectionError, http.client.HTTPException)):
            urllib.request.urlopen(telemetry.metrics_url.replace("https", "http"))


def test_port_zero_takes_any_and_ipv6_works() -> None:
    """The real port is told."""
    server = listen(EndpointPlan("::1", 0), {"/metrics": page})
    try:
        connection = http.client.HTTPConnection("::1", server.server_port, timeout=5)
        connection.request("GET", "/metrics")
        assert connection.getresponse().status == 200
        connection.close()
    finally:
        server.stop()


def test_the_default_address_is_loopback_only() -> None:
    """Positions and P&L may be read there."""
    with ot.init("x", metrics_exporter="prometheus", prometheus_port=0, stdout="off") as telemetry:
        assert telemetry._server is not None
        assert telemetry._server.server_address[0] in ("127.0.0.1", "::1")


CHECKS: list[tuple[Any, bool, str]] = [
    (lambda: True, True, ""),
    (lambda: None, True, ""),
    (lambda: "3 venues", True, "3 venues"),
    (lambda: False, False, ""),
    (lambda: 1 / 0, False, "ZeroDivisionError: division by zero"),
    (lambda: (_ for _ in ()).throw(SystemExit(3)), False, "SystemExit: 3"),
]


@pytest.mark.parametrize(("function", "passed", "detail"), CHECKS)
def test_a_check_passes_or_fails_by_what_it_returns_or_raises(function: Any, passed: bool, detail: str) -> None:
    """Nothing that it does reaches the server."""
    remove = ot.health_check("breaker", function)
    try:
        verdict = run_all()["breaker"]
        assert (verdict.passed, verdict.detail) == (passed, detail)
    finally:
        remove()
    assert "breaker" not in run_all()


def test_a_check_that_hangs_fails_in_time_and_is_not_started_again() -> None:
    """Each has its own limit, and they run side by side."""
    gate, started = threading.Event(), []

    def hangs() -> bool:
        started.append(1)
        return gate.wait(30)

    removes = [ot.health_check("slow", hangs, timeout_s=0.1), ot.health_check("quick", lambda: True)]
    try:
        for _ in range(3):
            verdicts = run_all()
            assert (verdicts["slow"].passed, verdicts["slow"].detail) == (False, "takes longer than 0.1 s")
            assert verdicts["quick"].passed
        assert len(started) == 1
        gate.set()
        wait_until(lambda: run_all()["slow"].passed)
    finally:
        gate.set()
        for remove in removes:
            remove()


@pytest.mark.parametrize(
    ("check_passed", "troubles", "code", "status"),
    [
        (True, {}, 200, "ok"),
        (True, {"x": 1}, 200, "degraded"),
        (False, {}, 503, "failing"),
        (False, {"x": 1}, 503, "failing"),
    ],
)
def test_only_the_applications_checks_make_503(
    check_passed: bool, troubles: dict[str, int], code: int, status: str
) -> None:
    """Trouble of telemetry only degrades."""
    from otel_trading.health.checks import Verdict

    told_code, document = report("risk", {"breaker": Verdict(check_passed, "", 1.0)}, troubles)
    assert (told_code, document["status"]) == (code, status)
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize(("arguments", "error"), [(("x", None), TypeError), (("x", lambda: True, -1), ValueError)])
def test_a_wrong_registration_is_a_clear_error(arguments: tuple[Any, ...], error: type[Exception]) -> None:
    """At start-up."""
    name, function, *limit = arguments
    with pytest.raises(error):
        ot.health_check(name, function, **({"timeout_s": limit[0]} if limit else {}))
