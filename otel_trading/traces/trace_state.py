"""The sampling threshold in a trace state: `ot=th:`, beside `rv` and the entries of other vendors, which are kept.

As the specification's composable samplers of the SDK do (`opentelemetry.sdk.trace._sampling_experimental`).
"""

from __future__ import annotations

from opentelemetry.trace import TraceState

from otel_trading import sdk

_MOST = 1 << 56


def read(header: str) -> tuple[int, int]:
    """Threshold and `rv` of a state as in the header `tracestate`; -1 for none."""
    ours = sdk.OtelTraceState.parse(TraceState.from_header([header]))
    threshold = ours.threshold if 0 <= ours.threshold <= _MOST else -1
    return threshold, ours.random_value if 0 <= ours.random_value < _MOST else -1


def told(before: str | None, threshold: int, sampled: bool) -> str | None:
    """The state of a span.

    Args:
        before: the parent's, as in the header; None for none.
        threshold: by which the span is sampled; -1: none is told.
        sampled: an unsampled span tells none, also when the parent did.

    Returns:
        As in the header; None for none.
    """
    state = TraceState.from_header([before]) if before else TraceState()
    ours = sdk.OtelTraceState.parse(state)
    ours.threshold = threshold
    entry = ours.serialize()
    if entry:
        state = state.update("ot", entry)
    if not sampled:
        state = without_threshold(state)
    return state.to_header() or None


def without_threshold(state: TraceState) -> TraceState:
    """An unsampled span passes no threshold on; it would claim a ratio that was not used."""
    if "ot" not in state:
        return state
    ours = sdk.OtelTraceState.parse(state)
    ours.threshold = -1
    rest = ours.serialize()
    return state.update("ot", rest) if rest else state.delete("ot")
