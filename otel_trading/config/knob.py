"""What a knob is: its names, type, unit, default, sentence and validator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from otel_trading.config.kinds import Choice, Kind, Number

PREFIX = "OTEL_TRADING_"
SIGNALS = ("traces", "metrics", "logs")
RATIO = Number(0, 1)
SECONDS = Number(0, 86_400, low_excluded=True)
COUNT = Number(1, 10**9, whole=True)
LIMIT = Number(0, 10**9, whole=True)
PORT = Number(0, 65535, whole=True)
LEVELS = Choice(("trace", "debug", "info", "warning", "error", "critical"))
Strategy = Literal[
    "UnderscoreEscapingWithSuffixes",
    "UnderscoreEscapingWithoutSuffixes",
    "NoUTF8EscapingWithSuffixes",
    "NoTranslation",
]
"""How metrics and labels are called for Prometheus; the first is the specification's default."""
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)
ViewMatchingMode = Literal["independent", "composable"]
"""How the SDK Views that match one instrument go together; of the OpenTelemetry specification."""
MATCHING_MODES: tuple[ViewMatchingMode, ...] = get_args(ViewMatchingMode)

PROFILES = ("waiver", "rust_trade", "py_rt", "perf", "bog")
"""Existing systems whose names /metrics can show; each is a file of otel_trading/catalogue/profiles."""


@dataclass(frozen=True, slots=True)
class Knob:
    """One thing that can be set.

    Attributes:
        group: the heading under which the reference page lists it.
        name: the argument of `init()` and the key in the file.
        kind: type and validator.
        default: the value when nobody sets it.
        doc: one sentence.
        unit: the unit of the value; empty if it has none.
        standard: the specification's own variables for the same thing, first one wins.
        standard_scale: what a standard variable's number is multiplied by to reach our unit (0.001 from ms).
        secret: printed masked.
        own_node: may stand under `distribution: otel_trading:`; False where the standard file has its own place.
    """

    group: str
    name: str
    kind: Kind
    default: object
    doc: str
    unit: str = ""
    standard: tuple[str, ...] = ()
    standard_scale: float = 1.0
    secret: bool = False
    own_node: bool = False

    @property
    def environment(self) -> str:
        """Our own environment variable."""
        return PREFIX + self.name.upper()
