"""A type checker finds wrong labels, values, methods and numbers, line for line, and nothing else."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.registries import generated

ROOT = Path(__file__).resolve().parents[2]
WRONG = Path(__file__).with_name("wrong_uses.py.txt")
REPORTED = re.compile(r"^([^:]+):(\d+): (error|note): (.*)$", re.MULTILINE)


def reported(*paths: Path) -> Iterator[tuple[int, str]]:
    """Line and message of each error that mypy reports of these files with the project's configuration."""
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), "--no-error-summary"]
    done = subprocess.run(
        [*command, "--hide-error-codes", *map(str, paths)],
        capture_output=True, text=True, timeout=280, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    names = {path.name for path in paths}
    for place, line, kind, message in REPORTED.findall(done.stdout):
        # what they import is checked elsewhere, and with the lowest dependencies it is not clean
        if kind == "error" and Path(place).name in names:
            yield int(line), message


@pytest.mark.timeout(300)
def test_wrong_uses_are_reported_line_for_line(tmp_path: Path) -> None:
    """Each marked line once with its words, and no line that is right."""
    program = tmp_path / "wrong_uses.py"
    program.write_text(WRONG.read_text())
    lines = enumerate(WRONG.read_text().splitlines(), start=1)
    expected = {number: line.partition("  # error: ")[2] for number, line in lines if "  # error: " in line}
    assert len(expected) > 15
    found = dict(reported(program))
    assert expected.keys() == found.keys(), found
    assert [] == [(line, found[line]) for line, words in expected.items() if words not in found[line]]


@pytest.mark.timeout(300)
def test_modules_of_a_user_pass_the_strict_check(tmp_path: Path) -> None:
    """With an open enumeration, numbers, lists and a keyword of Python's."""
    text = """\
file_format: definition/2
attributes:
  - key: acme.class
    type: {members: [{id: a}, {id: b}]}
    stability: development
    brief: A class.
    annotations: {otel_trading: {open: true}}
  - {key: acme.code, type: {members: [{id: one, value: 1}, {id: two, value: 2}]}, stability: stable, brief: Code.}
  - {key: acme.share, type: {members: [{id: half, value: 0.5}]}, stability: stable, brief: Share.}
  - {key: acme.legs, type: "string[]", stability: development, brief: "The legs, \\"quoted\\" and \\\\ escaped."}
metrics:
  - name: acme.orders
    instrument: counter
    unit: "{order}"
    stability: development
    brief: Orders.
    attributes:
      - {ref: acme.class, requirement_level: required}
      - ref: acme.code
      - ref: acme.share
      - ref: acme.legs
"""
    out = generated(tmp_path, text)
    use = tmp_path / "use.py"
    use.write_text(
        "from instruments import router\n"
        'router.orders.add(class_="a", code=1, share=0.5, legs=["x"])\n'
        'router.orders.add(class_="c")\n'
        'router.orders.add(class_="c", code=3)\n'
    )
    assert [(4, 'Argument "code" to "add" of "_Orders" has incompatible type "Literal[3]";')] == [
        (line, message.partition(" expected")[0]) for line, message in reported(use, *out.glob("*.py"))
    ]
