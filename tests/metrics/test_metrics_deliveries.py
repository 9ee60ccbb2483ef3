"""The books as metrics of the semantic convention: losses by reason, queues, what is under way."""

from __future__ import annotations

from typing import Any

from opentelemetry import propagate
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import SpanKind
from support.registry_files import load
from support.servers import Receiver, wait_until

import otel_trading as ot
from otel_trading.metrics import deliveries, operations
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.testing.captured import points
from otel_trading.traces import beginnings


def told(lanes: Any) -> dict[tuple[str, str, str], tuple[Any, str | None]]:
    """Values and units by name, component and reason."""
    reader = InMemoryMetricReader()
    provider = CellMeterProvider([reader], shutdown_on_exit=False)
    deliveries.tell(provider.get_meter("m"), lanes)
    return {
        (p.name, str(p.attributes.get("otel.component.name", "")), str(p.attributes.get("error.type", ""))): (
            p.value,
            p.unit,
        )
        for p in points(reader.get_metrics_data())
    }


def test_the_books_are_told_under_the_conventions_names(otlp: Receiver) -> None:
    """Delivered, refused, waiting and turned away; each once."""
    otlp.answer = lambda path: (401, {}, b"") if path == "/v1/traces" else (200, {}, b"")
    telemetry = ot.init(
        "x", otlp_endpoint=otlp.url, metrics_exporter="none", stdout="off", traces_queue_items=5, traces_batch_items=5,
        traces_schedule_delay_s=60, logs_schedule_delay_s=60,
    )  # fmt: skip
    for _ in range(3):
        with ot.tracer().start_as_current_span("order"):
            ot.get_logger().info("x")
    telemetry.flush(10)
    otlp.answer = lambda path: (503, {"retry-after": "20"}, b"")
    with ot.tracer().start_as_current_span("order"):
        pass
    telemetry.flush(0.1)
    wait_until(lambda: len(otlp.requests) >= 3)
    with telemetry._lanes["traces"]._pump.turn:  # what is on its way to the worker stays where it is
        for _ in range(7):
            with ot.tracer().start_as_current_span("order"):
                pass
        found = told(telemetry._lanes)
    processor, exporter = "batching_span_processor/0", "otlp_http_span_exporter/0"
    assert found["otel.sdk.processor.span.processed", processor, ""] == (4, "{span}")
    assert found["otel.sdk.processor.span.processed", processor, "queue_full"] == (2, "{span}")
    assert found["otel.sdk.processor.span.queue.size", processor, ""] == (5, "{span}")
    assert found["otel.sdk.processor.span.queue.capacity", processor, ""] == (5, "{span}")
    assert found["otel.sdk.exporter.span.exported", exporter, ""] == (0, "{span}")
    assert found["otel.sdk.exporter.span.exported", exporter, "refused_by_server"] == (3, "{span}")
    assert found["otel.sdk.exporter.span.inflight", exporter, ""] == (1, "{span}")
    assert found["otel.sdk.exporter.log.exported", "otlp_http_log_exporter/0", ""] == (3, "{log_record}")
    assert found["otel.sdk.exporter.log.inflight", "otlp_http_log_exporter/0", ""] == (0, "{log_record}")
    processor = "batching_log_processor/0"
    assert found["otel.sdk.processor.log.queue.size", processor, ""] == (0, "{log_record}")
    assert found["otel.sdk.processor.log.queue.capacity", processor, ""] == (16384, "{log_record}")
    assert found["otel.sdk.processor.log.processed", processor, ""] == (3, "{log_record}")
    assert found["otel.sdk.log.created", "", ""] == (3, "{log_record}")


