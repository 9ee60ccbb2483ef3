"""The endpoint's server among hostile and slow clients: limits, streaming, few threads."""

from __future__ import annotations

import contextlib
import http.client
import os
import resource
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.certificates import localhost
from support.servers import wait_until

from otel_trading.config.plan import EndpointPlan
from otel_trading.ground import diagnostics
from otel_trading.health import limits
from otel_trading.health.http import HEAD_BYTES, Refused, take
from otel_trading.health.server import Server, listen

PART = b"x" * 100_000


def health(_headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
    return 200, b"fine\n", {"Content-Type": "text/plain"}


def large(_headers: Mapping[str, str]) -> tuple[int, Iterator[bytes], dict[str, str]]:
    return 200, iter([PART] * 50), {"Content-Type": "text/plain"}


@pytest.fixture
def server() -> Iterator[Server]:
    diagnostics.forget()
    made = listen(EndpointPlan("127.0.0.1", 0), {"/health": health, "/metrics": large})
    yield made
    made.stop()
    diagnostics.forget()


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.server_port), timeout=10)


def asked(server: Server, path: str, **headers: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        assert reply.status == 200
        return reply.read()
    finally:
        connection.close()


def answer(client: socket.socket, request: bytes) -> bytes:
    """All that comes until the server ends."""
    client.sendall(request)
    found = b""
    with contextlib.suppress(ConnectionError):
        while part := client.recv(65536):
            found += part
    return found


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("otel_trading")]


