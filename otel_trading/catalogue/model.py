"""What a registry says: attributes, and the metrics, spans and events that use them, each with its place.

References are resolved and groups of attributes expanded: whoever makes something of a registry reads these only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from otel_trading.catalogue.mistakes import Place

Value: TypeAlias = str | int | float | bool
"""A value of an attribute that is no list."""
Instrument: TypeAlias = Literal["counter", "updowncounter", "gauge", "histogram"]
Level: TypeAlias = Literal["required", "conditionally_required", "recommended", "opt_in"]

NOWHERE = Place("", 0)


@dataclass(frozen=True, slots=True)
class Deprecated:
    """Why something should not be used any more.

    Attributes:
        reason: renamed, obsoleted, uncategorized or unspecified.
        renamed_to: the new name; only with the reason renamed.
        note: what to do instead.
    """

    reason: str
    renamed_to: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """One value of an enumeration."""

    id: str
    value: Value
    brief: str = ""
    note: str = ""
    deprecated: Deprecated | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute.

    Attributes:
        key: such as `trading.venue`.
        type: `string`, `int[]`, `template[string]`, `enum` ...
        members: of an enumeration.
        open: other values than the members may be recorded, by `annotations.otel_trading.open`.
        python: the keyword in `bind()`, by annotation; empty for the last parts of the key.
        allow: values that stay, others become `other`; None for all.
        resource: it stands on resources and on no record.
    """

    key: str
    type: str
    brief: str
    stability: str = "development"
    note: str = ""
    examples: tuple[object, ...] = ()
    members: tuple[Member, ...] = ()
    open: bool = False
    python: str = ""
    allow: tuple[Value, ...] | None = None
    deprecated: Deprecated | None = None
    place: Place = NOWHERE
    resource: bool = False

    @property
    def is_template(self) -> bool:
        """Whether it stands for many keys."""
        return self.type.startswith("template[")

    @property
    def closed(self) -> tuple[Value, ...] | None:
        """The only values it may have; None if others may come."""
        return tuple(member.value for member in self.members) if self.type == "enum" and not self.open else None


@dataclass(frozen=True, slots=True)
class Use:
    """An attribute as a metric, span or event carries it.

    Attributes:
        attribute: what is carried.
        level: whether it has to be there.
        condition: of a level that has one.
        brief: in this place; that of the attribute unless said otherwise.
        note: likewise.
        allow: likewise; see `Attribute.allow`.
    """

    attribute: Attribute
    level: Level = "recommended"
    condition: str = ""
    brief: str = ""
    note: str = ""
    allow: tuple[Value, ...] | None = None
    place: Place = NOWHERE

    @property
    def required(self) -> bool:
        """Whether it is always there."""
        return self.level == "required"


@dataclass(frozen=True, slots=True)
class Signal:
    """What metrics, spans and events have in common.

    Attributes:
        name: of a metric or event; the type of a span.
        area: the file it stands in, without `.yaml`.
    """

    name: str
    area: str
    brief: str
    stability: str = "development"
    note: str = ""
    uses: tuple[Use, ...] = ()
    deprecated: Deprecated | None = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Metric(Signal):
    """A metric.

    Attributes:
        instrument: what records it.
        unit: UCUM, or an annotation in braces.
        python: name of the instrument in the module of its area.
        boundaries: advised ones in the metric's unit, ascending; empty for none.
        initial: sets of attributes whose series are there at 0 from the start.
        source: where the measure comes from.
    """

    instrument: Instrument = "counter"
    unit: str = "1"
    python: str = ""
    boundaries: tuple[float, ...] = ()
    initial: tuple[Mapping[str, Value], ...] = ()
    source: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span(Signal):
    """A span: its kind, and how its name is made."""

    kind: str = "internal"
    span_name: str = ""


@dataclass(frozen=True, slots=True)
class Event(Signal):
    """An event, which is a log record with a name."""


@dataclass(frozen=True, slots=True)
class Registry:
    """One registry directory, read and checked.

    Attributes:
        schema_url: of its manifest; ends with the version.
        metrics: in the order of files and lines, as spans and events.
        attributes: defined here.
        base: the registry it stands on, whose attributes it may use.
    """

    schema_url: str
    description: str = ""
    attributes: tuple[Attribute, ...] = ()
    metrics: tuple[Metric, ...] = ()
    spans: tuple[Span, ...] = ()
    events: tuple[Event, ...] = ()
    base: Registry | None = None

    @property
    def version(self) -> str:
        """The last part of the schema URL."""
        return self.schema_url.rpartition("/")[2]

    @property
    def name(self) -> str:
        """The part of the schema URL before the version, as an identifier."""
        return self.schema_url.rpartition("/")[0].rpartition("/")[2].replace("-", "_")

    @property
    def areas(self) -> tuple[str, ...]:
        """Files with metrics, by name."""
        return tuple(sorted({metric.area for metric in self.metrics}))

    def signals(self) -> Iterator[Signal]:
        """Metrics, spans and events."""
        yield from self.metrics
        yield from self.spans
        yield from self.events

    def used(self) -> tuple[Attribute, ...]:
        """Attributes that are defined here or used here, by key."""
        found = {attribute.key: attribute for attribute in self.attributes}
        for signal in self.signals():
            found |= {use.attribute.key: use.attribute for use in signal.uses}
        return tuple(found[key] for key in sorted(found))
