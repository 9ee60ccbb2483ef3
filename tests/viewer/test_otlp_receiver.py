# the house puts the expected value on the left

import gzip
import http.client
import json
import os
import socket
import threading
import zlib
from collections.abc import Iterator

import pytest
from google.rpc.status_pb2 import Status
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from otel_trading.viewer.body import BodyTooLarge, BrokenBody, decompress
from otel_trading.viewer.reader import StoreReader
from otel_trading.viewer.receiver import Receiver
from otel_trading.viewer.store import Store

LIMIT = 100_000
PROTOBUF = {"Content-Type": "application/x-protobuf"}


@pytest.fixture
def receiver(store: Store) -> Iterator[Receiver]:
    made = Receiver(store, run_id="run-7", max_body_bytes=LIMIT)
    yield made
    made.stop()


def body(trace_id: bytes = b"\1" * 16, name: str = "work") -> bytes:
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(trace_id=trace_id, span_id=b"\2" * 8, name=name)
    return request.SerializeToString()


def ask(
    receiver: Receiver, method: str, path: str, data: bytes | None = None, **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(receiver.url.removeprefix("http://"), timeout=5)
    names = {key.replace("_", "-"): value for key, value in headers.items()}
    connection.request(method, path, data, names)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, answer.headers


def post(receiver: Receiver, data: bytes, path: str = "/v1/traces", **headers: str) -> tuple[int, bytes]:
    status, content, _ = ask(receiver, "POST", path, data, **{**PROTOBUF, **headers})
    return status, content


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize("compression", list(Compression))
def test_the_stock_exporter_is_understood(receiver: Receiver, reader: StoreReader, compression: Compression) -> None:
    """Spans of OpenTelemetry's own exporter arrive, compressed or not."""
    provider = TracerProvider()
    exporter = OTLPSpanExporter(receiver.url + "/v1/traces", compression=compression)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with provider.get_tracer("t").start_as_current_span("order.submit SIMX") as span:
        span.set_attribute("trading.order.client_id", "C1")
    provider.shutdown()
    found = reader.spans(f"{span.get_span_context().trace_id:032x}")
    assert [("order.submit SIMX", {"trading.order.client_id": "C1"})] == [(s.name, s.attributes) for s in found]
    assert (1, 1) == (receiver.counts["requests"], receiver.counts["spans"])


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("identity", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress), ("deflate", raw_deflate)],
)
def test_each_encoding_is_read(receiver: Receiver, reader: StoreReader, encoding: str, compress: object) -> None:
    """Deflate with zlib's frame, as HTTP says, and without, as some do it."""
    status, content = post(receiver, compress(body()), Content_Encoding=encoding)  # type: ignore[operator]
    assert (200, b"") == (status, content)
    assert 1 == reader.counts()["spans"]


def test_rejected_spans_are_reported_as_partial_success(receiver: Receiver) -> None:
    """The answer counts them and says why, with status 200."""
    status, content = post(receiver, body(trace_id=b"\0" * 16))
    answer = ExportTraceServiceResponse.FromString(content)
    assert (200, 1) == (status, answer.partial_success.rejected_spans)
    assert "not all zero" in answer.partial_success.error_message


@pytest.mark.parametrize(
    ("status", "headers", "data", "words"),
    [
        (
            415,
            {"Content_Type": "application/json"},
            b"{}",
            "Content-Type must be application/x-protobuf; was 'applicati",
        ),
        (415, {"Content_Encoding": "br"}, b"", "Content-Encoding must be gzip, deflate or identity; was 'br'"),
        (400, {}, b"\xff\xff\xff", "is not a valid ExportTraceServiceRequest"),
        (400, {"Content_Encoding": "gzip"}, b"no gzip", "cannot be decompressed"),
        (400, {"Content_Encoding": "gzip"}, gzip.compress(body(), mtime=0)[:-9], "ends too early"),
        (413, {}, b"x" * (LIMIT + 1), "at most 100000 bytes"),
        (413, {"Content_Encoding": "gzip"}, gzip.compress(b"\0" * 10**8, mtime=0), "also when decompressed"),
        (411, {"Content_Length": "many"}, b"", "Content-Length is needed"),
    ],
)
def test_a_bad_request_is_refused_with_a_reason(
    receiver: Receiver, reader: StoreReader, status: int, headers: dict[str, str], data: bytes, words: str
) -> None:
    """The body is google.rpc.Status, as OTLP wants; nothing is stored."""
    found, content = post(receiver, data, **headers)
    assert status == found
    assert words in Status.FromString(content).message
    assert (0, 1) == (reader.counts()["spans"], receiver.counts["failed"])


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("POST", "/v2/traces", 404), ("GET", "/v1/traces", 405), ("DELETE", "/v1/traces", 501)],
)
def test_other_paths_and_methods_are_refused(receiver: Receiver, method: str, path: str, status: int) -> None:
    """Three paths take POST, one answers GET."""
    assert status == ask(receiver, method, path, b"" if method == "POST" else None, **PROTOBUF)[0]


def test_identity_tells_whose_port_this_is(receiver: Receiver, store: Store) -> None:
    """App, run, process and store."""
    status, content, headers = ask(receiver, "GET", "/identity")
    assert (200, "application/json") == (status, headers["Content-Type"])
    expected = {
        "app": "otel-trading",
        "run_id": "run-7",
        "pid": os.getpid(),
        "store": str(store.path),
        "url": receiver.url,
    }
    assert expected == json.loads(content)


def test_a_store_that_fails_makes_the_sender_retry(receiver: Receiver, store: Store) -> None:
    """503 and Retry-After: OTLP's word for "later"."""
    store.close()
    status, content, headers = ask(receiver, "POST", "/v1/traces", body(), **PROTOBUF)
    assert (503, "1") == (status, headers["Retry-After"])
    assert "is closed" in Status.FromString(content).message


def test_requests_on_one_connection_are_answered_in_turn(receiver: Receiver, reader: StoreReader) -> None:
    """HTTP/1.1 keep-alive, so that an exporter does not connect for each batch."""
    connection = http.client.HTTPConnection(receiver.url.removeprefix("http://"), timeout=5)
    for number in range(1, 4):
        connection.request("POST", "/v1/traces", body(trace_id=bytes([number]) * 16), PROTOBUF)
        answer = connection.getresponse()
        assert 200 == answer.status
        answer.read()
    connection.close()
    assert 3 == reader.counts()["spans"]


def test_stopping_does_not_wait_for_idle_connections_and_frees_the_port(store: Store) -> None:
    """No thread is left, and the port can be bound again."""
    before = threading.active_count()
    receiver = Receiver(store)
    host, port = receiver.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as idle:
        assert (200, b"") == post(receiver, body())
        receiver.stop()
        assert b"" == idle.recv(1)
    assert before == threading.active_count()
    again = Receiver(store, port=int(port))
    again.stop()


def test_a_taken_port_is_an_error(receiver: Receiver, store: Store) -> None:
    """Two receivers never share one."""
    with pytest.raises(OSError, match="in use"):
        Receiver(store, port=int(receiver.url.rpartition(":")[2]))


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300), encoding=st.sampled_from(["gzip", "deflate", "identity"]))
def test_decompression_returns_or_refuses(data: bytes, encoding: str) -> None:
    """Random bytes raise nothing but the two refusals; what was compressed comes back."""
    try:
        decompress(data, encoding, 1000)
    except (BodyTooLarge, BrokenBody):
        pass
    assert data == decompress(gzip.compress(data[:100]) + gzip.compress(data[100:]), "gzip", 1000)
