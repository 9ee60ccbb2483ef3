"""Builds the Go servers from the committed modules; a binary is known by the hash of what it was made from."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .places import TOOLS, BackendError, cache, say

NEEDED_GO = (1, 26)
SAY_EVERY_S = 15.0
ATTEMPTS = 3
"""A registry that fails once is asked again; what was downloaded and compiled is kept by Go."""

PROMETHEUS_VERSION = "github.com/prometheus/common/version.Version"


@dataclass(frozen=True)
class Program:
    """One binary of a module under `tools/`."""

    name: str
    module: str
    package: str
    tags: str = ""
    version_variable: str = ""
    version: str = ""

    @property
    def flags(self) -> list[str]:
        """Arguments of `go build` that change the result."""
        stamp = f" -X {self.version_variable}={self.version}" if self.version_variable else ""
        return ["-trimpath", "-tags", self.tags, "-ldflags", f"-s -w{stamp}"]


PROGRAMS = (
    Program("otelcol-trading", "collector", ".", "grpcnotrace"),
    Program(
        "jaeger",
        "jaeger",
        "github.com/jaegertracing/jaeger/cmd/jaeger",
        version_variable="github.com/jaegertracing/jaeger/internal/version.latestVersion",
        version="v2.13.0",
    ),
    *(
        Program(
            name,
            "prometheus",
            f"github.com/prometheus/prometheus/cmd/{name}",
            "remove_all_sd,netgo",
            PROMETHEUS_VERSION,
            "3.14.0",
        )
        for name in ("prometheus", "promtool")
    ),
    *(
        Program(
            name,
            "alertmanager",
            f"github.com/prometheus/alertmanager/cmd/{name}",
            "netgo",
            PROMETHEUS_VERSION,
            "0.31.1",
        )
        for name in ("alertmanager", "amtool")
    ),
)

CHECKERS = (
    Program("compose-check", "compose", "."),
    Program("kustomize", "kustomize", "sigs.k8s.io/kustomize/kustomize/v5"),
    Program("es-index-cleaner", "jaeger", "github.com/jaegertracing/jaeger/cmd/es-index-cleaner"),
)
"""What the tests of deployed files use; no stack needs them."""


def go_version() -> str:
    """Returns the version of the Go toolchain.

    Raises:
        BackendError: there is no Go, or it is older than the modules demand.
    """
    if shutil.which("go") is None:
        raise BackendError("go is not installed. Install Go 1.26 or newer and put it on PATH.")
    version = _go_env("GOVERSION")
    found = re.match(r"go(\d+)\.(\d+)", version)
    if found and (int(found[1]), int(found[2])) < NEEDED_GO:
        raise BackendError(f"Go 1.26 or newer is needed, {version} is here. Install a newer Go and put it on PATH.")
    return version


def path_of(program: Program, version: str) -> Path:
    """Returns where the binary is, or will be once it is built."""
    digest = hashlib.sha256("\0".join([version, program.package, *program.flags]).encode())
    folder = TOOLS / program.module
    for source in sorted([*folder.glob("go.*"), *folder.glob("*.go")]):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return cache() / f"{program.name}-{digest.hexdigest()[:16]}"


def build(program: Program, version: str) -> Path:
    """Builds the binary unless it is there; an interrupted build leaves no half of one under its name."""
    target = path_of(program, version)
    if target.exists():
        say(f"{program.name}: ready")
        return target
    unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
    log = target.with_name(f"{program.name}.log")
    command = ["go", "build", *program.flags, "-o", str(unfinished), program.package]
    say(f"{program.name}: building; its log is {log}")
    began = time.monotonic()
    try:
        for attempt in range(1, ATTEMPTS + 1):
            if _watched(program, command, log) == 0:
                break
            say(f"{program.name}: attempt {attempt} of {ATTEMPTS} failed")
        else:
            raise BackendError(f"{program.name} could not be built. {log} ends:\n{_end_of(log)}")
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
    say(f"{program.name}: built in {time.monotonic() - began:.0f} s")
    return target


def _watched(program: Program, command: list[str], log: Path) -> int:
    """Runs a build and says every quarter of a minute that it goes on."""
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=TOOLS / program.module, env=_environment(), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            while True:
                try:
                    return process.wait(SAY_EVERY_S)
                except subprocess.TimeoutExpired:
                    downloads = log.read_bytes().count(b"go: downloading")
                    say(f"{program.name}: {time.monotonic() - began:.0f} s, {downloads} modules downloaded so far")
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()


def _environment() -> dict[str, str]:
    """The environment of a build that asks one proxy only and takes what go.sum says, nothing else."""
    own = os.environ.get("GOFLAGS") or ""
    return {
        **os.environ,
        "CGO_ENABLED": "0",
        "GOWORK": "off",
        "GOTOOLCHAIN": "local",
        "GOPROXY": re.split(r"[,|]", _go_env("GOPROXY"))[0],
        "GOFLAGS": f"{own} -buildvcs=false -mod=readonly".strip(),
    }


def _go_env(name: str) -> str:
    return subprocess.run(["go", "env", name], capture_output=True, text=True, check=True).stdout.strip()


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
