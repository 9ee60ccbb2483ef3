"""What span_keeping.py runs: one way to make spans and to leave, with one library.

python benchmarks/span_keeping_child.py PEER WAY ENDPOINT SPANS

Prints the monotonic time at which it begins to leave, as the service would, with no call to any library.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

Start = Callable[[str], Any]
OUTAGE_S, AFTER_S, RATE = 6.0, 12.0, 100


def sdk(endpoint: str) -> Start:
    """As the SDK's documentation has it."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return of_provider(BatchSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))


def fastotel(endpoint: str) -> Start:
    """Its processor in the SDK's provider."""
    return of_provider(importlib.import_module("fastotel").OTLPSpanProcessor(endpoint=f"{endpoint}/v1/traces"))


def of_provider(processor: Any) -> Start:
    """Spans of the SDK."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider()
    provider.add_span_processor(processor)
    trace.set_tracer_provider(provider)
    return provider.get_tracer("keeping").start_as_current_span


def pytracingx(endpoint: str) -> Start:
    """It has no API of OpenTelemetry's."""
    os.environ.setdefault("RUST_LOG", "off")
    peer: Any = importlib.import_module("pytracingx")
    sink = peer.TraceSink(f"{endpoint}/v1/traces", protocol="http/protobuf")
    peer.init(peer.Config("keeping", console_output=False, sinks=[sink]))
    start: Start = peer.start_span
    return start


def ours(endpoint: str) -> Start:
    """As its documentation has it."""
    import otel_trading as ot

    ot.init("keeping", otlp_endpoint=endpoint, metrics_exporter="none", logs_exporter="none", stdout="off")
    return ot.tracer().start_as_current_span


PEERS = {"SDK": sdk, "fastotel": fastotel, "pytracingx": pytracingx, "otel_trading": ours}


def make(start: Start, name: str, spans: int) -> None:
    """Each with a name of its own, so that the receiver can tell them apart."""
    for number in range(spans):
        with start(f"{name} {number}"):
            pass


def leaving() -> None:
    """From now on it takes what the library needs."""
    print(time.monotonic(), flush=True)


def main() -> int:
    """Runs."""
    peer, way, endpoint, spans = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    start = PEERS[peer](endpoint)
    if way == "fork":
        third = spans // 3
        make(start, "before", third)
        child = os.fork()
        make(start, "child" if child == 0 else "parent", third)
        if child:
            os.waitpid(child, 0)
            leaving()
    elif way == "outage":
        began = time.monotonic()
        for number in range(spans):
            make(start, f"{number}", 1)
            time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        time.sleep(max(0.0, began + OUTAGE_S + AFTER_S - time.monotonic()))
        leaving()
    else:
        make(start, "only", spans)
        leaving()
        if way == "SIGTERM":
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(3600)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
