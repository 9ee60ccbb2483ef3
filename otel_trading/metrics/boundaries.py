"""Ready-made bucket boundaries for trading, each with its unit; they are converted to the instrument's.

A quantile cannot be told beyond the last finite boundary, so each set ends well above what is usually watched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from otel_trading.metrics.units import factor


@dataclass(frozen=True, slots=True)
class Boundaries(Sequence[float]):
    """Upper bounds of buckets, ascending.

    Attributes:
        values: float[n], strictly ascending, finite.
        unit: the UCUM unit of the values.
    """

    values: tuple[float, ...]
    unit: str = "1"

    def __post_init__(self) -> None:
        checked(self.values)

    def in_unit(self, unit: str) -> tuple[float, ...]:
        """The same boundaries in another unit; raises IncompatibleUnits if there is no conversion."""
        by = factor(self.unit, unit)
        return tuple(rounded(value * by) for value in self.values)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # Sequence's overloads add nothing here
        return self.values[index]

    def __len__(self) -> int:
        return len(self.values)

    def __iter__(self) -> Iterator[float]:
        return iter(self.values)


def checked(values: Iterable[object]) -> tuple[float, ...]:
    """The values as floats; raises ValueError unless they are finite numbers, strictly ascending, at least one."""
    found: list[float] = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"boundaries must be finite numbers; was {value!r}")
        if found and value <= found[-1]:
            raise ValueError(f"boundaries must be strictly ascending; {value!r} follows {found[-1]!r}")
        found.append(float(value))
    if not found:
        raise ValueError("boundaries must hold at least one number")
    return tuple(found)


def rounded(value: float) -> float:
    """Removes the noise of the conversion, so that 250 us is 0.00025 s and not 0.00025000000000000001."""
    return float(f"{value:.12g}")


def _decades(low: int, high: int, steps: Sequence[float] = (1, 2, 5)) -> tuple[float, ...]:
    return (*tuple(rounded(step * 10.0**power) for power in range(low, high) for step in steps), 10.0**high)


NANOSECONDS = Boundaries(_decades(1, 7), "ns")
"""10 ns to 10 ms in steps of 1, 2, 5: in-process stages."""

MICROSECONDS = Boundaries(_decades(0, 6), "us")
"""1 us to 1 s in steps of 1, 2, 5: tick to trade, risk checks, serialisation."""

MILLISECONDS = Boundaries(_decades(-1, 5), "ms")
"""0.1 ms to 100 s in steps of 1, 2, 5: order acknowledgements, network round trips."""

SECONDS = Boundaries(_decades(-2, 4), "s")
"""10 ms to 10,000 s: staleness, recovery, time in the book."""

BYTES = Boundaries(tuple(float(2**power) for power in range(6, 25)), "By")
"""64 bytes to 16 MiB in powers of two: messages and frames."""

SIZES = Boundaries(_decades(-3, 6), "1")
"""0.001 to 1,000,000: quantities of orders and fills."""

COUNTS = Boundaries((0.0, *_decades(0, 5)), "1")
"""0 to 100,000: queue lengths, levels, batch sizes."""

BPS = Boundaries((0.0, *_decades(-1, 3)), "bps")
"""0 to 1,000 basis points: spread, slippage, implementation shortfall.

OpenTelemetry's histograms take no negative values: record the magnitude, and the sign as an attribute.
"""


def named(name: str) -> Boundaries | None:
    """The ready-made set of this name in any case, such as `microseconds`; None if there is none."""
    found = globals().get(name.upper())
    return found if isinstance(found, Boundaries) else None
