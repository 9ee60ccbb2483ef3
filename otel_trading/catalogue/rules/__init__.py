"""Recording rules, alerts and runbooks: what a catalogue says about when somebody is called, and what to do then."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from otel_trading.catalogue.model import Registry
from otel_trading.catalogue.rules import parameters as settings
from otel_trading.catalogue.rules import rendering, runbooks, vocabulary
from otel_trading.catalogue.rules.checking import check
from otel_trading.catalogue.rules.model import Rules
from otel_trading.catalogue.rules.parameters import Parameters
from otel_trading.catalogue.rules.reading import OURS, PARAMETERS, read

__all__ = ["files", "files_of_users", "of", "of_users", "ours", "settings"]

PROMETHEUS = Path("collector-config/prometheus/rules")
RUNBOOKS = Path("docs/runbooks")
BESIDE = "rules"
"""The directory of a user's own rules, beside that of the registry."""


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
    all_rules = of(parameters)
    found = _files(all_rules, parameters, PROMETHEUS, RUNBOOKS)
    for rules in all_rules:
        if rules.verbatim:
            found[PROMETHEUS / "verbatim" / f"{rules.name}.yml"] = rendering.verbatim(rules, _source(rules))
    return found


def of_users(registry: Registry, directory: Path) -> tuple[tuple[Rules, ...], Parameters]:
    """A user's own rules, and the parameters with the user's values.

    Args:
        registry: the user's, as it was read; expressions may name its metrics, and all of ours.
        directory: with files of rules, and parameters.yaml for values that differ; it need not be there.

    Raises:
        RegistryError: they have mistakes, each by file and line.
        ParserMissing: there are rules, and promql-parser is not installed.
    """
    changed = directory / PARAMETERS
    parameters = settings.read(changed, settings.ours()) if changed.exists() else settings.ours()
    paths = [path for path in sorted(directory.glob("*.yaml")) if path.name != PARAMETERS]
    if not paths:
        return (), parameters
    known = vocabulary.ours().with_families(vocabulary.of_registry(registry))
    return check(read(paths, parameters), known), parameters


def files_of_users(registry: Registry, directory: Path, assets: Path) -> dict[Path, str]:
    """The text of each file made from a user's own rules, by path; see `of_users` for what it raises.

    Args:
        registry: the user's, as it was read.
        directory: with the rules.
        assets: where `prometheus/rules/<name>.yml` and `runbooks/<name>.md` go.
    """
    all_rules, parameters = of_users(registry, directory)
    return _files(all_rules, parameters, assets / "prometheus/rules", assets / "runbooks")


def _files(all_rules: Iterable[Rules], parameters: Parameters, prometheus: Path, pages: Path) -> dict[Path, str]:
    found: dict[Path, str] = {}
    for rules in all_rules:
        found[pages / f"{rules.name}.md"] = runbooks.page(rules, _source(rules))
        found[prometheus / f"{rules.name}.yml"] = rendering.text(rules, parameters, _source(rules))
    return found


def _source(rules: Rules) -> str:
    return f"{BESIDE}/{rules.name}.yaml"
