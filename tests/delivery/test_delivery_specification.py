"""Rows of the specification's compliance matrix for OTLP exporters that no other test shows."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry._logs import get_logger
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from support.hostile_grpc import GRPC
from support.servers import Receiver
from test_otlp_http import span
from test_stock import Collector, serve

import otel_trading as ot
from otel_trading import sdk
from otel_trading.config.plan import OTLP_GRPC, ExporterPlan
from otel_trading.delivery.otlp_grpc import OtlpGrpc
from otel_trading.delivery.otlp_http import OtlpHttp
from otel_trading.ground import diagnostics

QUIET: dict[str, Any] = {"metrics_exporter": "none", "logs_exporter": "none", "stdout": "off"}
SCHEMA, MINE = "https://opentelemetry.io/schemas/1.38.0", "https://example.org/1"


def test_schema_urls_of_resources_and_scopes_are_sent(otlp: Receiver) -> None:
    """In each of the three signals."""
    with ot.init("x", otlp_endpoint=otlp.url, metrics_exporter="otlp", own_metrics=False, stdout="off") as telemetry:
        from opentelemetry import metrics, trace

        trace.get_tracer("t", schema_url=MINE).start_span("a").end()
        get_logger("t", schema_url=MINE).emit(body="a")
        metrics.get_meter("t", schema_url=MINE).create_counter("a").add(1)
        assert telemetry.flush(10)
    told = set()
    for path, _, request in otlp.requests:
        signal = path.removeprefix("/v1/").replace("traces", "spans")
        for part in getattr(request, f"resource_{signal}"):
            told |= {(signal, part.schema_url, scope.schema_url) for scope in getattr(part, f"scope_{signal}")}
    assert told == {(signal, SCHEMA, MINE) for signal in ("spans", "logs", "metrics")}


def test_the_exporter_tells_who_it_is_by_both_protocols(otlp: Receiver) -> None:
    """This distribution, then the exporter's name as the specification has it, each with its version."""
    named = re.compile(r"^otel-trading/\d\S* OTel-OTLP-Exporter-Python/\d\S*")
    OtlpHttp("traces", ExporterPlan("otlp_http", f"{otlp.url}/v1/traces")).send([span()], 5)
    assert named.match(otlp.requests[0][1]["user-agent"])
    collector = Collector()
    server, port = serve(collector)
    sender = OtlpGrpc("traces", ExporterPlan(OTLP_GRPC, f"http://127.0.0.1:{port}", insecure=True))
    try:
        sender.send([span()], 5)
    finally:
        sender.close()
        server.stop(0).wait()
    assert named.match(collector.metadata[0]["user-agent"])


def test_partial_success_is_logged_with_what_the_receiver_says(
    otlp: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """The number of items that were not taken; once for both protocols, as each says the same."""
    from support.hostile import partial_reply

    otlp.answer = lambda path: (200, {}, partial_reply(path))
    with caplog.at_level(logging.WARNING, "otel_trading"):
        outcome = OtlpHttp("traces", ExporterPlan("otlp_http", f"{otlp.url}/v1/traces")).send([span(), span()], 5)
        assert dict(outcome.dropped) == {"partial_success": 1}
        assert f"127.0.0.1:{otlp.port} took traces but rejected 1" in caplog.text
        caplog.clear()
        diagnostics.forget()
        with GRPC["grpc_partial_success"]() as hostile:
            sender = OtlpGrpc("traces", ExporterPlan(OTLP_GRPC, hostile.url, insecure=True))
            try:
                outcome = sender.send([span(), span()], 5)
            finally:
                sender.close()
        assert dict(outcome.dropped) == {"partial_success": 1}
        assert "took traces but rejected 1" in caplog.text


class Mine(SpanExporter):
    """Keeps what it is given, and fails from the second time on."""

    made: list[Mine] = []

    def __init__(self) -> None:
        self.made.append(self)
        self.given: list[list[str]] = []
        self.stopped = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.given.append([span.name for span in spans])
        return SpanExportResult.SUCCESS if len(self.given) == 1 else SpanExportResult.FAILURE

    def shutdown(self) -> None:
        self.stopped += 1


def test_an_exporter_of_others_is_given_batches_and_shut_down_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of its entry point; what it fails to send is in the books."""
    real = sdk.load_entry_point
    monkeypatch.setattr(sdk, "entry_point_names", lambda *groups: {"mine"})
    monkeypatch.setattr(sdk, "load_entry_point", lambda name, *g: Mine if name == "mine" else real(name, *g))
    Mine.made.clear()
    with ot.init("x", traces_exporter="mine", traces_schedule_delay_s=60, **QUIET) as telemetry:
        for name in ("a", "b"):
            ot.tracer().start_span(name).end()
        assert telemetry.flush(10) is True
        ot.tracer().start_span("c").end()
        assert telemetry.flush(10) is False
        assert dict(telemetry.books()["traces"].dropped) == {"exporter_failed": 1}
    (mine,) = Mine.made
    assert (mine.given, mine.stopped) == ([["a", "b"], ["c"]], 1)
