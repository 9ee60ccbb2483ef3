"""Our tracer provider: spans are recorded by the engine, and leave as the bytes that they ended as."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, NamedTuple
from weakref import WeakSet

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import TracerProvider
from opentelemetry.util.types import Attributes

from otel_trading.ground.clock import Deadline
from otel_trading.hotpath.chosen import engine
from otel_trading.hotpath.span_engine import Recorder
from otel_trading.traces import troubles
from otel_trading.traces.keeping import NOTHING_KEPT, Keeping
from otel_trading.traces.lane import SpanLane, encoded_scope
from otel_trading.traces.origin import Origin, Processors
from otel_trading.traces.sampler import TradingSampler
from otel_trading.traces.span import ObservedSpan, TradingSpan
from otel_trading.traces.starting import Starting
from otel_trading.traces.tracer import DelegatingTracer, nothing

_SHUTDOWN_S = 5.0

MOST = 10_000
"""Attributes, events and links of a span where no limit is set: keys are compared one by one."""


class RecordingTracerProvider(TracerProvider):
    """Its tracers record on the lane's arena. Thread-safe.

    With a sampler, id generator or SpanProcessor of others, spans begin in Python, and are the same spans.
    """

    def __init__(
        self,
        resource: Resource,
        sampler: Sampler,
        limits: Mapping[str, int | None],
        lane: SpanLane,
        id_generator: IdGenerator | None = None,
        keeping: Keeping = NOTHING_KEPT,
    ) -> None:
        """Takes its parts.

        Args:
            resource: of all spans.
            sampler: decides which are kept.
            limits: attributes, events, links, event_attributes, link_attributes, attribute_length; None for none.
            lane: where spans leave.
            id_generator: of others; None for the engine's.
            keeping: which unsampled spans are kept. Only of a TradingSampler: what another drops is not recorded, as
                the specification asks for.
        """
        self.resource = resource
        self.sampler = sampler
        self.id_generator = id_generator or RandomIdGenerator()
        self._own_ids = id_generator is None
        self._limits = limits
        self.keeping = keeping if type(sampler) is TradingSampler else NOTHING_KEPT
        self._lane = lane
        self.processors = Processors()
        """Of others, that are told of spans."""
        self._lock = threading.RLock()
        self._tracers: WeakSet[DelegatingTracer] = WeakSet()
        self._native = _native(sampler)
        self._shut_down = False
        troubles.watch(lane.arena)

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> DelegatingTracer:
        """A tracer for the scope."""
        tracer = DelegatingTracer((instrumenting_module_name, instrumenting_library_version, schema_url, attributes))
        self.lead(tracer)
        return tracer

    def lead(self, tracer: DelegatingTracer) -> None:
        """Makes a tracer record here, until it is led elsewhere."""
        with self._lock:
            self._tracers.add(tracer)
            self._direct(tracer)

    def _direct(self, tracer: DelegatingTracer) -> None:
        if self._shut_down:
            tracer.follow(nothing)
            return
        name, version, schema_url, attributes = tracer.scope
        origin = Origin(self.resource, InstrumentationScope(name, version, schema_url, attributes), self.processors)
        plain = self._recorder(origin, TradingSpan, self.keeping)
        observed = self._recorder(origin, ObservedSpan, NOTHING_KEPT)
        start = Starting(plain, observed, self.sampler, self.id_generator, self.processors)
        natively = self._native.begins and self._own_ids and not self.processors.any
        tracer.follow(start, plain if natively else None, self._native.sampler)

    def _recorder(self, origin: Origin, span_type: Any, keeping: Keeping) -> Recorder:
        limits = self._limits
        return engine.Recorder(
            self._lane.arena,
            encoded_scope(origin.scope),
            attributes=_most(limits["attributes"]),
            events=_most(limits["events"]),
            links=_most(limits["links"]),
            event_attributes=_most(limits["event_attributes"]),
            link_attributes=_most(limits["link_attributes"]),
            letters=limits["attribute_length"],
            span_type=span_type,
            owner=origin,
            keep_errors=keeping.errors,
            slow_ns=keeping.slow_ns,
            keep_ticks=keeping.ticks,
        )

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Tells a processor of the beginning and end of each span from now on; those under way are not told."""
        with self._lock:
            self.processors.add(span_processor)
            for tracer in list(self._tracers):
                self._direct(tracer)

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Delivers what waits, and flushes the processors, within the limit."""
        deadline = Deadline(timeout_millis / 1000)
        tickets = self._lane.ask_to_flush()
        flushed = self.processors.force_flush(timeout_millis)
        return self._lane.flushed(tickets, deadline) and flushed

    def shutdown(self) -> None:
        """Delivers what waits within five seconds and shuts the processors down; spans that begin later do not record.

        The workers end with the telemetry, under the deadline that all signals share.
        """
        with self._lock:
            self._shut_down = True
            for tracer in list(self._tracers):
                self._direct(tracer)
        deadline = Deadline(_SHUTDOWN_S)
        self._lane.flushed(self._lane.ask_to_flush(), deadline)
        self.processors.shutdown(deadline)


def _most(limit: int | None) -> int:
    return MOST if limit is None else min(limit, MOST)


class _Native(NamedTuple):
    """What the engine has in the place of a sampler: whether it may begin spans, and what decides, None to keep all."""

    begins: bool
    sampler: Any = None


def _native(sampler: Sampler) -> _Native:
    if sampler is ALWAYS_ON:
        return _Native(True)
    return _Native(True, sampler.native(engine)) if type(sampler) is TradingSampler else _Native(False)
