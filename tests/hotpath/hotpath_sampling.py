"""Samplers for the tests: rules that look at everything, and the definition beside both engines."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, TraceState

from otel_trading.hotpath.sampler_engine import IN_STATE
from otel_trading.traces import trace_state
from otel_trading.traces.sampler import TradingSampler

HIGHEST = (1 << 56) - 1

RULES = (
    {"names": ["hedge.*"], "kinds": ["client", "producer"], "always": True},
    {"attributes": {"venue": "binance", "live": True}, "always": True},
    {"names": ["md.trade*", "config.*"], "attributes": {"levels": 20}, "ratio": 0.5},
    {"kinds": ["server"], "attribute_keys": ["http.", "rpc."], "ratio": 0.25, "lowerable": True},
    {"names": ["never.*"], "ratio": 0.0},
)
"""One of each sort."""


def sampler(**settings: Any) -> TradingSampler:
    """One with all sorts of rules."""
    return TradingSampler(**{"tick_ratio": 0.125, "default_ratio": 0.75, "rules": RULES, **settings})


def by_definition(
    made: TradingSampler, name: str, kind: int, attributes: Any, randomness: int, parent: tuple[bool, str] | None
) -> tuple[bool, str | None]:
    """Whether it is sampled, and its state; `parent`: sampled, and its state."""
    context = None
    trace_id = (7 << 64) | randomness
    if parent is not None:
        state = TraceState.from_header([parent[1]]) if parent[1] else None
        above = SpanContext(trace_id, 9, True, TraceFlags(int(parent[0])), state)
        context = trace.set_span_in_context(NonRecordingSpan(above))
    result = made.should_sample(context, trace_id, name, SpanKind(kind - 1), attributes)
    state = result.trace_state
    return result.decision is Decision.RECORD_AND_SAMPLE, state.to_header() or None if state is not None else None


def by_engine(
    made: Any, name: str, kind: int, attributes: Any, randomness: int, parent: tuple[bool, str] | None
) -> tuple[bool, int, int, str | None] | None:
    """The answer of an engine's sampler, which reads the parent's state itself."""
    above = None if parent is None else (parent[0], IN_STATE, parent[1] or None)
    return made.decide(name, kind, attributes, randomness, above)  # type: ignore[no-any-return]


def given(parent: tuple[bool, str] | None, randomness: int) -> tuple[int, tuple[bool, int, str | None] | None]:
    """Randomness and parent as a caller gives them that reads the parent's state itself."""
    if parent is None:
        return randomness, None
    threshold, random = trace_state.read(parent[1]) if parent[1] else (-1, -1)
    return (random if random >= 0 else randomness), (parent[0], threshold, parent[1] or None)
