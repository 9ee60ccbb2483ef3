"""The first hop: for each picture that the evidence makes, the cause that a person would name."""

from __future__ import annotations

from typing import Any

import pytest

from otel_trading.config.resolve import resolve
from otel_trading.doctor.delivered import Delivery
from otel_trading.doctor.finding import State
from otel_trading.doctor.reaching import Surroundings, diagnose
from otel_trading.doctor.route import Route, plan_of, routes
from otel_trading.doctor.speech import Speech
from otel_trading.stores.errors import Cause

HTTP = Route("traces", False, "collector", 4318, False, "/v1/traces")
GRPC = Route("traces", True, "collector", 4317, False)
HTTPS = Route("traces", False, "collector", 4318, True, "/v1/traces")
TAKEN = Delivery(1, 1, seconds=0.01)
LOST = Delivery(1, 0, {"unreachable": 1})
PROTOBUF = Speech(http=True, status=200, content_type="application/x-protobuf")
REFUSED = Speech(unreached=Cause.REFUSED)


def saying(code: str) -> Delivery:
    """What the gRPC exporter writes about a status."""
    return Delivery(1, 0, {"unreachable": 1}, said=(f"Failed to export traces to x, error code: StatusCode.{code}",))


CASES: list[tuple[Route, Speech, Delivery, Surroundings, str, str]] = [
    (HTTP, REFUSED, LOST, Surroundings(), "collector_down", "or listens at another port"),
    (HTTP, REFUSED, LOST, Surroundings(healthy=False), "collector_down", "health check does not answer either"),
    (HTTP, REFUSED, LOST, Surroundings(healthy=True), "wrong_port", "the collector runs"),
    (HTTP, REFUSED, LOST, Surroundings(neighbours=((4317, "grpc"),)), "wrong_port", "receiver of grpc listens at port 4317"),
    (HTTP, Speech(unreached=Cause.UNRESOLVED), LOST, Surroundings(), "unknown_host", "'collector'"),
    (HTTP, Speech(unreached=Cause.TIMEOUT), LOST, Surroundings(), "unreachable", "firewall"),
    (HTTP, Speech(http2=True), LOST, Surroundings(), "wrong_protocol", "The port speaks gRPC"),
    (GRPC, PROTOBUF, LOST, Surroundings(), "wrong_protocol", "The port speaks http/protobuf"),
    (HTTP, Speech(words="SSH-2.0"), LOST, Surroundings(), "no_receiver", "neither"),
    (HTTP, Speech(), LOST, Surroundings(), "no_receiver", "hangs"),
    (HTTP, Speech(tls=True), LOST, Surroundings(), "tls_mismatch", "The receiver speaks TLS"),
    (HTTP, Speech(http=True, status=400, tls=True), LOST, Surroundings(), "tls_mismatch", "The receiver speaks TLS"),
    (GRPC, Speech(tls=True), LOST, Surroundings(), "tls_mismatch", "The receiver speaks TLS"),
    (HTTPS, Speech(http=True, status=200, tls_problem="wrong version number"), LOST, Surroundings(), "tls_mismatch", "The service speaks TLS"),
    (HTTPS, Speech(tls=True, tls_problem="unable to get local issuer certificate"), LOST, Surroundings(), "tls_mismatch", "authority"),
    (HTTPS, Speech(tls=True, tls_problem="self-signed certificate"), LOST, Surroundings(), "tls_mismatch", "authority"),
    (HTTPS, Speech(tls=True, tls_problem="Hostname mismatch, certificate is not valid for 'collector'."), LOST, Surroundings(), "tls_mismatch", "is not for 'collector'"),
    (HTTPS, Speech(tls=True, tls_problem="certificate has expired"), LOST, Surroundings(), "tls_mismatch", "out of its time"),
    (HTTPS, Speech(tls=True, tls_problem="the connection was cut after the handshake"), LOST, Surroundings(), "tls_mismatch", "certificate of the client"),
    (HTTP, Speech(http=True, status=404), LOST, Surroundings(sibling=True), "no_pipeline", "no pipeline for spans"),
    (HTTP, Speech(http=True, status=404), LOST, Surroundings(), "wrong_port", "a web server listens there"),
    (HTTP, Speech(http=True, status=400), LOST, Surroundings(known="Elasticsearch"), "wrong_port", "Elasticsearch listens there"),
    (HTTP, Speech(http=True, status=200, content_type="text/html"), TAKEN, Surroundings(known="Jaeger"), "wrong_port", "all is lost in silence"),
    (HTTP, Speech(http=True, status=200, content_type="application/json"), TAKEN, Surroundings(known="The collector's health check"), "wrong_port", "health check listens there"),
    (HTTP, Speech(http=True, status=302), LOST, Surroundings(), "wrong_port", "a web server"),
    (HTTP, Speech(http=True, status=401), LOST, Surroundings(), "credentials", "credentials"),
    (HTTP, Speech(http=True, status=503), LOST, Surroundings(), "overloaded", "memory limit"),
    (HTTP, Speech(http=True, status=500), LOST, Surroundings(), "receiver_fails", "fails"),
    (GRPC, Speech(http2=True), saying("UNIMPLEMENTED"), Surroundings(), "no_pipeline", "no pipeline"),
    (GRPC, Speech(http2=True), saying("UNAUTHENTICATED"), Surroundings(), "credentials", "credentials"),
    (GRPC, Speech(http2=True), saying("UNAVAILABLE"), Surroundings(), "overloaded", "memory limit"),
    (GRPC, Speech(http2=True), saying("INTERNAL"), Surroundings(), "receiver_fails", "fails"),
    (GRPC, Speech(http2=True), LOST, Surroundings(), "not_taken", "too slowly"),
    (HTTP, PROTOBUF, LOST, Surroundings(), "not_taken", "too slowly"),
]  # fmt: skip


