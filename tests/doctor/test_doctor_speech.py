"""What a port speaks is heard from real sockets: HTTP, HTTP/2, TLS, and things that are neither."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.certificates import localhost
from support.servers import free_port, hang, raw_server, receiver

from otel_trading.doctor.route import Route
from otel_trading.doctor.speech import Speech, listen_to
from otel_trading.stores.errors import Cause

Behaviour = Callable[[socket.socket, threading.Event], None]
SETTINGS = b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00@\x00"


def route_to(url: str, *, grpc: bool = False, tls: bool = False, **others: object) -> Route:
    parts = urlsplit(url)
    made = Route("traces", grpc, parts.hostname or "", parts.port or 0, tls, "/v1/traces")
    return replace(made, **others)  # type: ignore[arg-type]


def saying(answer: bytes, heard: list[bytes] | None = None) -> Behaviour:
    """Answers these bytes and closes."""

    def behave(connection: socket.socket, over: threading.Event) -> None:
        request = connection.recv(65536)
        if heard is not None:
            heard.append(request)
        connection.sendall(answer)

    return behave


def greeting(connection: socket.socket, over: threading.Event) -> None:
    """Speaks first, as servers of HTTP/2 do, and hangs up on other protocols."""
    connection.sendall(SETTINGS)
    connection.recv(65536)


def over_tls(folder: Path, answer: bytes = b"") -> tuple[Behaviour, Path]:
    """A server behind TLS, and the file of its authority."""
    authority, certificate, key = localhost(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2", "http/1.1"])

    def behave(connection: socket.socket, over: threading.Event) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as wrapped:
                if answer and wrapped.recv(65536):
                    wrapped.sendall(answer)
        except OSError:  # the client wanted no TLS
            pass

    return behave, authority


OK_ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ndate: Sat, 21 Nov 2026 13:41:59 GMT\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


def test_an_otlp_receiver_is_heard_and_gets_nothing() -> None:
    """The question is a request without content."""
    with receiver() as made:
        heard = listen_to(route_to(made.url), 5.0)
        assert [] == made.spans
    assert (True, False, False, 200) == (heard.http, heard.http2, heard.tls, heard.status)
    assert not heard.is_web_page
    assert heard.suits(route_to(made.url))
    assert not heard.suits(route_to(made.url, grpc=True))
    assert not heard.suits(route_to(made.url, tls=True))


def test_a_server_of_http2_is_heard_by_both_kinds_of_routes() -> None:
    """It speaks first."""
    with raw_server(greeting) as url:
        assert Speech(http2=True) == replace(listen_to(route_to(url), 5.0), words="")
        assert Speech(http2=True) == replace(listen_to(route_to(url, grpc=True), 5.0), words="")


def test_a_server_that_keeps_the_connection_is_not_waited_for() -> None:
    """The answer tells its length."""

    def keeping(connection: socket.socket, over: threading.Event) -> None:
        connection.recv(65536)
        connection.sendall(OK_ANSWER)
        over.wait(10)

    began = time.monotonic()
    with raw_server(keeping) as url:
        assert 200 == listen_to(route_to(url), 10.0).status
        # the other questions of HTTP/2 are one and a half seconds at most
        assert time.monotonic() - began < 2.9


def test_the_clock_and_a_web_page_are_noticed() -> None:
    """Date and Content-Type."""
    with raw_server(saying(OK_ANSWER)) as url:
        heard = listen_to(route_to(url), 5.0)
    assert heard.clock_s is not None
    assert abs(heard.clock_s - (1795268519.5 - time.time())) < 5
    page = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 9\r\n\r\n<html>\x1b[2"
    with raw_server(saying(page)) as url:
        heard = listen_to(route_to(url), 5.0)
    assert heard.is_web_page
    assert "<html> [2" == heard.words


@pytest.mark.parametrize("grpc", [False, True])
def test_a_tls_port_asked_without_tls_is_recognised(tmp_path: Path, grpc: bool) -> None:
    """By a handshake that is tried when nothing else is understood."""
    behaviour, _ = over_tls(tmp_path)
    with raw_server(behaviour) as url:
        heard = listen_to(route_to(url, grpc=grpc), 8.0)
    assert (True, False) == (heard.tls, heard.http2)


def test_a_certificate_is_checked_as_the_exporter_does(tmp_path: Path) -> None:
    """Known authority, unknown authority, wrong name."""
    behaviour, authority = over_tls(tmp_path, OK_ANSWER)
    with raw_server(behaviour) as url:
        secure = route_to(url, tls=True)
        known = listen_to(replace(secure, certificate=str(authority)), 5.0)
        unknown = listen_to(secure, 5.0)
        renamed = listen_to(replace(secure, host="127.1", certificate=str(authority)), 5.0)
    assert (True, "", 200) == (known.tls, known.tls_problem, known.status)
    assert unknown.tls
    assert "issuer" in unknown.tls_problem or "self" in unknown.tls_problem
    assert renamed.tls
    assert "mismatch" in renamed.tls_problem.lower()


def test_a_plain_port_asked_by_tls_is_recognised_and_gets_no_secrets(tmp_path: Path) -> None:
    """Headers leave only in the way in which the exporter would send them."""
    heard: list[bytes] = []
    with raw_server(saying(OK_ANSWER, heard)) as url:
        secure = route_to(url, tls=True, headers={"api-key": "s3cret"})
        found = listen_to(secure, 5.0)
        assert b"s3cret" not in b"".join(heard)
        listen_to(replace(secure, tls=False), 5.0)
    assert (False, True) == (found.tls, found.http)
    assert found.tls_problem
    assert b"api-key: s3cret" in b"".join(heard)


def test_what_is_neither_is_quoted() -> None:
    """An SSH server, and one that says nothing."""
    with raw_server(saying(b"SSH-2.0-OpenSSH_9.2\r\n")) as url:
        heard = listen_to(route_to(url), 5.0)
    assert (False, False, "SSH-2.0-OpenSSH_9.2") == (heard.http, heard.http2, heard.words)
    began = time.monotonic()
    with raw_server(hang) as url:
        assert Speech() == listen_to(route_to(url), 1.0)
    assert time.monotonic() - began < 4


def test_nobody_is_a_refusal() -> None:
    """And an unknown host is not."""
    assert Cause.REFUSED is listen_to(Route("traces", False, "127.0.0.1", free_port(), False), 2.0).unreached
    assert Cause.UNRESOLVED is listen_to(Route("traces", True, "nobody.invalid", 1, True), 5.0).unreached
