"""The walk-through of the catalogue is executed: its files are written, its commands run, its output compared."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from blocks import ROOT, blocks

from otel_trading.catalogue.mistakes import RegistryError
from otel_trading.catalogue.reading import ours, read

PAGE = ROOT / "docs/extend-the-catalogue.md"
PROGRAMS = {"otel-trading": ["-m", "otel_trading.cli.main"], "python": []}


def ran(command: str, place: Path) -> str:
    """What a command of the page prints; it must end well and say nothing else."""
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [sys.executable, "-W", "error", *PROGRAMS[program], *arguments],
        capture_output=True, text=True, timeout=60, cwd=place, check=False,
        env={**os.environ, "OTEL_TRADING_DIAGNOSTICS_LEVEL": "warning"},
    )  # fmt: skip
    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout


def files(place: Path) -> None:
    """Writes the titled blocks."""
    for block in blocks(PAGE):
        if block.title:
            target = place / block.title
            target.parent.mkdir(exist_ok=True)
            target.write_text(block.code)


def test_the_walk_through_works_as_it_is_shown(tmp_path: Path) -> None:
    """Each console block in its order; a text block after it is its output."""
    files(tmp_path)
    found = blocks(PAGE)
    compared = 0
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block.language != "console":
            continue
        printed = ran(block.code.strip(), tmp_path)
        if after is not None and after.language == "text":
            assert after.code == printed
            compared += 1
    assert compared >= 5
    assert (tmp_path / "telemetry/reference.md").read_text().count("acme.router.wait.duration") == 1


def test_the_mistake_of_the_page_is_the_one_that_is_told(tmp_path: Path) -> None:
    """With the line that it has in the file of the page."""
    files(tmp_path)
    path = tmp_path / "registry/router.yaml"
    path.write_text(path.read_text().replace("unit: s\n", "unit: usec\n"))
    with pytest.raises(RegistryError) as raised:
        read(tmp_path / "registry", ours())
    assert f"\n  {raised.value}\n" in PAGE.read_text()