@pytest.fixture
def descriptors() -> Iterator[None]:
    """As many as two thousand connections need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if hard == resource.RLIM_INFINITY else min(4096, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_slow_clients_hold_up_nobody(server: Server, descriptors: None) -> None:
    """Half of them send a byte of a request, half ask for a large page and do not read; threads stay few."""
    crowd = []
    try:
        for number in range(1000):
            client = connect(server)
            crowd.append(client)
            client.sendall(b"G" if number % 2 else b"GET /metrics HTTP/1.1\r\n\r\n")
            if number % 100 == 0:
                assert asked(server, "/health") == b"fine\n"
        assert asked(server, "/health") == b"fine\n"
        assert asked(server, "/metrics") == PART * 50
        assert len(threads()) <= 8
        assert len(server._loop._connections) <= limits.CONNECTIONS
        assert sum(len(one.pending) for one in list(server._loop._connections)) <= limits.PENDING_BYTES
        assert "endpoint.crowded" in diagnostics.troubles()
    finally:
        for client in crowd:
            client.close()


def test_pages_that_hang_leave_a_thread_to_the_others(server: Server) -> None:
    """A collection that never ends, asked for ten times."""
    gate, hanging = threading.Event(), threading.Semaphore(0)

    def hangs(_headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        hanging.release()
        gate.wait(30)
        return health({})

    server.pages["/hangs"] = hangs
    crowd = [connect(server) for _ in range(10)]
    try:
        for client in crowd:
            client.sendall(b"GET /hangs HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert hanging.acquire(timeout=10)
        assert hanging.acquire(timeout=10)
        for _ in range(5):
            assert asked(server, "/health") == b"fine\n"
        gate.set()
        assert all(b"fine" in answer(client, b"") for client in crowd)
    finally:
        gate.set()
        for client in crowd:
            client.close()


def test_a_page_that_takes_too_long_is_given_up(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client is told."""
    monkeypatch.setattr(limits, "ANSWER_TIMEOUT_S", 0.05)
    gate = threading.Event()

    def hangs(_headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        gate.wait(30)
        return health({})

    server.pages["/hangs"] = hangs
    try:
        with connect(server) as client:
            assert answer(client, b"GET /hangs HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 503 ")
    finally:
        gate.set()


@pytest.mark.parametrize("name", ["REQUEST_TIMEOUT_S", "IDLE_TIMEOUT_S"])
def test_a_client_that_says_no_more_is_cut_off(server: Server, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """In the middle of a request, and after one."""
    monkeypatch.setattr(limits, name, 0.05)
    with connect(server) as client:
        if name == "IDLE_TIMEOUT_S":
            client.sendall(b"GET /health HTTP/1.1\r\n\r\n")
            assert client.recv(1000).endswith(b"fine\n")
        else:
            client.sendall(b"GET /health HT")
        assert client.recv(1000) == b""


def test_a_drip_of_bytes_does_not_lengthen_a_request(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is that of the whole request."""
    monkeypatch.setattr(limits, "REQUEST_TIMEOUT_S", 0.2)
    with connect(server) as client, pytest.raises(ConnectionError):
        client.sendall(b"GET /health HTTP/1.1\r\nx: ")
        client.settimeout(0.01)
        for _ in range(2000):
            client.sendall(b"y")
            try:
                if client.recv(1) == b"":
                    raise ConnectionError
            except TimeoutError:
                continue


REFUSED = [
    (b"GET / HTTP/2.0\r\n\r\n", 400),
    (b"nonsense\r\n\r\n", 400),
    (b"\x16\x03\x01\x00\x05\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\n folded: x\r\n\r\n", 400),
    (b"POST /health HTTP/1.1\r\n\r\n", 405),
    (b"GET /health HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 413),
    (b"GET /health HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
    (b"GET /health HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n", 431),
    (b"GET /" + b"a" * HEAD_BYTES, 431),
]


@pytest.mark.parametrize(("request_", "status"), REFUSED)
def test_what_is_no_small_request_is_refused_and_the_connection_ends(
    server: Server, request_: bytes, status: int
) -> None:
    """With the reason."""
    with connect(server) as client:
        found = answer(client, request_)
    assert found.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Connection: close" in found
    assert (b"Allow: GET, HEAD" in found) == (status == 405)


@given(
    received=st.binary(max_size=200)
    | st.lists(st.sampled_from([b"GET ", b"/", b" HTTP/1.1", b"\r\n", b":", b"a"])).map(b"".join)
)
def test_any_bytes_are_a_request_or_refused_or_not_yet_whole(received: bytes) -> None:
    """Never another error."""
    with contextlib.suppress(Refused):
        request = take(bytearray(received))
        assert request is None or request.method in ("GET", "HEAD")


def test_a_large_page_comes_in_chunks_and_the_connection_is_kept(server: Server) -> None:
    """HTTP/1.0 knows no chunks: there the end of the connection is the end of the page."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    for path in ("/metrics", "/health", "/metrics"):
        connection.request("GET", path)
        reply = connection.getresponse()
        assert (reply.getheader("Transfer-Encoding") == "chunked") == (path == "/metrics")
        assert reply.read() == (PART * 50 if path == "/metrics" else b"fine\n")
    used = connection.sock
    connection.request("HEAD", "/metrics")
    assert connection.getresponse().read() == b""
    assert connection.sock is used
    connection.close()
    with connect(server) as client:
        head, _, body = answer(client, b"GET /metrics HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert b"chunked" not in head
    assert body == PART * 50


def test_requests_that_come_at_once_are_answered_in_turn(server: Server) -> None:
    """As many as fit into the limit, known pages and unknown ones."""
    requests = [b"GET /health HTTP/1.1\r\n\r\n", b"HEAD /health HTTP/1.1\r\n\r\n", b"GET /x HTTP/1.1\r\n\r\n"] * 80
    with connect(server) as client:
        found = answer(client, b"".join(requests) + b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert (found.count(b"HTTP/1.1 200 OK"), found.count(b"HTTP/1.1 404 "), found.count(b"fine\n")) == (161, 80, 81)


def test_a_page_that_fails_half_way_is_seen_to_be_incomplete(server: Server) -> None:
    """No end of chunks; other connections go on."""

    def fails(_headers: Mapping[str, str]) -> tuple[int, Iterator[bytes], dict[str, str]]:
        def parts() -> Iterator[bytes]:
            yield b"one"
            yield b"two"
            raise RuntimeError("no")

        return 200, parts(), {}

    server.pages["/fails"] = fails
    with connect(server) as client:
        found = answer(client, b"GET /fails HTTP/1.1\r\n\r\n")
    assert b"two" in found
    assert not found.endswith(b"0\r\n\r\n")
    assert asked(server, "/health") == b"fine\n"
    assert diagnostics.troubles()["endpoint.page_failed"] == 1


def test_a_page_gets_the_headers_of_the_request(server: Server) -> None:
    """By names in lower case, the first of several."""
    seen: list[Mapping[str, str]] = []

    def page(headers: Mapping[str, str]) -> tuple[int, bytes, dict[str, str]]:
        seen.append(headers)
        return health(headers)

    server.pages["/seen"] = page
    asked(server, "/seen?x=y", **{"Accept-Encoding": "gzip", "ACCEPT": "a/b"})
    assert (seen[0]["accept"], seen[0]["accept-encoding"]) == ("a/b", "gzip")


def test_a_child_closes_what_it_inherited_and_the_parent_serves_on(server: Server) -> None:
    """A connection that the parent ends is ended for the client too."""
    with connect(server) as client:
        client.sendall(b"GET /health HTTP/1.1\r\n\r\n")
        assert client.recv(1000).endswith(b"fine\n")
        told, tell = os.pipe()
        pid = os.fork()
        if pid == 0:  # pragma: no cover  # the child is not measured
            try:
                server.close_in_child()
                os.write(tell, b"closed")
                os.close(tell)
                threading.Event().wait(30)
            finally:
                os._exit(0)
        try:
            assert os.read(told, 10) == b"closed"
            assert asked(server, "/health") == b"fine\n"
            assert b"fine" in answer(client, b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n")
        finally:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            os.close(told)
            os.close(tell)


def test_after_stop_nothing_is_left() -> None:
    """Neither listener nor threads nor connections."""
    made = listen(EndpointPlan("127.0.0.1", 0), {"/health": health})
    with connect(made) as client:
        client.sendall(b"GET /health HTTP/1.1\r\n\r\n")
        assert client.recv(1000).endswith(b"fine\n")
        made.stop()
        assert client.recv(1) == b""
        with pytest.raises(OSError):
            connect(made)
    wait_until(lambda: not threads())


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Server, ssl.SSLContext]]:
    authority, certificate, key = localhost(tmp_path)
    plan = EndpointPlan("localhost", 0, certificate=str(certificate), key=str(key))
    made = listen(plan, {"/health": health, "/metrics": large})
    yield made, ssl.create_default_context(cafile=str(authority))
    made.stop()


def test_tls_clients_that_do_not_greet_hold_up_nobody(secure: tuple[Server, Any]) -> None:
    """Large pages come whole, connections are kept."""
    server, context = secure
    address = server.server_address[0]
    crowd = [socket.create_connection((address, server.server_port), timeout=10) for _ in range(50)]
    try:
        connection = http.client.HTTPSConnection("localhost", server.server_port, timeout=10, context=context)
        for path, body in (("/metrics", PART * 50), ("/health", b"fine\n")) * 2:
            connection.request("GET", path)
            assert connection.getresponse().read() == body
        connection.close()
        with socket.create_connection((address, server.server_port), timeout=10) as plain:
            assert b"HTTP" not in answer(plain, b"GET /health HTTP/1.1\r\n\r\n")
    finally:
        for client in crowd:
            client.close()
