"""HistogramView: which buckets and attributes a histogram gets; the first that matches wins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from opentelemetry.util.types import AttributeValue

from otel_trading.metrics import boundaries as ready_made
from otel_trading.metrics.aggregation import CellPlan, explicit
from otel_trading.metrics.boundaries import Boundaries, checked, rounded
from otel_trading.metrics.units import factor

MAX_CARDINALITY = 1_000_000
MAX_BUCKETS = 1000
"""More boundaries than this are refused: each is a series in Prometheus."""


@dataclass(frozen=True, slots=True)
class Exponential:
    """Base-2 exponential buckets.

    Attributes:
        max_size: most buckets, 2 to 1,024.
        max_scale: the finest scale, -10 to 20.
        zero_threshold: values up to this are counted as zeros, so that noise near 0 costs no buckets; at least 0.
        unit: the UCUM unit of `zero_threshold`, converted to the instrument's; None for the instrument's.
    """

    max_size: int = 160
    max_scale: int = 20
    zero_threshold: float = 0.0
    unit: str | None = None

    def __post_init__(self) -> None:
        threshold = self.zero_threshold
        if isinstance(threshold, bool) or not isinstance(threshold, (int, float)) or not 0 <= threshold < math.inf:
            raise ValueError(f"zero_threshold must be a finite number of at least 0; was {threshold!r}")
        if self.unit is not None and not isinstance(self.unit, str):
            raise ValueError(f"unit must be the unit of zero_threshold, such as 'us'; was {self.unit!r}")
        if not 2 <= self.max_size <= 1024:
            raise ValueError(f"max_size must be from 2 to 1024; was {self.max_size!r}")
        if not -10 <= self.max_scale <= 20:
            raise ValueError(f"max_scale must be from -10 to 20; was {self.max_scale!r}")

    def threshold_in(self, unit: str) -> float:
        """The zero threshold in the unit of an instrument; raises IncompatibleUnits if there is no conversion."""
        by = 1.0 if self.unit is None else factor(self.unit, unit)
        return rounded(self.zero_threshold * by)


@dataclass(frozen=True, slots=True)
class LogLinear:
    """Buckets as HdrHistogram has them: each power of two cut into equal parts.

    Attributes:
        low: smallest value told apart, above 0, in the instrument's unit.
        high: largest value told apart, above `low`.
        relative_error: a bucket's middle is at most this share off any value in it, 0.005 to 0.5.
    """

    low: float
    high: float
    relative_error: float

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < math.inf:
            raise ValueError(f"log_linear needs 0 < min < max; was min={self.low!r}, max={self.high!r}")
        if not 0.005 <= self.relative_error <= 0.5:
            raise ValueError(f"relative_error must be from 0.005 to 0.5; was {self.relative_error!r}")
        if (count := len(self.bounds())) > MAX_BUCKETS:
            raise ValueError(f"log_linear would make {count} buckets; at most {MAX_BUCKETS}. Raise relative_error.")

    @property
    def parts(self) -> int:
        """Into how many equal parts each power of two is cut."""
        return math.ceil(1 / (2 * self.relative_error))

    def bounds(self) -> tuple[float, ...]:
        """float[n_bounds], strictly ascending, from `low` to the first bound that is not below `high`."""
        parts = self.parts
        found, floor = [float(self.low)], float(self.low)
        while found[-1] < self.high and len(found) <= 2 * MAX_BUCKETS:
            step = floor / parts
            for part in range(1, parts + 1):
                found.append(floor + part * step)
                if found[-1] >= self.high:
                    break
            floor *= 2
        return tuple(found)


def exponential(
    max_size: int = 160, max_scale: int = 20, zero_threshold: float = 0.0, unit: str | None = None
) -> Exponential:
    """Base-2 exponential buckets; by OTLP as they are, on /metrics native histograms or explicit buckets.

    Args:
        max_size: most buckets; what does not fit makes them coarser.
        max_scale: the finest scale.
        zero_threshold: values up to this are counted as zeros. It goes out by our OTLP exporters and in Prometheus'
            protobuf format; the SDK's ExponentialHistogramDataPoint has no place for it, so readers and exporters of
            others see a point with an attribute more.
        unit: the unit of `zero_threshold`, as boundaries have one: `us` is converted for a histogram in seconds. None:
            it is in the instrument's unit.

    Raises:
        ValueError: `max_size` is outside of 2 to 1024, `max_scale` outside of -10 to 20, or `zero_threshold` negative.
    """
    return Exponential(max_size, max_scale, zero_threshold, unit)


def log_linear(min: float, max: float, relative_error: float = 0.05) -> LogLinear:
    """Explicit buckets of a chosen relative error between two values in the instrument's unit.

    Raises:
        ValueError: the values are not ascending, or there would be more than 1,000 buckets.
    """
    return LogLinear(min, max, relative_error)


class AllBut(frozenset[str]):
    """A set that holds everything but its elements; an SDK View keeps the attributes that are in its set."""

    def __contains__(self, key: object) -> bool:
        return not super().__contains__(key)


@dataclass(frozen=True)
class HistogramView:
    """Buckets and attributes for the histograms whose name matches; other instruments are never touched.

    Attributes:
        match: instrument name, `*` and `?` allowed, in any case.
        boundaries: a ready-made set, numbers in the instrument's unit, `exponential()` or `log_linear()`; None leaves
            the instrument's own.
        keep_attributes: keys that are kept; None keeps all.
        drop_attributes: keys that are dropped; not together with `keep_attributes`.
        allow: by key, the values that stay as they are; others become `other`.
        cardinality_limit: most series, with the one that takes what goes over it; None leaves the provider's.
    """

    match: str
    boundaries: Boundaries | Sequence[float] | Exponential | LogLinear | None = None
    keep_attributes: Iterable[str] | None = None
    drop_attributes: Iterable[str] | None = None
    allow: Mapping[str, Iterable[AttributeValue]] | None = None
    cardinality_limit: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.match, str) or not self.match:
            raise ValueError(f"match must be an instrument name or pattern; was {self.match!r}")
        for name in ("keep_attributes", "drop_attributes"):
            keys = getattr(self, name)
            if keys is not None:
                listed = keys if isinstance(keys, str) or not isinstance(keys, Iterable) else tuple(keys)
                if not isinstance(listed, tuple) or not all(isinstance(key, str) for key in listed):
                    raise ValueError(f"{name} must be a list of strings; was {keys!r}")
                object.__setattr__(self, name, listed)
        if self.keep_attributes is not None and self.drop_attributes is not None:
            raise ValueError("keep_attributes and drop_attributes cannot be given together")
        self._check_limits()
        if not isinstance(self.boundaries, (Boundaries, Exponential, LogLinear, type(None))):
            if isinstance(self.boundaries, (str, bytes)) or not isinstance(self.boundaries, Iterable):
                raise ValueError(f"boundaries must be numbers or one of the ready-made kinds; was {self.boundaries!r}")
            object.__setattr__(self, "boundaries", checked(self.boundaries))

    def matches(self, name: str) -> bool:
        """True if a histogram of this name is meant."""
        return fnmatchcase(name.lower(), self.match.lower())

    def _check_limits(self) -> None:
        if self.allow is not None:
            if not isinstance(self.allow, Mapping) or not all(
                isinstance(key, str) and isinstance(values, Iterable) and not isinstance(values, (str, bytes))
                for key, values in self.allow.items()
            ):
                raise ValueError(f"allow must map attribute keys to lists of values; was {self.allow!r}")
            object.__setattr__(self, "allow", {key: tuple(values) for key, values in self.allow.items()})
        limit = self.cardinality_limit
        if limit is not None and (type(limit) is not int or not 1 <= limit <= MAX_CARDINALITY):
            raise ValueError(f"cardinality_limit must be from 1 to {MAX_CARDINALITY}; was {limit!r}")

    def kept(self) -> Iterable[str] | None:
        """The keys that stay, by `in`; None for all."""
        if self.keep_attributes is not None:
            return frozenset(self.keep_attributes)
        return None if self.drop_attributes is None else AllBut(self.drop_attributes)

    def cell_plan(self, instrument: Any) -> CellPlan | None:
        """What the cells of a histogram are; None leaves them to the instrument and the reader.

        Raises:
            IncompatibleUnits: boundaries or a zero threshold cannot be converted to the instrument's unit.
        """
        chosen = self.boundaries
        if chosen is None:
            return None
        if isinstance(chosen, Exponential):
            return CellPlan(
                "exponential",
                max_size=chosen.max_size,
                max_scale=chosen.max_scale,
                zero_threshold=chosen.threshold_in(instrument.unit),
            )
        if isinstance(chosen, LogLinear):
            return explicit(instrument, chosen.bounds())
        bounds = chosen.in_unit(instrument.unit) if isinstance(chosen, Boundaries) else chosen
        return explicit(instrument, tuple(bounds))


def from_mapping(node: Mapping[str, Any]) -> HistogramView:
    """The view of a file entry, such as `{match: "risk.*", boundaries: microseconds}`.

    `boundaries` is a list of numbers, the name of a ready-made set, `exponential: {max_size, max_scale, zero_threshold,
    unit}` or `log_linear: {min, max, relative_error}`.

    Raises:
        ValueError: a key is unknown or a value breaks a rule.
    """
    unknown = set(node) - {field.name for field in fields(HistogramView)}
    if unknown:
        raise ValueError(f"unknown key {sorted(map(str, unknown))[0]!r} in a view")
    chosen = node.get("boundaries")
    if isinstance(chosen, str):
        named = ready_made.named(chosen)
        if named is None:
            raise ValueError(f"no ready-made boundaries are called {chosen!r}")
        chosen = named
    elif isinstance(chosen, Mapping):
        chosen = _constructed(chosen)
    return HistogramView(
        node.get("match", ""),
        boundaries=chosen,
        keep_attributes=node.get("keep_attributes"),
        drop_attributes=node.get("drop_attributes"),
        allow=node.get("allow"),
        cardinality_limit=node.get("cardinality_limit"),
    )


def _constructed(node: Mapping[str, Any]) -> Exponential | LogLinear:
    makers: dict[str, Any] = {"exponential": exponential, "log_linear": log_linear}
    if len(node) != 1 or next(iter(node)) not in makers:
        raise ValueError(f"boundaries must be numbers, a name, exponential or log_linear; was {dict(node)!r}")
    name, settings = next(iter(node.items()))
    try:
        made: Exponential | LogLinear = makers[name](**(settings or {}))
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None
    return made
