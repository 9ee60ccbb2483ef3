"""Standard output that takes nothing: one line on standard error and exit code 1, no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = f"{sys.executable} -W error -m otel_trading.cli.main"


def ended(command: str) -> tuple[int, str]:
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="needs a shell")
@pytest.mark.parametrize("options", ["", " --json", " --example"])
def test_a_closed_standard_output_is_said(options: str) -> None:
    """`otel-trading config >&-`."""
    assert (1, "otel-trading: standard output is closed\n") == ended(f"{PROGRAM} config{options} >&-")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("options", ["", " --json", " --example"])
def test_a_full_disk_is_said(options: str) -> None:
    """`otel-trading config > file` on a full disk; the flush at exit says nothing more."""
    assert (1, "otel-trading: No space left on device\n") == ended(f"{PROGRAM} config{options} >/dev/full")


@pytest.mark.skipif(not Path("/bin/sh").exists(), reason="needs a shell")
def test_a_reader_that_leaves_is_no_failure() -> None:
    """`otel-trading config | true`."""
    assert (0, "0\n") == ended(f"( {PROGRAM} config; echo $? >&3 ) 3>&2 | true")
