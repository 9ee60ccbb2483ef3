"""The trading sampler: an order is kept whatever happened to the tick before it.

Order of the rules (consistent probability sampling, OpenTelemetry specification, "Composable samplers"):
1. always: orders, risk checks, fills, kill switch, gaps, and patterns of the user; outermost, so that an order under
   an unsampled tick survives
2. parent: a child follows its parent's threshold
3. ticks and books: `tick_ratio`, under the rate cap
4. the rest: `default_ratio`, under the rate cap
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from fnmatch import translate
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from otel_trading import sdk
from otel_trading.ground import clock

ALWAYS_NAMES = (
    "order",
    "order.*",
    "order *",
    "risk.*",
    "fill",
    "fill.*",
    "execution.*",
    "kill_switch*",
    "*.kill_switch*",
    "*.gap",
    "*.gap.*",
    "*.gap *",
)
"""Span name patterns that are kept always."""

ALWAYS_KEYS = (
    "trading.order.",
    "trading.execution.",
    "risk.result",
    "risk.check.",
    "trading.kill_switch",
    "md.gap",
)
"""Beginnings of attribute keys whose spans are kept always."""

TICK_NAMES = ("md.*", "book.*", "tick", "tick.*")
"""Span name patterns of ticks and books."""

_RANDOM_VALUES = 1 << 56
_CACHE_LIMIT = 4096


class NameOrKeys:
    """A predicate over span name patterns and beginnings of attribute keys."""

    def __init__(self, names: Sequence[str], keys: Sequence[str] = ()) -> None:
        self._text = " | ".join((*names, *(f"{key}*" for key in keys)))
        self._pattern = re.compile("|".join(translate(name) for name in names) or r"(?!)")
        self._keys = tuple(keys)
        self._known: dict[str, bool] = {}

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        """True if the name or a key matches; the other arguments are the protocol's."""
        matches = self._known.get(name)
        if matches is None:
            matches = self._pattern.fullmatch(name) is not None
            if len(self._known) < _CACHE_LIMIT:
                self._known[name] = matches
        if matches or not attributes or not self._keys:
            return matches
        return any(key.startswith(self._keys) for key in attributes)

    def __str__(self) -> str:
        return self._text


class RateCap(sdk.ComposableSampler):
    """Raises the threshold of another sampler so that not more than a number of traces a second are kept.

    The offered rate is measured over windows of 100 ms and smoothed over about a second; the threshold follows it, so
    a burst may exceed the cap for a moment, and `ot=th:` always tells the ratio that was really used.
    """

    WINDOW_NS = 100_000_000
    SMOOTHING = 0.2

    def __init__(self, delegate: sdk.ComposableSampler, per_second: float) -> None:
        """Caps `delegate` at `per_second` sampled traces; 0 leaves it alone."""
        self._delegate = delegate
        self._per_second = per_second
        self._lock = threading.RLock()
        self._window_began_ns = clock.monotonic_ns()
        self._in_window = 0
        self._rate = 0.0

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None = None,
    ) -> sdk.SamplingIntent:
        """The delegate's intent with a threshold that is at least the cap's."""
        intent = self._delegate.sampling_intent(parent_ctx, name, span_kind, attributes, links, trace_state)
        if self._per_second <= 0 or not 0 <= intent.threshold < _RANDOM_VALUES:
            return intent
        cap = self._threshold((_RANDOM_VALUES - intent.threshold) / _RANDOM_VALUES)
        return intent if cap <= intent.threshold else sdk.SamplingIntent(threshold=cap, attributes=intent.attributes)

    def _threshold(self, ratio: float) -> int:
        """Counts one candidate that would be kept with `ratio`; returns the threshold that keeps to the cap."""
        with self._lock:
            now_ns = clock.monotonic_ns()
            past_ns = now_ns - self._window_began_ns
            if past_ns >= self.WINDOW_NS:
                measured = self._in_window * 1e9 / past_ns
                weight = min(1.0, self.SMOOTHING * past_ns / self.WINDOW_NS)
                self._rate += weight * (measured - self._rate)
                self._window_began_ns, self._in_window = now_ns, 0
            self._in_window += 1
            # within a window a burst counts as if it went on at this pace
            rate = max(self._rate, self._in_window * 1e9 / self.WINDOW_NS * self.SMOOTHING)
        allowed = min(ratio, self._per_second / rate) if rate > 0 else ratio
        return _RANDOM_VALUES - round(allowed * _RANDOM_VALUES)

    def get_description(self) -> str:
        """What it is made of."""
        return f"RateCap{{{self._per_second:g}/s,{self._delegate.get_description()}}}"


