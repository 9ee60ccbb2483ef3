"""A clock that stands still until told, and ids that count."""

from __future__ import annotations

import itertools

from opentelemetry.sdk.trace.id_generator import IdGenerator

START_NS = 1_704_067_200_000_000_000
"""2024-01-01T00:00:00Z."""


class FixedClock:
    """Wall time and duration clock in one; both stand still until `advance`.

    Attributes:
        wall_ns: UTC nanoseconds.
        monotonic_ns: what `otel_trading.now()` gives; starts at 0.
    """

    def __init__(self, wall_ns: int = START_NS) -> None:
        """Starts at `wall_ns`, 2024-01-01 unless given."""
        self.wall_ns = wall_ns
        self.monotonic_ns = 0

    def advance(self, seconds: float = 0.0, *, nanoseconds: int = 0) -> None:
        """Moves both clocks on."""
        step_ns = round(seconds * 1e9) + nanoseconds
        self.wall_ns += step_ns
        self.monotonic_ns += step_ns

    def read_wall_ns(self) -> int:
        """The wall time."""
        return self.wall_ns

    def read_monotonic_ns(self) -> int:
        """The duration clock."""
        return self.monotonic_ns


class SequentialIds(IdGenerator):
    """Trace ids 1, 2, 3 ... in the upper half, span ids 1, 2, 3 ...

    The lower 56 bits of each trace id are all set, so that every sampling ratio above 0 keeps it.
    """

    def __init__(self) -> None:
        self._traces = itertools.count(1)
        self._spans = itertools.count(1)

    def generate_trace_id(self) -> int:
        """The next trace id."""
        return next(self._traces) << 64 | 0x00FF_FFFF_FFFF_FFFF

    def generate_span_id(self) -> int:
        """The next span id."""
        return next(self._spans)

    def is_trace_id_random(self) -> bool:
        """False: they count."""
        return False
