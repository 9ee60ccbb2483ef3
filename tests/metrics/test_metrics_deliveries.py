"""The books as metrics of the semantic convention: losses by reason, queues, what is under way."""

from __future__ import annotations

from typing import Any

from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from support.registry_files import load
from support.servers import Receiver, wait_until

import otel_trading as ot
from otel_trading.metrics import deliveries
from otel_trading.metrics.cell_provider import CellMeterProvider
from otel_trading.testing.captured import points


def told(lanes: Any) -> dict[tuple[str, str, str], tuple[Any, str | None]]:
    """Values and units by name, component and reason."""
    reader = InMemoryMetricReader()
    provider = CellMeterProvider([reader], shutdown_on_exit=False)
    deliveries.tell(provider.get_meter("m"), lanes)
    return {
        (p.name, str(p.attributes["otel.component.name"]), str(p.attributes.get("error.type", ""))): (p.value, p.unit)
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
        telemetry.flush(10)
    names = {metric.name for metric in otlp.metrics if metric.name.startswith(("otel.sdk.pro", "otel.sdk.exp"))}
    listed = {entry["name"] for entry in load("referenced.yaml")["metrics"]}
    assert names == {name for name in listed if name.startswith(("otel.sdk.pro", "otel.sdk.exp"))}
    assert len(names) == 12