class TradingSampler(Sampler):
    """See the module. Thread-safe; a forked child goes on with its own copy of the rate."""

    def __init__(
        self,
        tick_ratio: float = 0.01,
        default_ratio: float = 1.0,
        always: Sequence[str] = (),
        traces_per_second: float = 0.0,
    ) -> None:
        """Builds the rules.

        Args:
            tick_ratio: share of tick and book spans that is kept, 0 to 1.
            default_ratio: share of other root spans that is kept, 0 to 1.
            always: further span name patterns that are kept always.
            traces_per_second: cap on sampled traces that are not kept always; 0 is no cap.

        Raises:
            ValueError: a ratio is outside of 0 to 1.
        """
        ticks = sdk.composable_traceid_ratio_based(tick_ratio)
        rest = sdk.composable_traceid_ratio_based(default_ratio)
        every = NameOrKeys(("*",))
        roots = sdk.composable_rule_based([(NameOrKeys(TICK_NAMES), ticks), (every, rest)])
        capped = RateCap(roots, traces_per_second) if traces_per_second > 0 else roots
        rules = sdk.composable_rule_based(
            [
                (NameOrKeys((*ALWAYS_NAMES, *always), ALWAYS_KEYS), sdk.composable_always_on()),
                (every, sdk.composable_parent_threshold(capped)),
            ]
        )
        self._composite = sdk.composite_sampler(rules)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """Decides, reading `ot=` from the parent's tracestate and passing every vendor's entry on.

        The SDK's tracer hands no tracestate to samplers, so the parent's is taken from the context here.
        """
        if trace_state is None:
            trace_state = get_current_span(parent_context).get_span_context().trace_state
        result = self._composite.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        told = result.trace_state
        if told and result.decision is not Decision.RECORD_AND_SAMPLE:
            told = _without_threshold(told)
        # the SDK's tracer gives a span what the sampler returns, and the composite sampler returns its own only
        kept: dict[str, Any] = {**(attributes or {}), **dict(result.attributes or {})}
        return SamplingResult(result.decision, kept, told)

    def get_description(self) -> str:
        """What it is made of."""
        return f"TradingSampler{{{self._composite.get_description()}}}"


def _without_threshold(trace_state: TraceState) -> TraceState:
    """An unsampled span passes no threshold on; it would claim a ratio that was not used."""
    if "ot" not in trace_state:
        return trace_state
    ours = sdk.OtelTraceState.parse(trace_state)
    ours.threshold = -1
    rest = ours.serialize()
    return trace_state.update("ot", rest) if rest else trace_state.delete("ot")


def create_sampler(argument: str | float | None = None, **settings: float | Sequence[str]) -> TradingSampler:
    """The entry point of `OTEL_TRACES_SAMPLER=otel_trading` and of the file's `sampler: otel_trading:`.

    Args:
        argument: OTEL_TRACES_SAMPLER_ARG, the default ratio; None leaves it.
        **settings: `tick_ratio`, `default_ratio`, `always`, `traces_per_second`.

    Raises:
        ValueError: the argument is no number, or a ratio is outside of 0 to 1.
        TypeError: an unknown setting.
    """
    if argument not in (None, ""):
        settings = {"default_ratio": float(argument), **settings}
    return TradingSampler(**settings)  # type: ignore[arg-type]  # an unknown setting raises TypeError, as promised
