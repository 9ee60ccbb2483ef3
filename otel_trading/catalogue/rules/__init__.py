"""Recording rules, alerts and runbooks: what a catalogue says about when somebody is called, and what to do then."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from otel_trading.catalogue.rules import parameters as settings
from otel_trading.catalogue.rules import rendering, runbooks, vocabulary
from otel_trading.catalogue.rules.checking import check
from otel_trading.catalogue.rules.model import Rules
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.catalogue.rules.reading import OURS, PARAMETERS, read

__all__ = ["files", "of", "ours", "settings"]

PROMETHEUS = Path("collector-config/prometheus/rules")
RUNBOOKS = Path("docs/runbooks")
TELEMETRY = "telemetry"
"""The file whose rules stand in rules.yml, written by hand: only its runbooks are made here."""


@cache
def ours() -> tuple[Rules, ...]:
    """Our own rules with the defaults of parameters; read once, and only by tools."""
    return of(settings.ours())


def of(parameters: Parameters) -> tuple[Rules, ...]:
    """Our own rules with other parameters; see `read` and `check` for what they raise."""
    paths = [path for path in sorted(OURS.glob("*.yaml")) if path.name != PARAMETERS]
    return check(read(paths, parameters), vocabulary.ours())


def files(parameters: Parameters) -> dict[Path, str]:
    """The text of each file made from our own rules, by path from the top of the checkout."""
    found: dict[Path, str] = {}
    for rules in of(parameters):
        source = f"rules/{rules.name}.yaml"
        found[RUNBOOKS / f"{rules.name}.md"] = runbooks.page(rules, source)
        found[PROMETHEUS / f"{rules.name}.yml"] = rendering.text(rules, parameters, source)
        if rules.verbatim:
            found[PROMETHEUS / "verbatim" / f"{rules.name}.yml"] = rendering.verbatim(rules, source)
    return found
