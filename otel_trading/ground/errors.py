"""The exceptions that `init()` may raise. Nothing on the hot path raises any."""

from __future__ import annotations

from dataclasses import dataclass


class OtelTradingError(Exception):
    """Base of every exception raised by otel_trading."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the configuration.

    Attributes:
        knob: the name the user wrote or should have written.
        source: where the value came from, such as `argument`, `OTEL_TRADING_TICK_RATIO` or `otel.yaml:12`.
        rule: what the value must be, continuing "must be".
        value: the rejected value, already rendered and masked if it is a secret.
        advice: what to write instead, a whole sentence.
    """

    knob: str
    source: str
    rule: str
    value: str
    advice: str

    def __str__(self) -> str:
        return f"'{self.knob}' (from {self.source}) must be {self.rule}; was {self.value}. {self.advice}"


class ConfigurationError(OtelTradingError):
    """The configuration cannot be used; `problems` holds every mistake found, not only the first."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        if len(problems) == 1:
            text = str(problems[0])
        else:
            text = f"{len(problems)} mistakes in the configuration:\n" + "\n".join(f"  {p}" for p in problems)
        super().__init__(text)
