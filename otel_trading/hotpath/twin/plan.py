"""What `configure` may be told; the messages are those of the native cells."""

from __future__ import annotations

import math
from typing import Any

from otel_trading.hotpath.twin.bounds import Bounds
from otel_trading.hotpath.twin.exponential import FINEST

KINDS = ("closed", "dropped", "counter", "up_down", "gauge", "explicit", "exponential", "forwarded")


def check(
    kind: str, bounds: Any, owner: Any, max_size: int, max_scale: int, zero_threshold: float, per_ns: float
) -> None:
    """Raises TypeError or ValueError for what no cell can be."""
    if not isinstance(kind, str):
        raise TypeError(f"kind must be str, not {type(kind).__name__}")
    if kind not in KINDS:
        raise ValueError(f"no kind of cell is named '{kind}'")
    if kind == "explicit" and not isinstance(bounds, Bounds):
        raise TypeError("an explicit cell needs bounds=Bounds(...)")
    if kind == "forwarded" and not callable(owner):
        raise TypeError("a forwarded cell needs owner=a callable")
    if not 2 <= max_size <= 4096:
        raise ValueError(f"max_size must be 2 to 4096; was {max_size}")
    if not -10 <= max_scale <= FINEST:
        raise ValueError(f"max_scale must be -10 to 20; was {max_scale}")
    if not 0.0 <= zero_threshold < math.inf:
        raise ValueError("zero_threshold must be finite and not negative")
    if not 0.0 <= per_ns < math.inf:
        raise ValueError("per_ns must be finite and not negative")
