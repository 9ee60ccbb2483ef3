"""The suite on other Pythons, and at both ends of the dependency ranges. `make test-all` runs these sessions."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True


def interpreter(version: str) -> str:
    """Where CPython of this version is: on the PATH or among pyenv's; else the bare version, which nox reports."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{version}"), *sorted(map(str, pyenv.glob(f"{version}.*/bin/python")))]
    for path in filter(None, found):
        # a pyenv shim is on the PATH for every version and works only for the chosen one
        if subprocess.run([path, "--version"], capture_output=True).returncode == 0:
            return path
    return version


PYTHONS = [interpreter(version) for version in ("3.12", "3.13")]
"""The Pythons beside 3.11, which is what `make test` uses."""

TEST = ("pytest", "-n", "4", "--dist", "worksteal", "-m", "not shared and not backends")

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
    "opentelemetry-instrumentation-sqlite3==0.65b0",
    "opentelemetry-instrumentation-system-metrics==0.65b0",
    "opentelemetry-propagator-b3==1.44.*",
    "opentelemetry-propagator-jaeger==1.44.*",
    "opentelemetry-propagator-ot-trace==0.65b0",
    "opentelemetry-configuration==0.65b0",
)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """The suite with the newest dependencies that resolve without flags; folders may be given, as for `lowest`."""
    session.install("-e", ".[dev]")
    session.run(*TEST, *session.posargs)


@nox.session
def lowest(session: nox.Session) -> None:
    """The suite with the lowest OpenTelemetry that the ranges allow, metrics recorded by the Python twin.

    Folders of tests may be given: `nox -s lowest -- tests/metrics`.
    """
    session.install("-e", ".[test]", *LOWEST)
    session.run(*TEST, *session.posargs, env={"OTEL_TRADING_HOTPATH": "python"})
