"""Runs a piece of Python in a process of its own, with a clean environment."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Ended:
    """How a child ended."""

    code: int
    out: str
    err: str
    at: float
    """When it had ended, on the monotonic clock of the machine."""


def environment(**extra: str) -> dict[str, str]:
    """The environment without any OTEL variable and without pytest's marks."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTEST_", "COV_"))}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1", **extra}


def start(code: str, *arguments: str, **extra: str) -> subprocess.Popen[str]:
    """Starts `python -c code`; the caller waits for it."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=environment(**extra),
    )


def run(code: str, *arguments: str, timeout_s: float = 60, **extra: str) -> Ended:
    """Runs `python -c code` to its end."""
    with start(code, *arguments, **extra) as child:
        try:
            out, err = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            child.kill()
            raise
    return Ended(child.returncode, out, err, time.monotonic())
