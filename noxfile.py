"""The suite on other Pythons, and at both ends of the dependency ranges. `make test-all` runs these sessions."""

from __future__ import annotations

import shutil

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
PYTHONS = [version for version in ("3.12", "3.13") if shutil.which(f"python{version}")]
"""The other Pythons of this machine; 3.11 is what `make test` uses."""

TEST = ("pytest", "-n", "4", "-m", "not shared")

# The oldest release of each OpenTelemetry package that the ranges in pyproject.toml allow.
LOWEST = (
    "opentelemetry-api==1.44.*",
    "opentelemetry-sdk==1.44.*",
    "opentelemetry-exporter-otlp==1.44.*",
    "opentelemetry-semantic-conventions==0.65b0",
    "opentelemetry-exporter-prometheus==0.65b0",
    "opentelemetry-instrumentation==0.65b0",
    "opentelemetry-instrumentation-asyncio==0.65b0",
    "opentelemetry-instrumentation-threading==0.65b0",
    "opentelemetry-instrumentation-requests==0.65b0",
    "opentelemetry-configuration==0.65b0",
)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The suite with the newest dependencies that resolve without flags."""
    session.install("-e", ".[dev]")
    session.run(*TEST)


@nox.session
def lowest(session: nox.Session) -> None:
    """The suite with the lowest OpenTelemetry that the ranges allow."""
    session.install("-e", ".[dev]", *LOWEST)
    session.run(*TEST)
