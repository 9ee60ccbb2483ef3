"""Nothing leaks: headers to an exchange, secrets in URLs, names, events and exceptions; with a real HTTP client."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from opentelemetry import baggage, context, propagate
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.propagators.composite import CompositePropagator
from support.servers import Receiver

import otel_trading as ot
from otel_trading.testing import capture


class Exchange:
    """A real HTTP server that remembers the headers of each request."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        self.redirect_to = ""
        exchange = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                exchange.headers.append({key.lower(): value for key, value in self.headers.items()})
                first_of_two = exchange.redirect_to and len(exchange.headers) == 1
                self.send_response(307 if first_of_two else 200)
                if first_of_two:
                    self.send_header("location", exchange.redirect_to)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchange]:
    """The exchange's public name leads to a server on this machine; requests are instrumented."""
    import socket

    made = Exchange()
    real = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, port, *a, **k: real(
            "127.0.0.1" if str(host).endswith(("example", "internal")) else host, port, *a, **k
        ),
    )
    RequestsInstrumentor().instrument()
    yield made
    RequestsInstrumentor().uninstrument()
    made.server.shutdown()
    made.thread.join()
    made.server.server_close()


def post(exchange: Exchange, host: str, **knobs: Any) -> dict[str, str]:
    with capture(**knobs):
        token = context.attach(baggage.set_baggage("trading.strategy", "secret-alpha"))
        try:
            with ot.tracer().start_as_current_span("order.submit exchange"):
                requests.post(f"http://{host}:{exchange.port}/api/v3/order?symbol=BTCUSDT&signature=abc123", timeout=5)
        finally:
            context.detach(token)
    return exchange.headers[-1]


@pytest.mark.parametrize("host", ["api.exchange.example", "fapi.exchange.example"])
def test_an_exchange_gets_neither_trace_headers_nor_baggage(exchange: Exchange, host: str) -> None:
    """The stock instrumentation sent both."""
    told = post(exchange, host)
    assert {"traceparent", "tracestate", "baggage"} & set(told) == set()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "risk.internal"])
def test_a_service_of_ones_own_gets_the_trace_header_and_no_baggage(exchange: Exchange, host: str) -> None:
    """Loopback and private names."""
    told = post(exchange, host)
    assert told["traceparent"].startswith("00-")
    assert "baggage" not in told


def test_a_redirect_to_an_exchange_takes_the_trace_header_off_again(exchange: Exchange) -> None:
    """The client copies the headers of the first request, which an internal host was allowed to get."""
    exchange.redirect_to = f"http://api.exchange.example:{exchange.port}/order"
    told = post(exchange, "localhost")
    assert len(exchange.headers) == 2
    assert "traceparent" in exchange.headers[0]
    assert {"traceparent", "tracestate", "baggage"} & set(told) == set()


def test_a_listed_host_gets_the_trace_header(exchange: Exchange) -> None:
    """`propagation_hosts`."""
    assert "traceparent" in post(exchange, "api.broker.example", propagation_hosts=["*.broker.example"])


def test_baggage_is_sent_only_if_it_is_asked_for_and_still_not_to_an_exchange(exchange: Exchange) -> None:
    """`propagators` names it."""
    knobs = {"propagators": ["tracecontext", "baggage"]}
    assert "secret-alpha" in post(exchange, "localhost", **knobs)["baggage"]
    assert "baggage" not in post(exchange, "api.exchange.example", **knobs)


def test_an_unsampled_client_span_is_guarded_by_its_destination_too(exchange: Exchange) -> None:
    """It has no attributes of its own; they are remembered."""
    quiet = {"traces_sampler": "always_off"}
    told = post(exchange, "localhost", **quiet)
    assert told["traceparent"].endswith("-00")
    assert "traceparent" not in post(exchange, "api.exchange.example", **quiet)


def test_a_host_that_would_allow_everything_is_rejected() -> None:
    """With the knob, the rule and the reason."""
    with pytest.raises(ot.ConfigurationError, match=r"'propagation_hosts' \(from argument\) must be host names"):
        ot.init("x", propagation_hosts=["*"])


