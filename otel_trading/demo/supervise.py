"""Starts the services, hears when they are ready, names one that dies, and ends them all.

Each child watches its standard input, whose other end only this process holds: however this process ends, kill -9
included, the children see the end of the pipe and stop.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from otel_trading.ground.clock import Deadline

_LOG_CAP_BYTES = 64 * 1024 * 1024
_LAST_LINES = 12
_LAST_BYTES = 16 * 1024


class ChildDied(Exception):
    """A service ended that should be running.

    Attributes:
        service: which.
        exit_code: negative is the number of a signal.
        last_lines: what it wrote last, errors after log lines.
    """

    def __init__(self, service: str, exit_code: int, last_lines: list[str]) -> None:
        self.service, self.exit_code, self.last_lines = service, exit_code, last_lines
        how = f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with exit code {exit_code}"
        super().__init__(f"the service {service} {how}")


@dataclass(slots=True)
class Child:
    """One running service and its files in the run's directory."""

    name: str
    process: subprocess.Popen[bytes]
    status_file: Path
    output_file: Path
    error_file: Path

    def status(self) -> dict[str, Any]:
        """Returns what the service told last (state, endpoint, metrics_url); empty before that."""
        try:
            told: dict[str, Any] = orjson.loads(self.status_file.read_bytes())
        except (OSError, ValueError):
            return {}
        return told

    def last_lines(self) -> list[str]:
        """Returns the last lines of its log and then of its standard error."""
        return _tail(self.output_file)[-_LAST_LINES // 2 :] + _tail(self.error_file)


class Supervisor:
    """Holds the children. Use it as a context manager; leaving it ends all of them."""

    def __init__(self, directory: Path, *, keep_variables: str | None = None) -> None:
        """Takes an existing directory for status files and output.

        Args:
            directory: of the run.
            keep_variables: beginning of the names of OpenTelemetry's variables that the services get from here.
        """
        self.directory = directory
        self._keep_variables = keep_variables
        self.children: dict[str, Child] = {}

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(timeout_s=4)

    def start(self, name: str, module: str, arguments: Sequence[str]) -> Child:
        """Starts `python -m module` with its output in files, away from the terminal's Ctrl-C.

        Args:
            name: of the service.
            module: a program that understands --status-file and --until-eof.
            arguments: its further arguments; paths in them must be absolute.
        """
        status = self.directory / f"{name}.status.json"
        output, errors = self.directory / f"{name}.jsonl", self.directory / f"{name}.stderr"
        command = [sys.executable, "-m", module, "--status-file", str(status), "--until-eof", *arguments]
        with output.open("ab") as out, errors.open("ab") as err:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                cwd=self.directory,  # a random.py where the user stands would hide the real one
                env=_environment(self._keep_variables),
                **_own_group(),
            )
        child = Child(name, process, status, output, errors)
        self.children[name] = child
        return child

    def hand_over(self, name: str, source: str) -> None:
        """Tells a child the endpoint of the service before it."""
        pipe = self.children[name].process.stdin
        if pipe is not None:
            try:
                pipe.write(orjson.dumps({"source": source}) + b"\n")
                pipe.flush()
            except OSError:
                pass  # it died; `check` names it

    def check(self) -> None:
        """Raises ChildDied if a child has ended, and keeps the output files below 64 MiB each."""
        for child in self.children.values():
            code = child.process.poll()
            if code is not None:
                raise ChildDied(child.name, code, child.last_lines())
            if child.output_file.stat().st_size > _LOG_CAP_BYTES:
                os.truncate(child.output_file, 0)  # it is open for appending, so writing goes on at the start

    def stop(self, timeout_s: float) -> dict[str, int]:
        """Ends all children: asks by closing their input, terminates and at last kills what stays.

        They are asked in the order of their start with a moment in between, so that messages under way arrive.

        Returns:
            The exit code of each.
        """
        deadline = Deadline(timeout_s)
        for child in self.children.values():
            _close(child.process.stdin)
            _wait(child.process, min(0.3, deadline.remaining_s()))
        for child in self.children.values():
            if not _wait(child.process, deadline.remaining_s()):
                child.process.terminate()
        for child in self.children.values():
            if not _wait(child.process, 1.0):
                child.process.kill()
                child.process.wait()
        return {name: child.process.returncode for name, child in self.children.items()}


def _environment(keep: str | None) -> dict[str, str]:
    """Returns our environment without the user's OpenTelemetry settings: the demo shows itself, nothing else."""
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith("OTEL_") or (keep is not None and key.startswith(keep))
    }


def _own_group() -> dict[str, Any]:
    """Arguments of Popen that keep the terminal's Ctrl-C away: the parent ends the children in order."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except OSError:
        pass  # unsent bytes for a child that is gone


def _wait(process: subprocess.Popen[bytes], timeout_s: float) -> bool:
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LAST_BYTES))
            return file.read().decode(errors="replace").splitlines()[-_LAST_LINES:]
    except OSError:
        return []
