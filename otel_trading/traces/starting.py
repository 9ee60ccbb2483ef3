"""How a span begins where the engine cannot begin it: links, parents of others, samplers, ids and processors of others.

It does what the SDK's tracer does, in its order, and begins the span on the same recorder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

from otel_trading import sdk
from otel_trading.ground import diagnostics, values
from otel_trading.hotpath.span_engine import RECORD_EXCEPTION, SET_STATUS, Recorder
from otel_trading.traces.attributes import converted
from otel_trading.traces.origin import Processors
from otel_trading.traces.readable import KINDS
from otel_trading.traces.sampler import TradingSampler

_NUMBERS = {kind: place for place, kind in enumerate(KINDS, 1)}


@dataclass(frozen=True, slots=True)
class Starting:
    """Begins the spans of one tracer; thread-safe as its parts are.

    Attributes:
        recorder: for spans that nobody of others is told of.
        observed: for those that `processors` are told of.
        sampler: decides.
        ids: makes ids.
        processors: are told of the beginning.
    """

    recorder: Recorder
    observed: Recorder
    sampler: Sampler
    ids: IdGenerator
    processors: Processors

    def __call__(
        self,
        name: Any,
        context: Context | None,
        kind: Any,
        attributes: Any,
        links: Any,
        start_time: Any,
        record_exception: Any,
        set_status_on_exception: Any,
    ) -> Any:
        """A span; may raise what a sampler or an id generator of others raises."""
        context = context if isinstance(context, dict) else None
        current = trace.get_current_span(context)
        parent = _valid(current.get_span_context())
        name, safe, kind = values.text(name), converted(attributes), _kind(kind)
        linked = _links(links)
        trace_id = parent.trace_id if parent else self.ids.generate_trace_id()
        result = self.sampler.should_sample(context, trace_id, name, kind, safe, linked)
        sampled = result.decision is Decision.RECORD_AND_SAMPLE
        told = sampled or result.decision is Decision.RECORD_ONLY
        state = result.trace_state
        threshold, randomness = _consistency(state)
        begin = self.observed.begin if told and self.processors.any else self.recorder.begin
        span: Any = begin(
            name,
            kind=_NUMBERS[kind],
            attributes=converted(result.attributes) if told else safe,
            start_time=start_time if type(start_time) is int else None,
            trace_id=trace_id,
            span_id=self.ids.generate_span_id(),
            parent_id=parent.span_id if parent else 0,
            flags=self._flags(sampled, parent),
            trace_state=state.to_header() if state else None,
            remote=parent.is_remote if parent else False,
            urgency=_urgency(self.sampler, name, kind, safe),
            record=told,
            threshold=threshold,
            randomness=randomness,
            on_exception=_on_exception(record_exception, set_status_on_exception),
            held_with=current,
        )
        for link in linked:
            span.add_link(link.context, link.attributes)
        if told and self.processors.any:
            self.processors.started(span, context)
        return span

    def _flags(self, sampled: bool, parent: SpanContext | None) -> int:
        random = parent.trace_flags.random_trace_id if parent else sdk.makes_random_ids(self.ids)
        return (TraceFlags.SAMPLED if sampled else 0) | (TraceFlags.RANDOM_TRACE_ID if random else 0)


def _valid(context: SpanContext) -> SpanContext | None:
    return context if context.is_valid else None


def _kind(given: Any) -> SpanKind:
    if isinstance(given, SpanKind):
        return given
    diagnostics.trouble("traces.invalid_kind", "the kind of a span must be a SpanKind; was %s", type(given))
    return SpanKind.INTERNAL


def _links(given: Any) -> Sequence[trace.Link]:
    if not given:
        return ()
    try:
        taken = [link for link in given if isinstance(link, trace.Link)]
    except TypeError:
        diagnostics.trouble("traces.link_failed", "links must be a sequence of Link; was %s", type(given))
        return ()
    return taken


def _consistency(state: Any) -> tuple[int | None, int | None]:
    """Threshold and randomness that a trace state tells; None for what it does not tell."""
    if not state or "ot" not in state:
        return None, None
    told = sdk.OtelTraceState.parse(state)
    threshold = told.threshold if 0 <= told.threshold < 1 << 56 else None
    return threshold, told.random_value if told.random_value >= 0 else None


def _urgency(sampler: Any, name: str, kind: SpanKind, attributes: Any) -> int:
    """What a trading sampler says of a span; normal for others."""
    return sampler.urgency(name, kind, attributes) if isinstance(sampler, TradingSampler) else 1


def _on_exception(record: Any, set_status: Any) -> int:
    return (RECORD_EXCEPTION if record else 0) | (SET_STATUS if set_status else 0)