def test_without_a_client_span_nothing_is_injected() -> None:
    """Unknown means no."""
    with capture(), ot.tracer().start_as_current_span("order.submit"):
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
    assert carrier == {}


def test_the_propagator_of_the_application_is_guarded_and_put_back() -> None:
    """What was global before is global afterwards."""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    before = propagate.get_global_textmap()
    mine = TraceContextTextMapPropagator()
    propagate.set_global_textmap(mine)
    try:
        with capture():
            assert propagate.get_global_textmap().inner is mine  # type: ignore[attr-defined]
        assert propagate.get_global_textmap() is mine
    finally:
        propagate.set_global_textmap(before)
    assert isinstance(before, CompositePropagator)


SECRETS = ["abc123signature", "hunter2", "sk-live-1", "GB82WEST12345698765432"]


def test_secrets_leave_in_no_signal(exchange: Exchange, otlp: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    """Span names, attributes, URLs, events, exceptions, log lines and log records, as they reach the receiver."""
    telemetry = ot.init("x", otlp_endpoint=otlp.url, metrics_exporter="none", stdout="json")
    log = ot.get_logger()
    try:
        with ot.tracer().start_as_current_span("order.submit?signature=abc123signature") as span:
            span.set_attribute("api_key", "sk-live-1")
            span.set_attribute("account_number", "GB82WEST12345698765432")
            span.add_event("signed", {"url": "https://x/?signature=abc123signature&a=1"})
            log.info(
                "login with password=hunter2",
                api_key="sk-live-1",
                url="https://u:hunter2@x/",
                nested={"token": "sk-live-1"},
            )
            requests.post(f"http://localhost:{exchange.port}/order?signature=abc123signature", timeout=5)
            raise ValueError("Authorization: Bearer hunter2")
    except ValueError:
        log.exception("failed")
    import logging

    logging.getLogger("third.party").warning("api_key=%s", "sk-live-1")
    assert telemetry.flush(5) is True
    ot.shutdown()
    sent = "".join(str(message) for _, _, message in otlp.requests)
    written = capsys.readouterr().out
    assert "order.submit" in sent
    assert len(otlp.spans) == 2
    assert len(written.splitlines()) >= 2
    for secret in SECRETS:
        assert secret not in sent
        assert secret not in written


def test_records_of_others_through_the_logs_api_are_redacted_too(otlp: Receiver) -> None:
    """They do not pass our pipeline."""
    from opentelemetry._logs import get_logger

    telemetry = ot.init("x", otlp_endpoint=otlp.url, metrics_exporter="none", stdout="off")
    get_logger("theirs").emit(body="password=hunter2", attributes={"api_key": "sk-live-1", "venue": "x"})
    assert telemetry.flush(5) is True
    sent = "".join(str(message) for _, _, message in otlp.requests)
    assert "hunter2" not in sent
    assert "sk-live-1" not in sent
    assert "venue" in sent


def test_order_ids_are_never_masked(otlp: Receiver) -> None:
    """They are what people search for."""
    telemetry = ot.init("x", otlp_endpoint=otlp.url, metrics_exporter="none", stdout="off")
    ids = {
        "trading.order.client_id": "x-A1b2C3",
        "trading.order.id": "8389765512345678901",
        "trading.execution.id": "E-77",
    }
    with ot.tracer().start_as_current_span("order.fill", attributes=ids):
        pass
    assert telemetry.flush(5) is True
    attributes = {a.key: a.value.string_value for a in otlp.spans[0].attributes}
    assert attributes == ids


def test_keys_and_patterns_of_the_user_are_masked(otlp: Receiver) -> None:
    """`redact_keys`, `redact_patterns`."""
    knobs = {"redact_keys": ["strategy_weights"], "redact_patterns": [r"ALPHA-\d+"]}
    telemetry = ot.init("x", otlp_endpoint=otlp.url, metrics_exporter="none", stdout="off", **knobs)
    with ot.tracer().start_as_current_span("run ALPHA-77", attributes={"strategy_weights": "1,2"}):
        pass
    assert telemetry.flush(5) is True
    sent = str(otlp.requests[0][2])
    assert "ALPHA-77" not in sent
    assert "1,2" not in sent
