"""A virtual environment of the free-threaded Python, with what the tests need and can have there."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

from tools.backends.places import BackendError, cache, say

REQUIREMENTS = (
    "hypothesis>=6.100",
    "jsonschema>=4.18,<5",
    "numpy>=1.26",
    "opentelemetry-api>=1.44,<2",
    "opentelemetry-configuration>=0.65b0,<1",
    "opentelemetry-exporter-otlp-proto-http>=1.44,<2",
    "opentelemetry-exporter-prometheus>=0.65b0,<1",
    "opentelemetry-instrumentation-asyncio>=0.65b0,<1",
    "opentelemetry-instrumentation-requests>=0.65b0,<1",
    "opentelemetry-instrumentation-system-metrics>=0.65b0,<1",
    "opentelemetry-instrumentation-threading>=0.65b0,<1",
    "opentelemetry-sdk>=1.44,<2",
    "packaging>=23",
    "pytest>=8.3",
    "pytest-timeout>=2.3",
    "pytest-xdist>=3.6",
    "pyyaml>=6,<7",
    "rich>=13.7,<16",
    "requests>=2.31",
    "structlog>=24.1,<27",
    "wrapt>=1.16,<3",
)
"""Of pyproject.toml, without what has no build for this Python: orjson, grpcio (and with it the exporter over gRPC)."""


def obtain(python: Path) -> Path:
    """Makes the environment unless it is there, and returns its interpreter.

    Raises:
        BackendError: a package cannot be had.
    """
    digest = hashlib.sha256("\0".join([str(python), *REQUIREMENTS]).encode()).hexdigest()
    target = cache() / f"free-threaded-{digest[:16]}"
    interpreter = target / "bin" / "python"
    whole = target / "whole"
    if whole.exists():
        say("packages: ready")
        return interpreter
    say("packages: installing")
    began = time.monotonic()
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run([str(python), "-m", "venv", str(target)], check=True)
    # an environment cannot be moved once it is made, so a mark says that this one is whole
    _install(interpreter)
    whole.touch()
    say(f"packages: installed in {time.monotonic() - began:.0f} s")
    return interpreter


def _install(interpreter: Path) -> None:
    # wheels only: an older release has one where the newest has none; PyYAML is Python, without its C
    arguments = ["--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "--no-binary", "pyyaml"]
    command = [str(interpreter), "-m", "pip", "install", *arguments, *REQUIREMENTS]
    environment = {**os.environ, "PYYAML_FORCE_LIBYAML": "0", "PYYAML_FORCE_CYTHON": "0"}
    if subprocess.run(command, env=environment, check=False).returncode:
        raise BackendError("pip could not install what the tests need; its message stands above.")
