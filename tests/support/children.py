"""Runs a piece of Python in a process of its own, with a clean environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass

ENGINE = re.compile(r"^otel_trading: INFO: metrics are recorded by the (native|Python) engine.*\n", re.MULTILINE)


@dataclass(frozen=True)
class Ended:
    """How a child ended."""

    code: int
    out: str
    err: str
    """Without the line that says which engine runs."""
    engine: str
    """That line."""
    at: float
    """When it had ended, on the monotonic clock of the machine."""


def without_engine(err: str) -> str:
    """Standard error without the line by which a process says, once, which engine runs."""
    return ENGINE.sub("", err, count=1)


def environment(*, measured: bool = True, **extra: str) -> dict[str, str]:
    """The environment without any OTEL variable and without pytest's marks.

    `measured=False` keeps coverage out of the child, whose own locks and memory would spoil some tests.
    """
    left_out = ("OTEL_", "PYTEST_") if measured else ("OTEL_", "PYTEST_", "COV")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **extra}


def start(code: str, *arguments: str, measured: bool = True, **extra: str) -> subprocess.Popen[str]:
    """Starts `python -c code`; the caller waits for it."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=environment(measured=measured, **extra),
    )


def run(code: str, *arguments: str, timeout_s: float = 60, measured: bool = True, **extra: str) -> Ended:
    """Runs `python -c code` to its end."""
    with start(code, *arguments, measured=measured, **extra) as child:
        try:
            out, err = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
    told = ENGINE.search(err)
    return Ended(child.returncode, out, without_engine(err), told.group() if told else "", time.monotonic())
