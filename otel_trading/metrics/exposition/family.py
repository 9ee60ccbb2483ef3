"""What is said about a family before its samples, and what its samples are called, in each format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from otel_trading.ground.protobuf import delimited
from otel_trading.metrics.exposition.escaping import opening, quoted

Type = Literal["counter", "gauge", "histogram", "unknown"]

TYPE_OF: dict[str, Type] = {
    "counter": "counter",
    "up_down": "gauge",
    "gauge": "gauge",
    "explicit": "histogram",
    "exponential": "histogram",
}
"""By the kind of the cells."""

_NUMBER = {"counter": 0, "gauge": 1, "summary": 2, "unknown": 3, "histogram": 4, "gaugehistogram": 5}


@dataclass(frozen=True, slots=True)
class Wording:
    """A family's names.

    Attributes:
        type: of the family.
        name: in text and protobuf.
        open_name: in OpenMetrics: a counter is named without `_total` there.
        help: one description for all its streams.
        unit: words, empty unless the name ends with them.
    """

    type: Type
    name: str
    open_name: str
    help: str
    unit: str

    @property
    def open_type(self) -> Type:
        """A counter whose name does not end in `_total` has no type in OpenMetrics."""
        return "unknown" if self.type == "counter" and self.open_name == self.name else self.type

    def text_samples(self) -> frozenset[str]:
        """Names that nobody else may have in text and protobuf."""
        return frozenset({self.name, *_parts(self.name, self.type)})

    def open_samples(self) -> frozenset[str]:
        """Names that nobody else may have in OpenMetrics."""
        total = {f"{self.open_name}_total", f"{self.open_name}_created"} if self.open_type == "counter" else set()
        return frozenset({self.open_name, *total, *_parts(self.open_name, self.open_type, "_created")})

    def names(self) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """Of value, bucket, sum, count and created, in text and in OpenMetrics."""
        text = [self.name, f"{self.name}_bucket", f"{self.name}_sum", f"{self.name}_count"]
        created = f"{self.open_name}_created" if self.open_type in ("counter", "histogram") else ""
        encoded = tuple(opening(name).encode() for name in text)
        return (*encoded, b""), (*encoded, opening(created).encode() if created else b"")

    def head(self) -> bytes:
        """HELP and TYPE in text."""
        name = quoted(self.name)
        told = self.help.replace("\\", r"\\").replace("\n", r"\n")
        type = "untyped" if self.type == "unknown" else self.type
        return _line(f"# HELP {name} {told}", told) + f"# TYPE {name} {type}\n".encode()

    def open_head(self) -> bytes:
        """HELP, TYPE and UNIT in OpenMetrics."""
        name = quoted(self.open_name)
        told = self.help.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
        lines = _line(f"# HELP {name} {told}", told) + f"# TYPE {name} {self.open_type}\n".encode()
        return lines + _line(f"# UNIT {name} {self.unit}", self.unit)

    def encoded_head(self) -> bytes:
        """Name, help, type and unit as fields of the message."""
        return encoded_head(self.name, self.type, self.help, self.unit)


def encoded_head(name: str, type: str, help: str, unit: str) -> bytes:
    """Fields of io.prometheus.client.MetricFamily."""
    found = _field(1, name) + (_field(2, help) if help else b"") + bytes((3 << 3, _NUMBER[type]))
    return found + (_field(5, unit) if unit else b"")


def _field(number: int, text: str) -> bytes:
    return delimited(number, text.encode())


def _line(text: str, unless_empty: str) -> bytes:
    return f"{text}\n".encode() if unless_empty else b""


def _parts(name: str, type: str, *more: str) -> set[str]:
    suffixes = ("_bucket", "_sum", "_count", *more) if type == "histogram" else ()
    return {f"{name}{suffix}" for suffix in suffixes}
