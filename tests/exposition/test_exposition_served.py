"""The page through the server: formats, compression, clients that leave."""

from __future__ import annotations

import gzip
import http.client
import socket
from collections.abc import Iterator

import pytest
from exposition.exposition_messages import families
from exposition.exposition_streams import OPEN, PROTOBUF, Streams
from support.servers import wait_until

from otel_trading.config.plan import EndpointPlan
from otel_trading.health.server import Server, listen
from otel_trading.metrics.exposition import Exposition


@pytest.fixture
def exposition(streams: Streams) -> Exposition:
    """A page of several parts."""
    stream = streams.stream("explicit", "latency", "s", "", tuple(map(float, range(20))))
    for number in range(1200):
        streams.series(stream, {"order": f"{number:0100d}"}, 5)
    return streams.exposition()


@pytest.fixture
def server(exposition: Exposition) -> Iterator[Server]:
    made = listen(EndpointPlan("127.0.0.1", 0), {"/metrics": exposition.page})
    yield made
    made.stop()


def test_a_page_of_many_parts_is_the_same_in_every_encoding(server: Server, exposition: Exposition) -> None:
    """Over one connection, chunk by chunk."""
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    found: dict[tuple[str, str], bytes] = {}
    for accept in ("", OPEN, PROTOBUF):
        for encoding in ("identity", "gzip"):
            connection.request("GET", "/metrics", headers={"Accept": accept, "Accept-Encoding": encoding})
            reply = connection.getresponse()
            body = reply.read()
            assert (reply.status, reply.getheader("Content-Encoding")) == (200, "gzip" if encoding == "gzip" else None)
            found[accept, encoding] = gzip.decompress(body) if encoding == "gzip" else body
    connection.close()
    for accept in ("", OPEN, PROTOBUF):
        assert found[accept, "identity"] == found[accept, "gzip"]
    assert found["", "gzip"].count(b"latency_seconds_count{") == 1200
    assert sum(len(family.metric) for family in families(found[PROTOBUF, "gzip"])) == 1200
    wait_until(lambda: exposition.scrapes.pages == {"text": 2, "openmetrics": 2, "protobuf": 2})


def test_a_client_that_leaves_costs_its_own_page(server: Server, exposition: Exposition) -> None:
    """It is counted as broken off, and the next one is served."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
        assert client.recv(15) == b"HTTP/1.1 200 OK"
    wait_until(lambda: exposition.scrapes.broken + sum(exposition.scrapes.pages.values()) == 1)
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.request("HEAD", "/metrics")
    assert connection.getresponse().status == 200
    connection.close()