@pytest.mark.parametrize(("route", "speech", "delivery", "around", "fault", "words"), CASES)
def test_a_hop_that_loses_has_its_cause_and_a_remedy(
    route: Route, speech: Speech, delivery: Delivery, around: Surroundings, fault: str, words: str
) -> None:
    """And a stable word for programs."""
    found = diagnose(route, speech, delivery, around)
    assert ("spans: service to collector", State.FAILED, fault) == (found.name, found.state, found.fault)
    assert words in found.cause
    assert found.detail
    assert found.remedy.endswith(".") or delivery.said


@pytest.mark.parametrize("speech", [PROTOBUF, Speech(http=True, status=200), Speech(http=True, status=200, content_type="application/json")])  # fmt: skip
def test_what_was_acknowledged_is_ok(speech: Speech) -> None:
    """With the time it took; JSON in answer to protobuf is odd and not our business where nothing else is known."""
    found = diagnose(HTTP, speech, TAKEN, Surroundings())
    assert (State.OK, 0.01) == (found.state, found.seconds)
    assert State.OK is diagnose(GRPC, Speech(http2=True), TAKEN, Surroundings()).state


def test_a_part_that_was_rejected_is_a_warning() -> None:
    """The service's own line tells what the receiver said."""
    said = ("WARNING: http://collector:4318 took traces but rejected 1: too old",)
    found = diagnose(HTTP, PROTOBUF, Delivery(2, 1, {"partial_success": 1}, said=said), Surroundings())
    assert (State.WARNING, "partly_lost") == (found.state, found.fault)
    assert "rejected 1: too old" in found.remedy


def test_a_remedy_names_the_variable_of_the_signal() -> None:
    """Logs may have another endpoint than spans."""
    logs = Route("logs", False, "collector", 4318, False, "/v1/logs")
    found = diagnose(logs, REFUSED, LOST, Surroundings())
    assert "log records: service to collector" == found.name
    assert "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT" in found.remedy


@pytest.mark.parametrize(
    ("knobs", "expected"),
    [
        ({}, [("traces", "http/protobuf", "localhost:4318", False, "/v1/traces"), ("logs", "http/protobuf", "localhost:4318", False, "/v1/logs"), ("metrics", "http/protobuf", "localhost:4318", False, "/v1/metrics")]),
        ({"otlp_protocol": "grpc", "logs_exporter": ["none"], "metrics_exporter": ["prometheus"]}, [("traces", "grpc", "localhost:4317", False, "/")]),
        ({"otlp_traces_endpoint": "https://[::1]/x", "logs_exporter": ["console"], "metrics_exporter": []}, [("traces", "http/protobuf", "[::1]:443", True, "/x")]),
        ({"otlp_endpoint": "https://h", "otlp_protocol": "grpc", "logs_exporter": [], "metrics_exporter": []}, [("traces", "grpc", "h:4317", True, "/")]),
    ],
)  # fmt: skip
def test_routes_are_those_of_the_configuration(knobs: dict[str, Any], expected: list[Any]) -> None:
    """Signals, protocols, places, TLS, paths."""
    found = routes(plan_of(resolve(knobs, None, {})[0]))
    assert expected == [(one.signal, one.protocol, one.place, one.tls, one.path) for one in found]
