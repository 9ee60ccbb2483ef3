"""What tests use of `tools/`: Kibana's parsers, further programs, and processes that end with the test."""

from __future__ import annotations

import socket
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from backend_stores import wait_until

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "collector-config"
# the tools are run from the checkout and not installed
sys.path.append(str(ROOT))

from tools.backends import elasticsearch, go_programs, kql, processes  # noqa: E402
from tools.backends.places import BackendError  # noqa: E402

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


def free_addresses(count: int) -> list[str]:
    """Addresses on which nobody listens."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


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
