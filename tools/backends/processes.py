"""Starts, finds and ends processes that outlive the command which started them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

POLL_S = 0.1


def start(
    command: list[str], directory: Path, environment: dict[str, str], log: Path, inherited: int | None = None
) -> int:
    """Starts a process in a session of its own, with one more descriptor if given.

    Returns:
        Its id, which is its group's as well.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=directory,
            env={**kept, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if inherited is None else (inherited,),
        ).pid


def born(pid: int) -> str:
    """Returns when a living process began, in ticks since the machine started; nothing if there is none.

    With it a process that got the id of one that has ended is told apart.
    """
    fields = _fields(Path(f"/proc/{pid}"))
    return fields[19] if fields else ""


def end(pid: int, since: str, patience_s: float) -> bool:
    """Ends a process and its group by SIGTERM, after `patience_s` by SIGKILL; returns whether SIGTERM was enough.

    Without patience it is SIGKILL at once.
    """
    if not since or born(pid) != since:
        return True
    if patience_s > 0:
        _signal(pid, signal.SIGTERM)
    if patience_s > 0 and wait(lambda: not _members(pid), patience_s):
        return True
    _signal(pid, signal.SIGKILL)
    wait(lambda: not _members(pid), 10.0)
    return False


def wait(condition: Callable[[], bool], limit_s: float) -> bool:
    """Waits until the condition holds; returns whether it did within `limit_s`."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        _reap()
        time.sleep(POLL_S)
    return True


def _members(group: int) -> list[str]:
    """Returns the living processes of a group."""
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [entry.name for entry in processes if (fields := _fields(entry)) and fields[2] == str(group)]


def _fields(process: Path) -> list[str]:
    """Returns what the kernel says of a living process, from its state on; nothing of one that has ended."""
    try:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
    return [] if fields[0] in ("Z", "X") else fields


def _signal(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _reap() -> None:
    """Takes note of children that ended, so that they are not taken for living ones."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
