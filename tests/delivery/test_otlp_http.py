"""OTLP over HTTP: headers, compression, TLS, retry codes, partial success, hostile replies, bad items."""

from __future__ import annotations

import datetime
import socket
import threading
import time
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags
from support.certificates import localhost
from support.servers import Receiver, drip, flood, free_port, hang, raw_server

from otel_trading.config.plan import ExporterPlan
from otel_trading.delivery.deadline_http import Poster
from otel_trading.delivery.otlp_http import OtlpHttp, retry_after_s
from otel_trading.ground import diagnostics


def span(name: str = "order.submit", **attributes: Any) -> ReadableSpan:
    context = SpanContext(1, 2, False, TraceFlags(1))
    return ReadableSpan(name, context, resource=Resource({}), attributes=attributes, start_time=1, end_time=2)


def transport(url: str, **options: Any) -> OtlpHttp:
    return OtlpHttp("traces", ExporterPlan("otlp_http", f"{url}/v1/traces", **options))


@pytest.mark.parametrize("compression", ["none", "gzip", "deflate"])
def test_a_batch_arrives_with_headers_and_compression(otlp: Receiver, compression: str) -> None:
    """Content, user agent and the user's headers."""
    sender = transport(otlp.url, compression=compression, headers={"api-key": "k"})
    assert sender.send([span(a=1), span("b")], 5) == sender.send([], 5)
    sender.close()
    path, headers, _ = otlp.requests[0]
    assert (path, headers["api-key"], headers["content-type"]) == ("/v1/traces", "k", "application/x-protobuf")
    assert headers["user-agent"].startswith("otel-trading/")
    assert headers.get("content-encoding") == (None if compression == "none" else compression)
    assert [item.name for item in otlp.spans] == ["order.submit", "b"]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retryable_codes_may_be_repeated_and_tell_how_long_to_wait(otlp: Receiver, status: int) -> None:
    """The OTLP specification's list."""
    otlp.answer = lambda path: (status, {"retry-after": "7"}, b"")
    outcome = transport(otlp.url).send([span()], 5)
    assert (outcome.retry, outcome.reason, outcome.retry_after_s) == (True, "refused_by_server", 7.0)


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 413, 500])
def test_other_codes_and_redirects_are_final(otlp: Receiver, status: int) -> None:
    """A redirect is not followed: telemetry goes where it was told to go."""
    otlp.answer = lambda path: (status, {"location": "http://127.0.0.1:1/"}, b"")
    outcome = transport(otlp.url).send([span(), span()], 5)
    assert (outcome.retry, dict(outcome.dropped)) == (False, {"refused_by_server": 2})
    assert len(otlp.requests) == 1


def test_a_web_page_is_no_delivery(otlp: Receiver) -> None:
    """Jaeger's web port answers any POST with 200 and its page."""
    otlp.answer = lambda path: (200, {"content-type": "text/html; charset=utf-8"}, b"<!doctype html>")
    outcome = transport(otlp.url).send([span(), span()], 5)
    assert (outcome.retry, dict(outcome.dropped)) == (False, {"refused_by_server": 2})


