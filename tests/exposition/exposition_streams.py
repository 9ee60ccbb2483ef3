"""Live streams and pages as the tests of the exposition make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from otel_trading.metrics.attributes import split
from otel_trading.metrics.exposition import Exposition
from otel_trading.metrics.live import Kind, LiveStream, Series

SCOPE = InstrumentationScope("strategy", "1.0", "https://schema")
OPEN = "application/openmetrics-text;version=1.0.0"
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


class Streams:
    """Streams of cells of one engine, and pages of them."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.live: list[LiveStream] = []
        self.data: Any = None

    def stream(
        self,
        kind: Kind,
        name: str,
        unit: str = "",
        description: str = "",
        bounds: Sequence[float] = (1.0,),
        scope: InstrumentationScope = SCOPE,
    ) -> LiveStream:
        made = LiveStream(scope, name, unit, description, kind, bounds if kind == "explicit" else ())
        self.live.append(made)
        return made

    def series(self, stream: LiveStream, attributes: Mapping[str, Any] | None = None, *amounts: float) -> Series:
        cell = self.engine.Cell(stream.name)
        cell.configure(stream.kind, bounds=self.engine.Bounds(stream.bounds))
        for amount in amounts:
            cell.record(amount)
        made = Series(*split(attributes or {}), cell)
        stream.series.append(made)
        return made

    def exposition(self, resource: Mapping[str, Any] | None = None, **options: Any) -> Exposition:
        options = {"target_info": False, "scope_info": False} | options
        return Exposition(self.engine, lambda: (self.live, self.data), Resource(resource or {}), **options)

    def page(self, accept: str = "", **options: Any) -> str:
        return text(self.exposition(**options), accept)

    def lines(self, accept: str = "", **options: Any) -> list[str]:
        return [line for line in self.page(accept, **options).splitlines() if not line.startswith("#")]


def text(exposition: Exposition, accept: str = "") -> str:
    return body(exposition, accept).decode()


def body(exposition: Exposition, accept: str = "") -> bytes:
    return b"".join(exposition.render(accept)[1])
