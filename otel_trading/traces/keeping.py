"""Which unsampled spans are kept when they end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otel_trading.hotpath.span_engine import Arena

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Keeping:
    """What makes an unsampled span worth its way, as the knobs say.

    Attributes:
        errors: the status error.
        slower_than_s: a length in seconds; 0: none.
        ticks: that counts for ticks too, and what is below them.
    """

    errors: bool = False
    slower_than_s: float = 0.0
    ticks: bool = False

    @property
    def any(self) -> bool:
        """Whether unsampled spans are held at all."""
        return self.errors or self.slower_than_s > 0

    @property
    def slow_ns(self) -> int:
        """The length in nanoseconds, 0 for none; what is shorter than one is one."""
        return max(1, round(self.slower_than_s * _NS)) if self.slower_than_s else 0


def tells_what_was_forgotten(arena: Arena) -> Callable[[Meter], None]:
    """Creates a meter's counter of held spans that found no room."""

    def read(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(arena.held()["forgotten"])

    def create(meter: Meter) -> None:
        meter.create_observable_counter(
            "otel_trading.sampling.forgotten",
            [read],
            "{span}",
            "Unsampled spans that were forgotten for want of memory.",
        )

    return create


NOTHING_KEPT = Keeping()
"""Unsampled spans do not record, and nothing is held."""
