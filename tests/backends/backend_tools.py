"""What tests use of `tools/`: Kibana's parsers, further programs, and processes that end with the test."""

from __future__ import annotations

import functools
import itertools
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backend_stores import wait_until

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "collector-config"
# the tools are run from the checkout and not installed
sys.path.append(str(ROOT))

from tools.backends import elasticsearch, go_programs, kql, processes  # noqa: E402
from tools.backends.places import BackendError  # noqa: E402
from tools.backends.ports import Block, Ports  # noqa: E402

__all__ = [
    "CONFIG",
    "ROOT",
    "BackendError",
    "answers",
    "elasticsearch",
    "free_addresses",
    "go_programs",
    "kql",
    "program",
    "running_program",
]


def program(name: str) -> Path:
    """A program that checks deployed files; `make backends` has built it, or it is built now, within seconds."""
    [found] = [one for one in go_programs.CHECKERS if one.name == name]
    return go_programs.build(found, go_programs.go_version())


@functools.cache
def own_ports() -> Iterator[int]:
    """Ports that are this process's as long as it lives, again and again."""
    return itertools.cycle(Block().ports)


def free_addresses(count: int) -> list[str]:
    """Addresses on which nobody listens, and no outgoing connection will."""
    with Ports(own_ports()) as ports:
        return [ports.address(0) for _ in range(count)]


def answers(url: str) -> bool:
    """Whether an address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def running_program(command: list[str], folder: Path, probe: str, **environment: str) -> Iterator[Path]:
    """A process that answers at `probe`, ended afterwards; yields its log."""
    log = folder / f"{Path(command[0]).name}.log"
    pid = processes.start(command, folder, environment, log)
    since = processes.born(pid)
    try:
        wait_until(lambda: answers(probe) or processes.born(pid) != since)
        assert answers(probe), log.read_text()
        yield log
    finally:
        assert processes.end(pid, since, 20.0), f"{command[0]} did not end by SIGTERM"
