"""Reads the runbook of an alert: what it means, where to look, what to do."""

from __future__ import annotations

from otel_trading.catalogue.mistakes import shown
from otel_trading.catalogue.rules.model import Look, Runbook
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.catalogue.section import Section

PLACES = ("prometheus", "kibana", "jaeger", "shell")


def runbook(section: Section, parameters: Parameters) -> Runbook:
    """That of an entry."""
    found = section.section("runbook")
    if found is None:
        return Runbook("", (), ())
    found.only("means", "look", "act", "see")
    found.need("means", "look", "act")
    looks = tuple(look for one in found.sections("look") for look in _looks(one, parameters))
    return Runbook(found.text("means"), looks, found.texts("act"), found.text("see"))


def _looks(section: Section, parameters: Parameters) -> list[Look]:
    section.only(*PLACES)
    found = []
    for where in PLACES:
        what = section.text(where)
        unknown = parameters.unknown(what)
        for name in unknown:
            section.wrong(where, "refer to parameters that are there", shown(name), "See parameters.yaml.")
        if what and not unknown:
            found.append(Look(where, parameters.render(what)))
    return found
