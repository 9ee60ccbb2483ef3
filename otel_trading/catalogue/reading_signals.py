"""Metrics, spans and events of a registry file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

from otel_trading.catalogue.mistakes import nearest, shown
from otel_trading.catalogue.model import Event, Instrument, Metric, Span, Use, Value
from otel_trading.catalogue.naming import name_is_right, python_name
from otel_trading.catalogue.reading_attributes import deprecated, fits, our_annotations, python, stability
from otel_trading.catalogue.reading_uses import Resolver
from otel_trading.catalogue.section import Section, word_for
from otel_trading.catalogue.unit import is_unit, meant
from otel_trading.metrics import boundaries as ready_made
from otel_trading.metrics.units import IncompatibleUnits

INSTRUMENTS = ("counter", "updowncounter", "gauge", "histogram")
KINDS = ("internal", "client", "server", "producer", "consumer")
MOST_BOUNDARIES = 1000
_ALL = ("brief", "note", "stability", "deprecated", "attributes", "annotations", "entity_associations",
        "requirement_level")  # fmt: skip


def metric(section: Section, area: str, resolver: Resolver) -> Metric:
    """One entry of `metrics`."""
    section.only("name", "instrument", "unit", *_ALL)
    section.need("name", "instrument", "unit", "brief", "stability")
    common = _common(section, "name", area, resolver)
    kind = cast(Instrument, section.choice("instrument", INSTRUMENTS, "counter"))
    unit = section.text("unit")
    if "unit" in section.entries and isinstance(section.entries["unit"].value, str) and not is_unit(unit):
        section.wrong("unit", "be a UCUM unit or an annotation in braces", shown(unit), meant(unit))
    ours = our_annotations(section, "python", "boundaries", "initial", "source")
    for use in common["uses"]:
        if use.attribute.is_template:
            fix = "Refer to an attribute with one key."
            section.notes.add(use.place, "be no template on a metric", shown(use.attribute.key), fix)
    return Metric(
        **common,
        instrument=kind,
        unit=unit,
        python=(python(ours) if ours else "") or (python_name(common["name"]) if common["name"] else ""),
        boundaries=_boundaries(ours, kind, unit) if ours else (),
        initial=_initial(ours, common["uses"]) if ours else (),
        source=ours.texts("source") if ours else (),
    )


def span(section: Section, area: str, resolver: Resolver) -> Span:
    """One entry of `spans`."""
    section.only("type", "kind", "name", *_ALL)
    section.need("type", "kind", "name", "brief", "stability")
    common = _common(section, "type", area, resolver)
    our_annotations(section, "source")
    named = section.section("name")
    if named:
        named.only("note")
        named.need("note")
    kind = section.choice("kind", KINDS, "internal")
    return Span(**common, kind=kind, span_name=named.text("note") if named else "")


def event(section: Section, area: str, resolver: Resolver) -> Event:
    """One entry of `events`."""
    section.only("name", *_ALL)
    section.need("name", "brief", "stability")
    our_annotations(section, "source")
    return Event(**_common(section, "name", area, resolver))


def _common(section: Section, naming: str, area: str, resolver: Resolver) -> dict[str, Any]:
    name = section.text(naming)
    if name:
        name_is_right(name, section.place(naming), section.notes, of_metric="unit" in section.entries)
    section.choice("requirement_level", ("recommended", "opt_in"), "recommended")
    return {
        "name": name,
        "area": area,
        "brief": section.text("brief"),
        "stability": stability(section),
        "note": section.text("note"),
        "uses": resolver.uses(section),
        "deprecated": deprecated(section),
        "place": section.place(naming),
    }


def _boundaries(ours: Section, kind: str, unit: str) -> tuple[float, ...]:
    """Advised boundaries in the metric's unit."""
    node = ours.entries.get("boundaries")
    if node is None:
        return ()
    if kind != "histogram":
        ours.wrong("boundaries", "stand on a histogram", f"a {kind}", "Leave them out.")
        return ()
    if isinstance(node.value, str):
        return _ready_made(ours, ours.text("boundaries"), unit)
    values = ours.values("boundaries")
    if not values or len(values) > MOST_BOUNDARIES:
        rule = f"have 1 to {MOST_BOUNDARIES} numbers"
        ours.wrong("boundaries", rule, str(len(values)), "Leave the key out for OpenTelemetry's own.")
        return ()
    found: list[float] = []
    for value in values:
        number = _finite(value)
        if number is None:
            ours.wrong("boundaries", "be finite numbers", shown(value), "Write numbers in the metric's unit.")
            return ()
        if found and number <= found[-1]:
            rule = "be strictly ascending"
            ours.wrong("boundaries", rule, f"{number:g} after {found[-1]:g}", "Sort them and remove repeated ones.")
            return ()
        found.append(number)
    return tuple(found)


def _ready_made(ours: Section, name: str, unit: str) -> tuple[float, ...]:
    known = ready_made.named(name)
    if known is None:
        names = [key.lower() for key in vars(ready_made) if key.isupper()]
        fix = nearest(name, names, f"Known are {', '.join(names)}.")
        ours.wrong("boundaries", "be a list of numbers or the name of a ready-made set", shown(name), fix)
        return ()
    try:
        return known.in_unit(unit)
    except IncompatibleUnits:
        rule = "be of a unit that converts into the metric's"
        ours.wrong("boundaries", rule, f"{name} ({known.unit}) for {unit!r}", "Write the numbers as a list.")
        return ()


def _finite(value: Value) -> float | None:
    if isinstance(value, (bool, str)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _initial(ours: Section, uses: tuple[Use, ...]) -> tuple[Mapping[str, Value], ...]:
    """Sets of attributes whose series are there from the start."""
    found: list[Mapping[str, Value]] = []
    by_key = {use.attribute.key: use for use in uses}
    for section in ours.sections("initial"):
        section.only(*by_key)
        for key, use in by_key.items():
            if use.required:
                section.need(key)
        labels: dict[str, Value] = {}
        for key in section.entries:
            value = section.entries[key].value
            if isinstance(value, (str, int, float, bool)):
                if key in by_key:
                    _fitting(section, key, value, by_key[key])
                labels[key] = value
            else:
                section.wrong(key, "be a plain value", word_for(value), "Write text or a number.")
        if labels in found:
            ours.wrong("initial", "hold each set once", shown(labels), "Remove it.")
        found.append(labels)
    return tuple(found)


def _fitting(section: Section, key: str, value: Value, use: Use) -> None:
    """Notes a value that the attribute does not have on this metric."""
    values = use.attribute.closed or use.allow
    if values is not None and value not in values:
        words = [str(one) for one in values]
        section.wrong(key, f"be one of {', '.join(words)}", shown(value), nearest(value, words, "Take one of these."))
    elif not fits(use.attribute.type, value):
        section.wrong(key, f"be of type {use.attribute.type}", shown(value), "Write it as it is recorded.")