def test_spans_are_counted_as_they_begin_and_while_they_are_open(otlp: Receiver) -> None:
    """By what the sampler said and where the parent is; what is left out is told too."""
    remote = propagate.extract({"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    reader = InMemoryMetricReader()
    provider = CellMeterProvider([reader], shutdown_on_exit=False)
    with ot.init(
        "x", otlp_endpoint=otlp.url, metrics_exporter="none", stdout="off", default_ratio=0.0, keep_errors=False
    ) as telemetry:
        beginnings.tells_what_began(telemetry._lanes["traces"].arena)(provider.get_meter("m"))
        tracer = ot.tracer()
        for _ in range(3):
            tracer.start_span("order.submit").end()
            tracer.start_span("quote.update").end()
        tracer.start_span("order.ack", context=remote).end()
        asked = tracer.start_span("rest.request", kind=SpanKind.CLIENT)  # records, for its headers are guarded
        with tracer.start_as_current_span("order.cancel"):
            tracer.start_span("order.cancel.sent")
            found = points(reader.get_metrics_data())
        asked.end()
    assert {(p.name, p.unit) for p in found} == {("otel.sdk.span.started", "{span}"), ("otel.sdk.span.live", "{span}")}
    result, origin = "otel.span.sampling_result", "otel.span.parent.origin"
    started = {(p.attributes[result], p.attributes[origin]): p.value for p in found if p.name.endswith("started")}
    assert started == {
        ("DROP", "none"): 3,
        ("RECORD_ONLY", "none"): 1,
        ("RECORD_AND_SAMPLE", "none"): 4,
        ("RECORD_AND_SAMPLE", "local"): 1,
        ("RECORD_AND_SAMPLE", "remote"): 1,
    }
    live = {p.attributes[result]: p.value for p in found if p.name.endswith("live")}
    assert live == {"RECORD_ONLY": 1, "RECORD_AND_SAMPLE": 2}


def test_an_export_is_one_duration_with_the_reason_of_its_last_attempt(otlp: Receiver) -> None:
    """However often it was tried; with the conventions' unit."""
    answers = [503, 503]
    otlp.answer = lambda path: (answers.pop(), {"retry-after": "0.5"}, b"") if answers else (200, {}, b"")
    reader = InMemoryMetricReader()
    provider = CellMeterProvider([reader], shutdown_on_exit=False)
    with ot.init(
        "x", otlp_endpoint=otlp.url, metrics_exporter="none", stdout="off", traces_schedule_delay_s=0.01
    ) as telemetry:
        operations.tells_how_long_exports_take(telemetry._lanes)(provider.get_meter("m"))
        ot.tracer().start_span("order.submit").end()
        wait_until(lambda: telemetry.books()["traces"].delivered == 1)
        otlp.answer = lambda path: (401, {}, b"")
        ot.tracer().start_span("order.submit").end()
        assert not telemetry.flush(10)
        found = {p.attributes.get("error.type"): p for p in points(reader.get_metrics_data())}
    assert {p.name for p in found.values()} == {"otel.sdk.exporter.operation.duration"}
    assert {p.unit for p in found.values()} == {"s"}
    assert {(p.attributes["otel.component.type"], p.count) for p in found.values()} == {("otlp_http_span_exporter", 1)}
    assert set(found) == {None, "refused_by_server"}
    assert 1 <= found[None].sum < 10
    assert 0 < found["refused_by_server"].sum < 1


def test_data_points_are_told_by_their_number(otlp: Receiver) -> None:
    """Three of two instruments are delivered; nothing is under way afterwards."""
    with ot.init("x", otlp_endpoint=otlp.url, metrics_exporter="otlp", own_metrics=False, stdout="off") as telemetry:
        ot.meter().create_counter("a").add(1, {"venue": "x"})
        ot.meter().create_counter("b").add(1, {"venue": "x"})
        ot.meter().create_counter("b").add(1, {"venue": "y"})
        assert telemetry.flush(10)
        found = told(telemetry._lanes)
    exporter = "otlp_http_metric_exporter/0"
    assert found["otel.sdk.exporter.metric_data_point.exported", exporter, ""] == (3, "{data_point}")
    assert found["otel.sdk.exporter.metric_data_point.inflight", exporter, ""] == (0, "{data_point}")


def test_they_arrive_with_the_other_metrics_about_telemetry(otlp: Receiver) -> None:
    """Of all three signals, from `init()` on."""
    with ot.init("x", otlp_endpoint=otlp.url, metrics_exporter="otlp", stdout="off") as telemetry:
        ot.tracer().start_span("order.submit").end()
        telemetry.flush(10)
        telemetry.flush(10)  # the second tells how long the first took
    of_a_part = ("otel.sdk.pro", "otel.sdk.exp", "otel.sdk.span", "otel.sdk.log")
    names = {metric.name for metric in otlp.metrics if metric.name.startswith(of_a_part)}
    listed = {entry["name"] for entry in load("referenced.yaml")["metrics"]}
    assert names == {name for name in listed if name.startswith(of_a_part)}
    assert len(names) == 16
