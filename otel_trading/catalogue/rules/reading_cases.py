"""Reads the cases of an alert and of a repair."""

from __future__ import annotations

import re
from collections.abc import Mapping

from otel_trading.catalogue.mistakes import shown
from otel_trading.catalogue.rules.model import Amount, Case, Cases, Repair, Series
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.catalogue.section import Section, word_for

CASES = ("at", "step", "fires", "below", "closed", "alerts", "alerts_missing")
REPAIR = ("defect", "original", "for", "series", "at", "step", "fires", "annotation", "does_not_load")
AMOUNT = ("per_s", "per_min", "per_h", "at", "once", "after", "gone")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_STEP_S = 15
SETTLED_S = 360
"""After which windows of five minutes are full; a case without `at` lasts as long, and `for` besides."""


def seconds(duration: str) -> int:
    """Of a duration such as `1h30m`."""
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhd])", duration))


def cases(section: Section, parameters: Parameters, hold: str) -> Cases:
    """Those of an alert; what is not said of a closed market is that counters do not grow there."""
    found = section.section("cases")
    if found is None:
        nothing = Case({}, "10m", 0)
        return Cases(nothing, nothing, nothing, nothing, _STEP_S)
    found.only(*CASES)
    found.need("fires", "below")
    at = found.text("at") or f"{seconds(hold) + SETTLED_S}s"
    fires, below = amounts(found, "fires", parameters), amounts(found, "below", parameters)
    closed = {**fires, **amounts(found, "closed", parameters)}
    return Cases(
        Case(fires, at, _count(found, "alerts", 1)),
        Case(below, at, 0),
        Case({key: still(amount) for key, amount in closed.items()}, at, 0),
        Case({}, at, _count(found, "alerts_missing", 0)),
        seconds(found.text("step")) or _STEP_S,
    )


def still(amount: Amount) -> Amount:
    """The amount in a closed market: what counts does not grow."""
    if isinstance(amount, Mapping):
        return {**{key: value for key, value in amount.items() if key == "at"}, "per_s": 0}
    return amount


def repairs(section: Section, parameters: Parameters) -> tuple[Repair, ...]:
    """What an alert mends."""
    return tuple(_repair(one, parameters) for one in section.sections("repairs"))


def _repair(section: Section, parameters: Parameters) -> Repair:
    section.only(*REPAIR)
    section.need("defect", "original")
    if section.flag("does_not_load"):
        section.need("annotation")
        return Repair(section.text("defect"), section.text("original"), annotation=section.text("annotation"))
    section.need("series", "at", "fires")
    return Repair(
        section.text("defect"),
        section.text("original"),
        section.text("for") or "0s",
        Case(amounts(section, "series", parameters), section.text("at"), 1),
        section.choice("fires", ("original", "corrected"), "corrected"),
    )


def amounts(section: Section, key: str, parameters: Parameters) -> Series:
    """What series hold, by name and labels."""
    found = section.section(key)
    if found is None:
        return {}
    return {parameters.render(name): _amount(found, name) for name in found.entries}


def _amount(section: Section, name: str) -> Amount:
    value = section.entries[name].plain()
    if isinstance(value, bool) or not isinstance(value, (int, float, str, dict)):
        fix = "Write a number, values as promtool has them, or per_s."
        section.wrong(name, "be an amount", word_for(value), fix)
        return 0.0
    if isinstance(value, dict):
        for key in value:
            if key not in (*AMOUNT, "good", "bad"):
                section.wrong(name, f"have keys of {', '.join(AMOUNT)}", shown(key), "Remove it.")
        return value
    return value


def _count(section: Section, key: str, default: int) -> int:
    node = section.entries.get(key)
    if node is None:
        return default
    if isinstance(node.value, bool) or not isinstance(node.value, int):
        section.wrong(key, "be a whole number", word_for(node.value), "Count the alerts.")
        return default
    return node.value
