"""A ratio that can be lowered for a while, and is then exactly what it was."""

from __future__ import annotations

from collections.abc import Sequence

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, TraceState
from opentelemetry.util.types import Attributes

from otel_trading import sdk

_RANDOM_VALUES = 1 << 56


class ScaledRatio(sdk.ComposableSampler):
    """The specification's ratio sampler, times a scale. `ot=th:` tells the ratio that was really used."""

    def __init__(self, ratio: float, lowerable: bool) -> None:
        """Begins unscaled.

        Args:
            ratio: 0 to 1.
            lowerable: whether the scale means anything to it.

        Raises:
            ValueError: the ratio is outside of 0 to 1.
        """
        self._ratio = ratio
        self._lowerable = lowerable
        self._whole = self._delegate = sdk.composable_traceid_ratio_based(ratio)
        self.threshold = _threshold(ratio)
        """By which it keeps at present; 2**56 keeps nothing."""

    def scale(self, by: float) -> None:
        """Keeps `by` of what it was made for, 0 to 1, from now on; 1 is exactly that."""
        if not self._lowerable:
            return
        self._delegate = self._whole if by == 1 else sdk.composable_traceid_ratio_based(self._ratio * by)
        self.threshold = _threshold(self._ratio * by)

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None = None,
    ) -> sdk.SamplingIntent:
        """That of the ratio at present."""
        return self._delegate.sampling_intent(parent_ctx, name, span_kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """That of the ratio it was made for."""
        return self._whole.get_description()


def _threshold(ratio: float) -> int:
    return _RANDOM_VALUES - round(ratio * _RANDOM_VALUES)
