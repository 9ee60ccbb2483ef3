"""Does anybody else instrument this process: another SDK, another distribution, the same library twice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata

from otel_trading.doctor.finding import Finding, ok, warning

NAME = "duplicate instrumentation"
OURS = "otel-trading"
_AUTOLOADS = {
    "opentelemetry/instrumentation/auto_instrumentation": "opentelemetry-instrument",
    "ddtrace/bootstrap": "ddtrace-run",
    "newrelic/bootstrap": "newrelic-admin",
    "elasticapm/instrumentation": "elastic-apm",
}
_PROVIDERS = ("OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER", "OTEL_PYTHON_LOGGER_PROVIDER")
_CHOICES = {"opentelemetry_distro": "OTEL_PYTHON_DISTRO", "opentelemetry_configurator": "OTEL_PYTHON_CONFIGURATOR"}
_AGENTS = ("ddtrace", "newrelic", "elastic-apm", "scout-apm", "datadog")
_LOGGING = "opentelemetry-instrumentation-logging"


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point of an installed distribution."""

    group: str
    name: str
    distribution: str


def plugins() -> list[Plugin]:
    """The entry points of all distributions that instrument or configure."""
    groups = (*_CHOICES, "opentelemetry_instrumentor")
    found = []
    for group in groups:
        for entry in metadata.entry_points(group=group):
            distribution = entry.dist.name if entry.dist is not None else "?"
            found.append(Plugin(group, entry.name, distribution.lower().replace("_", "-")))
    return found


def diagnose(environment: Mapping[str, str], found: Iterable[Plugin], versions: Mapping[str, str]) -> Finding:
    """The finding; everything that is wrong stands in one.

    Args:
        environment: the variables.
        found: what `plugins` gives.
        versions: installed distributions by normalised name.
    """
    entries = list(found)
    told = [*_loaded(environment, entries), *_twice(entries), *_log_handlers(environment, versions)]
    agents = [name for name in _AGENTS if name in versions]
    if agents:
        told.append(f"{', '.join(agents)} is installed, which patches the same libraries once it is started")
    if not told:
        return ok(NAME, "nobody else instruments this Python")
    cause = " ".join(f"{one}." for one in told)
    remedy = "Let one of them work: two make every span or line twice, and only one provider can be the global one."
    return warning(
        NAME,
        f"{len(told)} signs of a second one" if len(told) > 1 else "a sign of a second one",
        cause,
        remedy,
        "duplicate_instrumentation",
    )


def _loaded(environment: Mapping[str, str], entries: list[Plugin]) -> list[str]:
    """What the environment starts in every Python process."""
    path = environment.get("PYTHONPATH", "").replace("\\", "/")
    told = [
        f"PYTHONPATH starts {name} in every process, which makes providers of its own"
        for place, name in _AUTOLOADS.items()
        if place in path and not (name == "opentelemetry-instrument" and _is_ours(environment, entries))
    ]
    told += [
        f"{variable}={environment[variable]} makes OpenTelemetry load another provider than ours"
        for variable in _PROVIDERS
        if environment.get(variable) and environment[variable] != "default"
    ]
    return told


def _is_ours(environment: Mapping[str, str], entries: list[Plugin]) -> bool:
    """True if opentelemetry-instrument would start otel_trading."""
    return all(_chosen(environment, entries, group) == OURS for group in _CHOICES)


def _chosen(environment: Mapping[str, str], entries: list[Plugin], group: str) -> str:
    """The distribution whose entry point counts; `several` if chance decides."""
    here = [one for one in entries if one.group == group]
    name = environment.get(_CHOICES[group])
    if name:
        here = [one for one in here if one.name == name]
    others = {one.distribution for one in here}
    return others.pop() if len(others) == 1 else "several" if others else ""


def _twice(entries: list[Plugin]) -> list[str]:
    """Entry points of one name from two distributions, and several distributions that want to configure."""
    told = []
    owners: dict[str, set[str]] = defaultdict(set)
    for one in entries:
        if one.group == "opentelemetry_instrumentor":
            owners[one.name].add(one.distribution)
    for name, distributions in sorted(owners.items()):
        if len(distributions) > 1:
            told.append(f"{' and '.join(sorted(distributions))} both instrument {name}")
    others = sorted({one.distribution for one in entries if one.group in _CHOICES} - {OURS})
    if others:
        told.append(
            f"{', '.join(others)} offers a distro or configurator too; opentelemetry-instrument takes ours only with "
            "OTEL_PYTHON_DISTRO=otel_trading and OTEL_PYTHON_CONFIGURATOR=otel_trading"
        )
    return told


def _log_handlers(environment: Mapping[str, str], versions: Mapping[str, str]) -> list[str]:
    """Both would put a handler on the root logger."""
    wanted = environment.get("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", "").strip().lower() == "true"
    if wanted:
        return ["OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED=true adds a second handler for log records"]
    loaded = _LOGGING in versions and "auto_instrumentation" in environment.get("PYTHONPATH", "")
    return [f"{_LOGGING} is loaded and may add a second handler for log records"] if loaded else []
