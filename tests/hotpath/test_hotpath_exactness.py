"""The command that shows exact totals, with smaller numbers; and references over ten million calls."""

from __future__ import annotations

import gc
import itertools
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hotpath.hotpath_cells import FREE_THREADED, cell
from support.children import environment

COMMAND = Path(__file__).parents[2] / "benchmarks" / "exactness.py"
SANITIZED = "asan" in os.environ.get("LD_PRELOAD", "")
OPERATIONS = {"native": 5_000 if SANITIZED else 100_000, "python": 1500}
CALLS = {"native": 200_000 if SANITIZED else 10_000_000, "python": 30_000}
"""Under the sanitizers a call takes twenty times as long, and what leaks is the same."""


def test_eight_threads_lose_nothing(engine: Any) -> None:
    """Every kind, bound and unbound, read and taken meanwhile."""
    # a child of a free-threaded Python inherits the lock of a dict that threads waited for, and the twin has such dicts
    forks = 0 if FREE_THREADED and engine.NAME == "python" else 5
    arguments = [f"--operations={OPERATIONS[engine.NAME]}", f"--forks={forks}", f"--engine={engine.NAME}"]
    # without coverage, whose own lock a child may inherit in a held state
    unmeasured = environment(measured=False)
    command = [sys.executable, str(COMMAND), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, env=unmeasured)
    assert 0 == ran.returncode, ran.stdout + ran.stderr
    assert 12 == ran.stdout.count("exact\n"), ran.stdout
    assert f"forked {forks}" in ran.stdout


class Calls:
    """Calls without a loop in Python, by name, and what they are given."""

    def __init__(self, engine: Any) -> None:
        made, table = cell(engine, per_ns=1.0), engine.Table(lambda attributes: made)
        taken = cell(engine, exemplars=True, owner=["owner"])
        forwarded = cell(engine, "forwarded", owner=lambda value, context: None)
        engine.set_exemplar_hook(lambda *what: False)
        amount, start, wrong, context = float("123.25"), int("987654321"), object(), {"span": 1}
        attributes = {"".join(["ven", "ue"]): "".join(["bin", "ance"])}
        for extreme in (0.0, 1e300):  # the twin keeps the least and the largest
            made.record(extreme)
            taken.record(extreme)
        self.named: dict[str, tuple[Callable[..., object], tuple[object, ...]]] = {
            "record": (made.record, (amount,)),
            "record with context": (made.record, (amount, context)),
            "refused": (made.record, (wrong,)),
            "since": (made.record_since, (start, context)),
            "unbound": (table.record, (amount, attributes)),
            "offered": (taken.record, (amount, context)),
            "forwarded": (forwarded.record, (amount, context)),
            "timed": (made.wrap(abs), (amount,)),
            "snapshot": (made.snapshot, ()),
            "take": (made.take, ()),
        }
        self.watched = [amount, start, wrong, context, attributes, *attributes, *attributes.values(), made, table]

    def run(self, name: str, times: int) -> None:
        """Makes so many."""
        call, given = self.named[name]
        deque(itertools.starmap(call, itertools.repeat(given, times)), maxlen=0)

    def references(self) -> list[int]:
        """How often each thing is referred to; None, which every call gives, last."""
        return [sys.getrefcount(one) for one in (*self.watched, None)]


SLOW = ("offered", "forwarded", "snapshot", "take")
FAST = ("record", "record with context", "refused", "since", "unbound", "timed")


@pytest.mark.parametrize("name", [*FAST, *SLOW])
def test_ten_million_calls_leave_nothing(engine: Any, name: str) -> None:
    """Neither a block of memory nor a reference; a million of those that run Python or make objects."""
    calls = Calls(engine)
    calls.run(name, 2000)
    gc.collect()
    blocks, references = sys.getallocatedblocks(), calls.references()
    calls.run(name, CALLS[engine.NAME] // (10 if name in SLOW else 1))
    gc.collect()
    after = calls.references()
    assert references[:-1] == after[:-1]
    assert abs(after[-1] - references[-1]) < 1000
    assert sys.getallocatedblocks() - blocks < 200
