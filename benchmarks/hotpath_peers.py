"""The same operations of others: OpenTelemetry's SDK, prometheus_client, and two that the extra `bench` brings."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from hotpath_loops import Loop, loop
from hotpath_operations import ATTRIBUTES, BOUNDS
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from prometheus_client import CollectorRegistry, Histogram

NEVER_MS = 24 * 3600 * 1000


def peers() -> dict[str, Loop]:
    """Name to loop; one that is not installed is said and left out."""
    found = _sdk() | _prometheus_client()
    further: dict[str, Callable[[], dict[str, Loop]]] = {"hdrh": _hdr_histogram, "pytracingx": _pytracingx}
    for module, make in further.items():
        try:
            found |= make()
        except ImportError:
            sys.stderr.write(f"{module} is not installed and left out; pip install 'otel-trading[bench]'\n")
    return found


def _sdk() -> dict[str, Loop]:
    meter = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False).get_meter("stock")
    histogram = meter.create_histogram("h", explicit_bucket_boundaries_advisory=BOUNDS)
    counter = meter.create_counter("c")
    return {
        "SDK: histogram.record, 2 attributes": loop("call(1234.5, two)", call=histogram.record, two=dict(ATTRIBUTES)),
        "SDK: counter.add, 2 attributes": loop("call(1, two)", call=counter.add, two=dict(ATTRIBUTES)),
    }


def _prometheus_client() -> dict[str, Loop]:
    client = Histogram("h", "h", ["venue", "side"], buckets=BOUNDS, registry=CollectorRegistry())
    bound = client.labels("binance", "buy")
    return {
        "prometheus_client: bound observe": loop("call(1234.5)", call=bound.observe),
        "prometheus_client: labels().observe": loop("call('binance', 'buy').observe(1234.5)", call=client.labels),
        "prometheus_client: with bound time()": loop("with time(): pass", time=bound.time),
    }


def _hdr_histogram() -> dict[str, Loop]:
    made: Any = importlib.import_module("hdrh.histogram").HdrHistogram(1, 10**9, 2)
    return {"HdrHistogram_py: record_value(int)": loop("call(1234)", call=made.record_value)}


def _pytracingx() -> dict[str, Loop]:
    """Over its Rust SDK, with a sink that never gets to export: nobody listens there."""
    os.environ.setdefault("RUST_LOG", "off")  # it would write to our standard output, and has no other switch
    peer: Any = importlib.import_module("pytracingx")
    sink = peer.MetricSink("http://127.0.0.1:9/v1/metrics", protocol="http/protobuf", export_interval_ms=NEVER_MS)
    peer.init(peer.Config("bench", console_output=False, sinks=[sink]))
    meter = peer.get_meter("bench")
    histogram, counter = meter.histogram("h", boundaries=BOUNDS), meter.counter("c")
    literal = "call(1234.5, {'venue': 'binance', 'side': side})"
    return {
        "pytracingx: histogram, no attributes": loop("call(1234.5)", call=histogram.record),
        "pytracingx: histogram, prebuilt dict of 2": loop(
            "call(1234.5, two)", call=histogram.record, two=dict(ATTRIBUTES)
        ),
        "pytracingx: histogram, literal dict of 2": loop(literal, call=histogram.record, side="buy"),
        "pytracingx: counter, no attributes": loop("call(1.0)", call=counter.add),
    }
