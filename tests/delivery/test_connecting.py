"""One limit for looking a name up and for all the addresses it has."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from support.certificates import localhost
from support.hostile import hangs_at_accept
from support.servers import Receiver, free_port, hang, raw_server

from otel_trading.delivery.connecting import Resolver, connect
from otel_trading.delivery.deadline_http import Poster
from otel_trading.ground.clock import Deadline


def listed(*ports: int) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]


def test_a_name_server_that_does_not_answer_costs_the_limit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The look-up goes on, one at a time, and the next attempt has its answer."""
    gate, asked = threading.Event(), []

    def slow(host: str, port: int, **_: Any) -> Any:
        asked.append(host)
        gate.wait(30)
        return listed(port)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    resolver = Resolver("collector", 4318)
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            resolver.addresses(Deadline(0.1))
    assert time.monotonic() - began < 2
    assert asked == ["collector"]
    gate.set()
    assert resolver.addresses(Deadline(5)) == listed(4318)


def test_a_name_is_looked_up_anew_for_each_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that moved is found."""
    answers = [[1], [2]]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: listed(*answers.pop(0)))
    resolver = Resolver("collector", 4318)
    assert [resolver.addresses(Deadline(5)) for _ in range(2)] == [listed(1), listed(2)]


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def test_a_number_is_not_looked_up(monkeypatch: pytest.MonkeyPatch, host: str, family: int) -> None:
    """A thread for each attempt would be a waste while nobody is there."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("looked up"))
    ((found, *_, address),) = Resolver(host, 4318).addresses(Deadline(0))
    assert (family, (host, 4318)) == (found, address[:2])


def test_an_address_that_answers_is_found_behind_those_that_do_not(otlp: Receiver) -> None:
    """One refuses, one never answers; the limit holds for all three."""
    with hangs_at_accept() as silent:
        mute = int(silent.url.rpartition(":")[2])
        connected = connect(listed(free_port(), mute, otlp.port), Deadline(2))
        assert connected.getpeername()[1] == otlp.port
        connected.close()
        began = time.monotonic()
        with pytest.raises(OSError):
            connect(listed(mute, mute, mute), Deadline(1))
        assert time.monotonic() - began < 2.5


def test_a_receiver_that_reads_slowly_over_tls_costs_the_limit_only(tmp_path: Path) -> None:
    """A new limit for each record would let it hold a large request for ever."""
    authority, certificate, key = localhost(tmp_path)

    def sip(connection: socket.socket, over: threading.Event) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with context.wrap_socket(connection, server_side=True) as secure:
            while not over.wait(0.05) and secure.recv(1024):
                pass

    with raw_server(sip) as url:
        context = ssl.create_default_context(cafile=str(authority))
        poster = Poster(url.replace("http://127.0.0.1", "https://localhost"), {}, context)
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            poster.post(b"x" * 20_000_000, 0.6)
        assert time.monotonic() - began < 2


def test_closing_cuts_a_tls_greeting_short() -> None:
    """So that stopping does not wait for the limit."""
    with raw_server(hang) as url:
        poster = Poster(url.replace("http", "https"), {}, ssl.create_default_context())
        failed = threading.Event()

        def post() -> None:
            try:
                poster.post(b"x", 30)
            except OSError:
                failed.set()

        thread = threading.Thread(target=post)
        thread.start()
        while poster._greeting is None:
            time.sleep(0.01)
        poster.close()
        assert failed.wait(5)
        thread.join()
