"""Obtaining the servers, tried with programs that only pretend: no server and no registry is needed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from backend_stores import wait_until
from conftest import ROOT, backends
from support.children import environment

OBTAINED = ["elasticsearch-8.19.21", "influxdb", "kql"]
PROGRAMS = (
    "otelcol-trading",
    "jaeger",
    "prometheus",
    "promtool",
    "alertmanager",
    "amtool",
    "compose-check",
    "kustomize",
    "es-index-cleaner",
)

GO = """\
if [ "$1" = env ]; then
    case $2 in GOVERSION) echo {version};; *) echo https://proxy.example;; esac
    exit 0
fi
echo call >> "$CALLS"
while [ "$1" != -o ]; do shift; done
echo half > "$2"
{then}
"""
MAVEN = """\
for argument in "$@"; do
    case $argument in -DoutputDirectory=*) echo rubbish > "${argument#*=}/elasticsearch-8.19.21.zip";; esac
done
"""


def pretend(folder: Path, name: str, script: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> dict[str, str]:
    """Variables of a machine with Go, Maven, Java and Node.js that pretend; what is downloaded is in its cache."""
    pretend(tmp_path / "bin", "go", GO.format(version="go1.26.1", then=""))
    pretend(tmp_path / "bin", "mvn", MAVEN)
    pretend(tmp_path / "bin", "node", "echo v20.1.0\n")
    pretend(tmp_path / "bin", "npm", "exit 1\n")
    pretend(tmp_path / "jdk" / "bin", "java", "echo 'openjdk version \"17.0.1\"' >&2\n")
    variables = {
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "ES_JAVA_HOME": str(tmp_path / "jdk"),
        "CALLS": str(tmp_path / "calls"),
    }
    where = (
        "from tools.backends import elasticsearch, influxdb, kql; elasticsearch.distribution().mkdir();"
        "kql.installed().mkdir(); influxdb.program().parent.mkdir(parents=True); influxdb.program().touch()"
    )
    subprocess.run([sys.executable, "-c", where], cwd=ROOT, env=environment(measured=False, **variables), check=True)
    return variables


def cached(machine: dict[str, str]) -> list[str]:
    """Names in the cache, without logs and hashes."""
    folder = Path(machine["XDG_CACHE_HOME"]) / "otel-trading" / "backends"
    return sorted([path.name.rpartition("-")[0] for path in folder.iterdir() if path.suffix != ".log"])


def test_everything_is_built_once(machine: dict[str, str]) -> None:
    """The second run asks Go for its version and builds nothing."""
    first = backends("build", **machine)
    assert first.returncode == 0, first.stderr
    assert sorted([*OBTAINED, *PROGRAMS]) == cached(machine)

    second = backends("build", **machine)
    assert [f"{name}: ready" for name in ("elasticsearch", "influxdb", "kql", *PROGRAMS)] == second.stdout.splitlines()
    assert Path(machine["CALLS"]).read_text().count("call") == len(PROGRAMS)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_leaves_no_half_of_a_program(
    machine: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """What was begun is removed, and the compiler ends with the command."""
    pretend(tmp_path / "bin", "go", GO.format(version="go1.26.1", then="echo $$ > pid; exec sleep 60").replace(
        "> pid", f'> "{tmp_path / "pid"}"'
    ))  # fmt: skip
    command = [sys.executable, "-m", "tools.backends", "build"]
    with subprocess.Popen(command, cwd=ROOT, env=environment(measured=False, **machine), stderr=-1) as build:
        wait_until((tmp_path / "pid").exists)
        build.send_signal(number)
        _, complaints = build.communicate(timeout=20)
    assert (build.returncode, complaints) == (130, b"interrupted; what was finished is kept\n")
    assert cached(machine) == OBTAINED
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_a_build_that_fails_is_tried_again_and_then_shown(machine: dict[str, str], tmp_path: Path) -> None:
    """With the end of what the compiler said."""
    pretend(tmp_path / "bin", "go", GO.format(version="go1.26.1", then="echo no such module; exit 1"))
    told = backends("build", **machine)
    assert told.returncode == 1
    assert "otelcol-trading could not be built" in told.stderr
    assert "no such module" in told.stderr
    assert Path(machine["CALLS"]).read_text().count("call") == 3
    assert cached(machine) == OBTAINED


@pytest.mark.parametrize(("missing", "said"), [("go", "Install Go 1.26"), ("mvn", "Install Maven 3")])
def test_a_missing_program_is_named_with_what_to_install(
    machine: dict[str, str], tmp_path: Path, missing: str, said: str
) -> None:
    """Before anything else is done."""
    (tmp_path / "bin" / missing).unlink()
    told = backends("build", **{**machine, "PATH": str(tmp_path / "bin"), "XDG_CACHE_HOME": str(tmp_path / "empty")})
    assert told.returncode == 1
    assert said in told.stderr
    assert not Path(machine["CALLS"]).exists()


def test_a_machine_without_debians_archive_is_told_so(machine: dict[str, str], tmp_path: Path) -> None:
    """InfluxDB comes from nowhere else."""
    folder = Path(machine["XDG_CACHE_HOME"]) / "otel-trading" / "backends"
    shutil.rmtree(folder / "influxdb-1.6")
    told = backends("build", **{**machine, "PATH": str(tmp_path / "bin")})
    assert (told.returncode, "apt-get and dpkg-deb are not here" in told.stderr) == (1, True)


@pytest.mark.parametrize(("version", "said"), [("", "node is not installed"), ("v16.20.2", "v16.20.2 is here")])
def test_node_is_needed_for_kibanas_parsers(machine: dict[str, str], tmp_path: Path, version: str, said: str) -> None:
    """A missing one and an old one."""
    (tmp_path / "bin" / "node").unlink()
    if version:
        pretend(tmp_path / "bin", "node", f"echo {version}\n")
    for name in ("apt-get", "dpkg-deb"):
        pretend(tmp_path / "bin", name, "exit 1\n")
    told = backends("build", **{**machine, "PATH": str(tmp_path / "bin")})
    assert (told.returncode, said in told.stderr) == (1, True)


def test_an_old_go_is_refused(machine: dict[str, str], tmp_path: Path) -> None:
    """The modules could not be read by it."""
    pretend(tmp_path / "bin", "go", GO.format(version="go1.21.5", then=""))
    told = backends("build", **machine)
    assert (told.returncode, "go1.21.5 is here" in told.stderr) == (1, True)


def test_another_archive_than_the_pinned_one_is_refused(machine: dict[str, str], tmp_path: Path) -> None:
    """And not unpacked."""
    told = backends("build", **{**machine, "XDG_CACHE_HOME": str(tmp_path / "empty")})
    assert told.returncode == 1
    assert "Do not use it" in told.stderr
    assert [] == [*(tmp_path / "empty/otel-trading/backends").iterdir()]


def test_a_stack_is_not_started_before_it_is_built(machine: dict[str, str], tmp_path: Path) -> None:
    """The message says how, and the folder is not left behind."""
    told = backends("up", "--dir", str(tmp_path / "stack"), **machine)
    assert told.returncode == 1
    assert "Run `make backends` first" in told.stderr
    assert not (tmp_path / "stack" / "run").exists()
    assert not (tmp_path / "stack" / "stack.json").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--set", "GATEWAY_SLOW_MS"], "--set takes NAME=VALUE; was 'GATEWAY_SLOW_MS'"),
        (["--gateways", "-1"], "--gateways must be 0 or more; was -1"),
        (["--overlay", "teleport"], "invalid choice: 'teleport'"),
    ],
)
def test_a_variant_that_cannot_be_is_refused(options: list[str], said: str, tmp_path: Path) -> None:
    """Before anything is started."""
    told = backends("up", "--dir", str(tmp_path / "stack"), *options)
    assert told.returncode in (1, 2)
    assert said in told.stderr
    assert not (tmp_path / "stack").exists()


def test_usual_ports_are_taken_only_where_they_are_free() -> None:
    """A second server of a kind gets the next thousand."""
    code = (
        "from tools.backends.ports import Ports\n"
        "import socket\n"
        "with socket.create_server(('127.0.0.1', 0)) as holder:\n"
        "    port = holder.getsockname()[1]\n"
        "    try:\n"
        "        with Ports(None) as ports: ports.take(port)\n"
        "    except Exception as error: print(str(error).startswith(f'port {port} is taken. '))\n"
        "with Ports(None) as ports:\n"
        "    first = ports.take(port)\n"
        "    print(first == port, ports.take(port) - first)\n"
    )
    if_free = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (if_free.stdout.splitlines()[0], if_free.stderr) == ("True", "")
    assert if_free.stdout.splitlines()[1] in ("True 1000", "True 2000")


def test_two_stacks_never_choose_the_same_ports_nor_those_of_outgoing_connections() -> None:
    """A block is taken as long as any process has the lock, also after the one that chose it let go."""
    code = (
        "from tools.backends.ports import Block, EPHEMERAL\n"
        "import os, random, subprocess, sys\n"
        "random.shuffle = list.sort\n"
        "with Block() as one:\n"
        "    server = subprocess.Popen(['cat'], stdin=subprocess.PIPE, pass_fds=[one.lock])\n"
        "with Block() as two: pass\n"
        "server.communicate()\n"
        "with Block() as three: pass\n"
        "outgoing = int(EPHEMERAL.read_text().split()[0])\n"
        "print(set(one.ports).isdisjoint(two.ports), three.ports == one.ports, one.ports[-1] < outgoing)\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        told = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=30,
            env={**os.environ, "TMPDIR": folder},
        )
    assert (told.stdout, told.stderr) == ("True True True\n", "")
