"""The coverage page: no item of the five systems without an answer that exists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.shared
def test_every_item_has_a_row_that_is_current() -> None:
    """With a file and a test that are there."""
    command = [sys.executable, "-m", "tools.coverage", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_row_names_something_that_is_there() -> None:
    """Files and tests of the committed page, whoever reads it."""
    lines = (ROOT / "docs/reference/coverage.md").read_text(encoding="utf-8").splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith("| ") and line.count(" | ") >= 5]
    rows = [row for row in rows if row[0] not in ("| system",)]
    assert len(rows) > 500
    for _, _, ours, files, test, *_ in rows:
        assert ours
        assert (ROOT / "tests" / test).exists(), test
        for file in files.split(", "):
            path = ROOT / (f"otel_trading/{file}" if file.startswith("catalogue/") else file)
            assert path.exists(), file
