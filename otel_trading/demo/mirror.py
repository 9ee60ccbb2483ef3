"""What Jaeger and Elasticsearch have of a run, copied into the store that the screen and the verdict read.

With `--stack` the services send to a collector and nothing comes here by itself. So everything that is shown has made
the whole way: through the collector into the real stores, and back by their query APIs.
"""

from __future__ import annotations

import base64
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_trading.demo.services import ORDER_STAGES, SERVICES
from otel_trading.ground.clock import Deadline, wall_ns
from otel_trading.stores.elasticsearch import Elasticsearch
from otel_trading.stores.errors import StoreError
from otel_trading.stores.jaeger import Jaeger
from otel_trading.viewer.decode import decode_traces
from otel_trading.viewer.rows import LogLine, Span
from otel_trading.viewer.store import Store

_EVERY_S = 1.0
_BACK_NS = 20 * 1_000_000_000
_AT_ONCE = 300
_AT_THE_END = 10_000
_SETTLED_ROUNDS = 2
_ATTEMPTS = 15
_ID_FIELDS = ("traceId", "spanId", "parentSpanId")


class Mirror:
    """Reads the stores once a second in a thread of its own until `finish`.

    Attributes:
        counts: spans and logs copied so far, and `failed` questions.
        trouble: why the last question failed; empty once one works again.
    """

    def __init__(self, store: Store, jaeger: Jaeger, elasticsearch: Elasticsearch | None, began_ns: int) -> None:
        """Begins to read.

        Args:
            store: takes the copies.
            jaeger: where the spans are.
            elasticsearch: where the log records are; None leaves them out.
            began_ns: begin of the run, UTC nanoseconds; what is older is not this run's.
        """
        self.counts: Counter[str] = Counter()
        self.trouble = ""
        self._store, self._jaeger, self._elasticsearch = store, jaeger, elasticsearch
        self._began_ns = began_ns
        self._spans: set[tuple[str, str]] = set()
        self._traces: set[str] = set()
        self._wanted: Counter[str] = Counter()
        self._lines: set[tuple[str, str]] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mirror", daemon=True)
        self._thread.start()

    def finish(self, timeout_s: float) -> None:
        """Ends the thread and reads on until nothing new comes twice in a row, at most `timeout_s` seconds."""
        deadline = Deadline(timeout_s)
        self._stop.set()
        self._thread.join(timeout_s)
        quiet = 0
        while quiet < _SETTLED_ROUNDS and deadline.remaining_s() > 0:
            before = self.counts["spans"] + self.counts["logs"]
            self._read(self._began_ns, _AT_THE_END)
            quiet = quiet + 1 if self.counts["spans"] + self.counts["logs"] == before else 0
            time.sleep(min(_EVERY_S, deadline.remaining_s()))

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            self._read(max(self._began_ns, wall_ns() - _BACK_NS), _AT_ONCE)

    def _read(self, since_ns: int, limit: int) -> None:
        try:
            self._copy(self._spans_of(self._jaeger.search(ORDER_STAGES[0], since_ns, wall_ns(), limit)))
            self._copy(lines=self._new_lines(limit))
            for trace_id in list(self._wanted):
                self._copy(self._fetch(trace_id))
        except StoreError as error:
            self.counts["failed"] += 1
            self.trouble = str(error)
        else:
            self.trouble = ""

    def _copy(self, spans: Sequence[Span] = (), lines: Sequence[LogLine] = ()) -> None:
        """Writes what is new, and notes the traces it speaks of that no search finds: ticks, and those of lines."""
        self._store.write(spans=spans, logs=lines)
        self.counts["spans"] += len(spans)
        self.counts["logs"] += len(lines)
        named = {link.trace_id for span in spans for link in span.links} | {line.trace_id for line in lines}
        self._wanted.update(named - self._traces - self._wanted.keys() - {""})

    def _fetch(self, trace_id: str) -> list[Span]:
        """Asks for a noted trace; one that stays away, because it was not kept, is given up."""
        self._wanted[trace_id] += 1
        trace = self._jaeger.trace(trace_id)
        if trace is not None or self._wanted[trace_id] > _ATTEMPTS:
            del self._wanted[trace_id]
        return self._spans_of(trace or {"resourceSpans": []})

    def _spans_of(self, trace: dict[str, Any]) -> list[Span]:
        """The spans that have not been copied yet."""
        rows = spans_from_json(trace)
        fresh = [span for span in rows if (span.trace_id, span.span_id) not in self._spans]
        self._spans.update([(span.trace_id, span.span_id) for span in fresh])
        self._traces.update([span.trace_id for span in fresh])
        return fresh

    def _new_lines(self, limit: int) -> list[LogLine]:
        if self._elasticsearch is None:
            return []
        names = " OR ".join([f'"{service.name}"' for service in SERVICES])
        hits = self._elasticsearch.search(f"service.name:({names})", limit)
        fresh = {(hit["_index"], hit["_id"]): line_from_document(hit["_source"]) for hit in hits}
        lines = {key: line for key, line in fresh.items() if key not in self._lines and line.time_ns >= self._began_ns}
        self._lines.update(lines)
        return list(lines.values())


def spans_from_json(trace: dict[str, Any]) -> list[Span]:
    """Returns the rows of a trace in OTLP JSON, whose ids are hexadecimal; an unreadable one is empty."""
    request = ExportTraceServiceRequest()
    try:
        ParseDict(_with_base64(trace), request, ignore_unknown_fields=True)
    except (ParseError, ValueError, TypeError):
        return []
    return decode_traces(request.SerializeToString()).rows


def _with_base64(node: Any, key: str = "") -> Any:
    """Protobuf's own JSON has base64 where OTLP's has hexadecimal."""
    if isinstance(node, dict):
        return {name: _with_base64(value, name) for name, value in node.items()}
    if isinstance(node, list):
        return [_with_base64(one) for one in node]
    return base64.b64encode(bytes.fromhex(node)).decode() if key in _ID_FIELDS else node


def line_from_document(source: dict[str, Any]) -> LogLine:
    """Returns the row of a document in the form in which the collector stores log records."""
    attributes = dict(source.get("attributes", {}))
    return LogLine(
        time_ns=int(attributes.pop("time_unix_nano", 0)),
        severity_number=int(source.get("severity_number", 0)),
        severity=str(source.get("severity_text", "")).lower(),
        body=str(source.get("body", {}).get("text", "")),
        event_name=str(source.get("event_name", "")),
        trace_id=str(source.get("trace_id", "")),
        span_id=str(source.get("span_id", "")),
        service=str(source.get("resource", {}).get("attributes", {}).get("service.name", "")),
        attributes=attributes,
    )
