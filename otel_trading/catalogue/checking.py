"""What must hold between the entries of a registry: names are defined once, fit, and lead somewhere."""

from __future__ import annotations

from collections.abc import Iterable

from otel_trading.catalogue.mistakes import Notes, Place, nearest, shown
from otel_trading.catalogue.model import Deprecated, Metric, Registry, Signal
from otel_trading.catalogue.naming import is_python_name, keywords

OWN_NAMESPACES = ("trading", "otel_trading")
"""Of our own metrics, spans and events; no other registry may add to them, nor to what OpenTelemetry keeps."""
RESERVED = (*OWN_NAMESPACES, "otel")


def check(registry: Registry, notes: Notes) -> None:
    """Notes every mistake that shows only when all files are read."""
    for kind in ("metrics", "spans", "events"):
        signals: tuple[Signal, ...] = getattr(registry, kind)
        others: tuple[Signal, ...] = getattr(registry.base, kind) if registry.base else ()
        _names(((one.name, one.place, one.deprecated) for one in signals), _placed(others), registry.base, notes)
    others_attributes = registry.base.attributes if registry.base else ()
    defined = ((one.key, one.place, one.deprecated) for one in registry.attributes)
    _names(defined, {one.key: one.place for one in others_attributes}, registry.base, notes)
    for signal in registry.signals():
        if registry.base is None and signal.name:
            _begins(signal, notes)
    for metric in registry.metrics:
        _keywords(metric, notes)
    _python_names(registry, notes)


def _placed(signals: Iterable[Signal]) -> dict[str, Place]:
    return {one.name: one.place for one in signals}


def _names(
    entries: Iterable[tuple[str, Place, Deprecated | None]],
    others: dict[str, Place],
    base: Registry | None,
    notes: Notes,
) -> None:
    """Of one kind: each once, none of the base, none that Prometheus would take for another, renames lead somewhere."""
    listed = [entry for entry in entries if entry[0]]
    taken: dict[str, tuple[str, Place]] = {
        _folded(name): (name, Place(f"otel_trading's {place.file}", place.line)) for name, place in others.items()
    }
    for name, place, _ in listed:
        known = taken.get(_folded(name))
        if known is not None:
            what = f"that of {known[1]}" if known[0] == name else f"like {known[0]!r} of {known[1]}"
            fix = "Rename one of them." if known[0] == name else "'.' and '_' are the same in Prometheus: rename one."
            notes.add(place, "be a name of its own", what, fix)
        else:
            taken[_folded(name)] = name, place
        if base is not None and name.partition(".")[0] in RESERVED and known is None:
            rule = f"not begin with {', '.join(f'{word}.' for word in RESERVED)}"
            notes.add(place, rule, shown(name), "Begin with the name of your desk, firm or program.")
    known_names = {name for name, _, _ in listed} | set(others)
    for _, place, deprecated in listed:
        if deprecated and deprecated.renamed_to and deprecated.renamed_to not in known_names:
            fix = nearest(deprecated.renamed_to, known_names, "Define the new name.")
            below = Place(place.file, place.line, f"{place.path.rpartition('.')[0]}.deprecated.renamed_to")
            notes.add(below, "be a name that is defined", shown(deprecated.renamed_to), fix)


def _folded(name: str) -> str:
    return name.replace(".", "_")


def _begins(signal: Signal, notes: Notes) -> None:
    if signal.name.partition(".")[0] not in OWN_NAMESPACES or "." not in signal.name:
        rule = f"begin with {' or '.join(f'{word}.' for word in OWN_NAMESPACES)}"
        notes.add(signal.place, rule, shown(signal.name), "Put the namespace before it.")


def _keywords(metric: Metric, notes: Notes) -> None:
    """Two attributes of one metric must not want the same keyword."""
    found = keywords([(use.attribute.key, use.attribute.python) for use in metric.uses])
    for index, word in enumerate(found):
        if word in found[:index]:
            other = metric.uses[found.index(word)].attribute.key
            fix = "Give one of them another annotations.otel_trading.python."
            notes.add(metric.uses[index].place, f"have another keyword than {other}", shown(word), fix)


def _python_names(registry: Registry, notes: Notes) -> None:
    """Modules and their instruments need names that Python takes, each once."""
    seen: dict[tuple[str, str], Place] = {}
    areas: set[str] = set()
    for metric in registry.metrics:
        if metric.area not in areas and not is_python_name(metric.area):
            place = Place(metric.place.file, 1)
            fix = "Rename the file; its name becomes a module."
            notes.add(place, "be a file whose name Python takes", shown(metric.area), fix)
        areas.add(metric.area)
        if not metric.python:
            continue
        fix = "Give one of them another annotations.otel_trading.python."
        if not is_python_name(metric.python):
            notes.add(metric.place, "have a name in Python", shown(metric.python), fix)
        known = seen.setdefault((metric.area, metric.python), metric.place)
        if known is not metric.place:
            notes.add(metric.place, f"have another name in Python than {known}", shown(metric.python), fix)
