"""`capture()`: telemetry into memory for the length of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from otel_trading import runtime, sdk
from otel_trading.ground import clock
from otel_trading.metrics.engine import engine
from otel_trading.telemetry import InMemory
from otel_trading.testing.captured import Captured
from otel_trading.testing.fixed import FixedClock, SequentialIds


@contextmanager
def capture(service_name: str = "test", **knobs: Any) -> Iterator[Captured]:
    """Starts telemetry that stays in memory, with a clock that stands still and ids that count.

    Nothing is sent, no port is opened, nothing is written to standard output unless a knob says so. Every span is
    kept. Inside the block `otel_trading.now()`, the times of spans, events and log records come from the clock.

    Args:
        service_name: `service.name`.
        **knobs: any knob of `init()`.

    Yields:
        What was captured; it stays readable after the block.

    Raises:
        RuntimeError: telemetry runs already.
        ConfigurationError: as `init()`.
    """
    if runtime.running():
        raise RuntimeError("capture() needs telemetry to be stopped; call otel_trading.shutdown() before.")
    fixed = FixedClock()
    spans, reader, logs = InMemorySpanExporter(), InMemoryMetricReader(), sdk.in_memory_logs()
    in_memory = InMemory(SimpleSpanProcessor(spans), reader, sdk.SimpleLogRecordProcessor(logs), SequentialIds())
    silent = {"traces_exporter": "none", "metrics_exporter": "none", "logs_exporter": "none", "stdout": "off"}
    everything = {"tick_ratio": 1.0, "flush_on_sigterm": False, "own_metrics": False}
    real = clock.wall_ns, clock.now
    clock.wall_ns, clock.now = fixed.read_wall_ns, fixed.read_monotonic_ns
    engine.set_clock(fixed.read_monotonic_ns, fixed.read_wall_ns)
    try:
        telemetry = runtime.start({"service_name": service_name, **silent, **everything, **knobs}, None, in_memory)
        captured = Captured(telemetry, fixed, spans, reader, logs)
        try:
            yield captured
        finally:
            captured.keep_metrics()
            telemetry.shutdown()
    finally:
        clock.wall_ns, clock.now = real
        engine.set_clock(None, None)
