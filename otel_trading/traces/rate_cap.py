"""Not more than a number of traces a second, by consistent probability."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from otel_trading import sdk
from otel_trading.ground import clock

_RANDOM_VALUES = 1 << 56


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
        self._capped: Callable[[int], int] = self._threshold

    def count_by(self, capped: Callable[[int], int]) -> None:
        """From now on another place counts and caps: an engine's sampler, so that there is one cap and not two."""
        self._capped = capped

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
        cap = self._capped(intent.threshold)
        return intent if cap <= intent.threshold else sdk.SamplingIntent(threshold=cap, attributes=intent.attributes)

    def _threshold(self, threshold: int) -> int:
        """Counts one candidate that would be kept by `threshold`; returns the threshold that keeps to the cap."""
        ratio = (_RANDOM_VALUES - threshold) / _RANDOM_VALUES
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
