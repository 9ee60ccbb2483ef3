"""Names of metrics and labels by the four translation strategies of the OpenTelemetry specification."""

from __future__ import annotations

import re
from dataclasses import dataclass

from otel_trading.config.knob import STRATEGIES, Strategy

_WORDS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tebibytes",
    "kBy": "kilobytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
_PER = {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year"}

_ANNOTATION = re.compile(r"\{[^}]*\}")
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9:]+")
_NOT_IN_LABELS = re.compile(r"[^a-zA-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Naming:
    """How things are called.

    Attributes:
        escapes: letters that were not always allowed become `_`.
        suffixes: units and types are appended.
    """

    escapes: bool
    suffixes: bool

    def metric(self, name: str, unit: str, kind: str) -> str:
        """The name of a family in the text format, before the client's escaping.

        Args:
            name: of the stream.
            unit: a UCUM unit.
            kind: counter, up_down, gauge, explicit or exponential.
        """
        if self.escapes:
            name = _NOT_IN_NAMES.sub("_", _from_digit(name))
        if not self.suffixes:
            return name or "_"
        if kind == "counter":
            name = name.removesuffix("_total")
        word = unit_word(unit)
        if kind == "gauge" and unit == "1":
            word = "ratio"
        name = _with(name, word)
        return _with(name, "total") if kind == "counter" else name or "_"

    def label(self, key: str) -> str:
        """The name of a label, before the client's escaping."""
        if self.escapes:
            return _NOT_IN_LABELS.sub("_", _from_digit(key)) or "_"
        # Prometheus keeps names that begin with two underscores for itself
        return f"_{key.lstrip('_')}" if key.startswith("__") else key or "_"


def naming(strategy: Strategy) -> Naming:
    """How a strategy calls things; ValueError for what is none."""
    if strategy not in STRATEGIES:
        raise ValueError(f"a translation strategy is one of {', '.join(STRATEGIES)}; was {strategy!r}")
    return Naming(strategy.startswith("Underscore"), strategy.endswith("WithSuffixes"))


def unit_word(unit: str) -> str:
    """The words of a unit: `By/s` is `bytes_per_second`; empty without one.

    What stands in braces counts something, and is no unit. A unit that is in no table stays as it is, as far as it may
    be in a name.
    """
    unit = _ANNOTATION.sub("", unit)
    if unit in _WORDS:
        return _WORDS[unit]
    above, slash, below = unit.partition("/")
    below = _clean(below)
    if slash and below:
        above = _WORDS.get(above, _clean(above))
        return _with(above, f"per_{_PER.get(below, below)}") if above else f"per_{_PER.get(below, below)}"
    return _clean(unit)


def _clean(text: str) -> str:
    return _NOT_IN_NAMES.sub("_", text).strip("_")


def _with(name: str, suffix: str) -> str:
    """The name with a suffix, unless it ends with it."""
    if not suffix or name == suffix or name.endswith(f"_{suffix}"):
        return name
    return f"{name.rstrip('_')}_{suffix}"


def _from_digit(name: str) -> str:
    return f"_{name[1:]}" if name[:1].isdigit() else name