def test_a_collector_without_the_pipeline_is_explained(otlp: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    """404 has one likely cause, and the variable that mends it is named."""
    diagnostics.forget()
    otlp.answer = lambda path: (404, {}, b"")
    OtlpHttp("metrics", ExporterPlan("otlp_http", f"{otlp.url}/v1/metrics")).send([], 5)
    assert "OTEL_METRICS_EXPORTER=prometheus" in caplog.text


def test_partial_success_is_counted(otlp: Receiver) -> None:
    """What the receiver rejects is lost; the rest is delivered."""
    reply = ExportTraceServiceResponse()
    reply.partial_success.rejected_spans = 2
    reply.partial_success.error_message = "too old"
    otlp.answer = lambda path: (200, {}, reply.SerializeToString())
    outcome = transport(otlp.url).send([span(), span(), span()], 5)
    assert dict(outcome.dropped) == {"partial_success": 2}


def test_one_bad_item_costs_that_item_only(otlp: Receiver) -> None:
    """A lone surrogate in a name would cost the stock exporter its whole batch."""
    outcome = transport(otlp.url).send([span("good"), span("bad \ud800"), span("better")], 5)
    assert dict(outcome.dropped) == {"encode_error": 1}
    assert [item.name for item in otlp.spans] == ["good", "better"]


def test_a_dead_endpoint_may_be_repeated() -> None:
    """Nobody listens."""
    outcome = transport(f"http://127.0.0.1:{free_port()}").send([span()], 5)
    assert (outcome.retry, outcome.reason) == (True, "unreachable")


@pytest.mark.parametrize("behaviour", [hang, drip], ids=["hangs", "drips"])
def test_the_whole_request_has_one_limit(behaviour: Any) -> None:
    """A server that drips a byte a second does not reset it."""
    with raw_server(behaviour) as url:
        began = time.monotonic()
        outcome = transport(url).send([span()], 0.5)
        assert (outcome.retry, outcome.reason) == (True, "deadline")
        assert time.monotonic() - began < 2.5


def test_a_reply_without_end_is_cut_at_four_mebibytes() -> None:
    """Stock exporters read a GiB into memory."""
    diagnostics.forget()
    with raw_server(flood) as url:
        outcome = transport(url).send([span()], 10)
    assert dict(outcome.dropped) == {"refused_by_server": 1}
    assert diagnostics.troubles() == {"delivery.reply_too_large": 1}


def test_a_connection_is_kept_and_replaced_when_the_server_closed_it(otlp: Receiver) -> None:
    """The second request goes through although the first connection is gone."""
    sender = transport(otlp.url)
    sender.send([span("first")], 5)
    assert sender._poster._kept is not None
    sender._poster._kept._socket.shutdown(socket.SHUT_RDWR)
    assert sender.send([span("second")], 5).retry is False
    assert [item.name for item in otlp.spans] == ["first", "second"]
    sender.close()


def test_close_cuts_a_request_short() -> None:
    """So that stopping does not wait for the limit."""
    with raw_server(hang) as url:
        poster = Poster(url, {}, None)
        failed = threading.Event()

        def post() -> None:
            try:
                poster.post(b"x", 30)
            except OSError:
                failed.set()

        thread = threading.Thread(target=post)
        thread.start()
        while poster._kept is None:
            time.sleep(0.01)
        poster.close()
        assert failed.wait(5)
        thread.join()


def test_tls_is_checked_against_the_given_certificates(tmp_path: Any) -> None:
    """An unknown certificate is refused, the given one accepted; a client certificate is shown."""
    import ssl
    from http.server import BaseHTTPRequestHandler, HTTPServer

    authority, certificate, key = localhost(tmp_path)
    shown: list[object] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            shown.append(self.connection.getpeercert())  # type: ignore[attr-defined]
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        url = f"https://localhost:{server.server_address[1]}"
        unknown = transport(url).send([span()], 5)
        assert (unknown.retry, unknown.reason) == (True, "unreachable")
        files = {"certificate": str(authority), "client_key": str(key), "client_certificate": str(certificate)}
        assert transport(url, **files).send([span()], 5).retry is False
        assert len(shown) == 1
        assert shown[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7.0), ("0", 0.0), ("-3", 0.0), ("soon", None), (None, None), ("nan", None), ("inf", None), ("", None)],
)
def test_retry_after_is_read_or_ignored(text: str | None, seconds: float | None) -> None:
    """Numbers; what is unusable says nothing."""
    assert retry_after_s(text) == seconds


def test_retry_after_is_read_as_a_date() -> None:
    """RFC 9110 allows both."""
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    told = retry_after_s(later.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    assert told is not None
    assert 55 <= told <= 61


def test_ipv6_and_paths_are_kept() -> None:
    """The address is used as it was written."""
    poster = Poster("http://[::1]:4318/base/v1/traces?tenant=a", {}, None)
    assert (poster._host, poster._port, poster._path) == ("::1", 4318, "/base/v1/traces?tenant=a")


def test_a_name_that_cannot_be_resolved_may_be_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that fails is trouble of the moment."""

    def fails(*_: object, **__: object) -> object:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    outcome = transport("http://nowhere:4318").send([span()], 5)
    assert (outcome.retry, outcome.reason) == (True, "unreachable")
