"""Checks what was read: expressions, templates, and queries of runbooks, against what exists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from otel_trading.catalogue.mistakes import Notes, Place, RegistryError
from otel_trading.catalogue.rules.model import Alert, Record, Rules
from otel_trading.catalogue.rules.objectives import groups
from otel_trading.catalogue.rules.promql import labels_of, mistakes
from otel_trading.catalogue.rules.vocabulary import Vocabulary


def expanded(rules: Rules) -> Rules:
    """With the groups that objectives become."""
    return replace(rules, groups=(*rules.groups, *groups(rules.name, rules.objectives)))


def check(all_rules: Iterable[Rules], vocabulary: Vocabulary) -> tuple[Rules, ...]:
    """The rules with those of their objectives.

    Raises:
        RegistryError: an expression does not parse or names what does not exist, or two alerts have one name.
        ParserMissing: promql-parser is not installed.
    """
    notes = Notes()
    found = tuple(expanded(rules) for rules in all_rules)
    known = dict(vocabulary.series)
    records = [record for rules in found for record in rules.records]
    for record in records:
        labels = labels_of(record.expr, known) | frozenset(record.labels) | {"__name__"}
        known[record.name] = known.get(record.name, frozenset()) | labels
    for place, key, expression in _expressions(found):
        for what, fix in mistakes(expression, known):
            notes.add(place, f"have an expression ({key}) of what exists", what, fix)
    wrong = {mistake.place for mistake in notes.mistakes}
    for alert in (one for rules in found for one in rules.alerts if one.place not in wrong):
        _templates(alert, labels_of(alert.expr, known), notes)
    _unique(found, notes)
    if notes.mistakes:
        raise RegistryError(notes.mistakes)
    return found


def _expressions(found: Iterable[Rules]) -> Iterator[tuple[Place, str, str]]:
    for rules in found:
        for record in rules.records:
            yield record.place, record.name, record.expr
        for alert in rules.alerts:
            yield alert.place, alert.name, alert.expr
            for look in alert.runbook.look:
                if look.where == "prometheus":
                    yield alert.place, f"runbook of {alert.name}", look.what


def _templates(alert: Alert, labels: frozenset[str], notes: Notes) -> None:
    for label in sorted(alert.labels_shown - labels):
        fix = f"Its expression has: {', '.join(sorted(labels - {'__name__'})) or 'none'}."
        notes.add(alert.place, "show labels that its expression has", f"$labels.{label}", fix)


def _unique(found: Iterable[Rules], notes: Notes) -> None:
    places: dict[object, Place] = {}
    rules: list[Alert | Record] = []
    for each in found:
        rules += [*each.alerts, *each.records]
    for one in rules:
        key: object = one.name if isinstance(one, Alert) else (one.name, tuple(sorted(one.labels.items())))
        if key in places:
            notes.add(one.place, "have a name of its own", f"{one.name}, as at {places[key]}", "Take another name.")
        places.setdefault(key, one.place)
