"""Do the installed versions belong together."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement

from otel_trading.doctor.finding import Finding, failed, ok, warning

NAME = "versions"
_STABLE = re.compile(r"1\.(\d+)\.")
_BETA = re.compile(r"0\.(\d+)b\d")
_BETAS_AHEAD = 21
"""OpenTelemetry's packages without a promise of stability are numbered 0.65b0 where the others are 1.44.0."""


def installed() -> dict[str, str]:
    """Version by normalised name of every distribution that can be imported."""
    found: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"] if distribution.metadata else None
        if name:
            found.setdefault(_normal(name), distribution.version)  # the first on the path is the one that is imported
    return found


def needed() -> list[str]:
    """What otel-trading asks for; empty if it was packed without metadata."""
    try:
        return metadata.requires("otel-trading") or []
    except metadata.PackageNotFoundError:
        return []


def diagnose(versions: Mapping[str, str], requirements: Iterable[str]) -> Finding:
    """The finding.

    Args:
        versions: by normalised name.
        requirements: of otel-trading, as its metadata has them.
    """
    unmet = [problem for problem in (_unmet(versions, text) for text in requirements) if problem]
    if unmet:
        cause = "They were installed past the requirements of otel-trading."
        remedy = "Run `pip install --upgrade otel-trading`, then `pip check`."
        return failed(NAME, "; ".join(unmet), cause, remedy, "version_unmet")
    strays = _strays(versions)
    if strays:
        cause = (
            f"OpenTelemetry's packages are released together; with opentelemetry-sdk {versions['opentelemetry-sdk']} "
            "others were meant."
        )
        remedy = "Upgrade all packages of OpenTelemetry together, then `pip check`."
        return warning(NAME, ", ".join(strays), cause, remedy, "version_mixed")
    names = ("otel-trading", "opentelemetry-sdk", "opentelemetry-instrumentation")
    told = ", ".join(f"{name} {versions[name]}" for name in names if name in versions)
    return ok(NAME, f"Python {platform.python_version()}, {told}")


def _unmet(versions: Mapping[str, str], text: str) -> str:
    """The requirement that is not met, with what is there; empty if it is met or does not count here."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return ""
    if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
        return ""
    version = versions.get(_normal(requirement.name))
    if version is None:
        return f"{requirement.name} is missing"
    if requirement.specifier.contains(version, prereleases=True):
        return ""
    return f"{requirement.name} {version} is not {requirement.specifier}"


def _strays(versions: Mapping[str, str]) -> list[str]:
    """Packages of another release of OpenTelemetry than the SDK."""
    sdk = _STABLE.match(versions.get("opentelemetry-sdk", ""))
    if sdk is None:
        return []
    stable = ("opentelemetry-api", "opentelemetry-proto", "opentelemetry-exporter-otlp")
    found = []
    for name, version in sorted(versions.items()):
        number, beta = _STABLE.match(version), _BETA.match(version)
        wrong_stable = name.startswith(stable) and number is not None and number[1] != sdk[1]
        wrong_beta = (
            name.startswith("opentelemetry-") and beta is not None and int(beta[1]) != int(sdk[1]) + _BETAS_AHEAD
        )
        if wrong_stable or wrong_beta:
            found.append(f"{name} {version}")
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
