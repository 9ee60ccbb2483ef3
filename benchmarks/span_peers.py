"""The spans of others, as loops: the SDK's, and those of native libraries from PyPI."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from hotpath_loops import Loop, loop
from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler

CURRENT = "with start('order.submit', attributes={'venue': 'binance', 'side': 'buy', 'qty': 5}): pass"
"""A span with three attributes as the current one, as traders write it."""

BATCH = "SDK, batch processor"
NO_OP = "SDK, no-op processor"
UNSAMPLED = "SDK, unsampled"
ATTACH = "opentelemetry.context: attach, detach"
FASTOTEL, PYTRACINGX = "fastotel", "pytracingx"
NOBODY = "http://127.0.0.1:9"
"""Where no receiver listens."""


class Kept(SpanExporter):
    """Keeps the last batch, so that what encodes it can be measured apart."""

    def __init__(self) -> None:
        self.batch: Sequence[ReadableSpan] = ()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Says that all is well."""
        self.batch = spans
        return SpanExportResult.SUCCESS


def peers() -> dict[str, Loop]:
    """Name to loop; one that is not installed is said and left out."""
    found = {
        BATCH: _sdk(BatchSpanProcessor(Kept(), 1 << 15)),
        NO_OP: _sdk(SpanProcessor()),
        UNSAMPLED: _sdk(SpanProcessor(), ALWAYS_OFF),
        ATTACH: loop("detach(attach(context))", attach=attach, detach=detach, context=Context({"a": 1})),
    }
    makers: dict[str, Callable[[], Loop]] = {FASTOTEL: _fastotel, PYTRACINGX: _pytracingx}
    for name, make in makers.items():
        try:
            found[name] = make()
        except ImportError:
            sys.stderr.write(f"{name} is not installed and left out; pip install 'otel-trading[bench]'\n")
    return found


def _sdk(processor: SpanProcessor, sampler: Sampler = ALWAYS_ON) -> Loop:
    provider = TracerProvider(sampler, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    return loop(CURRENT, start=provider.get_tracer("bench").start_as_current_span)


def sdk_encoding(spans: int = 512) -> Callable[[], int]:
    """Makes the bytes that are sent of so many spans, and tells how many they were."""
    kept = Kept()
    provider = TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(kept, spans, schedule_delay_millis=3_600_000, max_export_batch_size=spans)
    provider.add_span_processor(processor)
    loop(CURRENT, start=provider.get_tracer("bench").start_as_current_span)(spans // 10 * 10)
    processor.force_flush()
    batch = kept.batch

    def encode() -> int:
        encode_spans(batch).SerializeToString()
        return len(batch)

    return encode


def _fastotel() -> Loop:
    return _sdk(importlib.import_module("fastotel").OTLPSpanProcessor(endpoint=f"{NOBODY}/v1/traces"))


def _pytracingx() -> Loop:
    os.environ.setdefault("RUST_LOG", "off")  # it would write to our standard output, and has no other switch
    peer: Any = importlib.import_module("pytracingx")
    sink = peer.TraceSink(f"{NOBODY}/v1/traces", protocol="http/protobuf")
    peer.init(peer.Config("bench", console_output=False, sinks=[sink]))
    return loop(CURRENT, start=peer.start_span)
