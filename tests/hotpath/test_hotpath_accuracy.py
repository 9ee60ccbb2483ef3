"""Quantiles read off a cell lie as near to the exact ones as promised."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy
import pytest
from hotpath.hotpath_cells import load

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "accuracy.py"


@pytest.fixture
def accuracy(native: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The benchmark as a module; it records into native cells."""
    spec = importlib.util.spec_from_file_location("accuracy", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "accuracy", module)  # its dataclass looks there
    spec.loader.exec_module(module)
    return module


def test_quantiles_are_within_the_promised_bound(accuracy: ModuleType) -> None:
    """Log-linear and exponential cells, three distributions, 100,000 values of each."""
    found = list(accuracy.measure(100_000, 5))
    assert 9 == len(found)
    assert all(one.kept for one in found), [one for one in found if not one.kept]
    assert all(0 < one.worst <= one.promised + 1e-12 < 0.1 for one in found)


def test_displaced_counts_break_the_promise(accuracy: ModuleType) -> None:
    """A bucket to the left, as an off-by-one in the index would have it, is noticed."""
    made = accuracy.cells(load("native"))["exponential, 160 buckets"]
    values = numpy.sort(numpy.random.default_rng(5).lognormal(3, 1, 10_000))
    for value in values.tolist():
        made.record(value)
    count, total, least, most, (scale, zeros, offset, counts) = made.snapshot()
    promised, worst, _ = accuracy.worst_error(made.snapshot(), values)
    assert worst <= promised
    shifted = (count, total, least, most, (scale, zeros, offset - 1, counts))
    assert accuracy.worst_error(shifted, values)[1] > promised


def test_command_prints_what_it_found(accuracy: ModuleType) -> None:
    """As JSON, with exit code 0."""
    ran = subprocess.run(
        [sys.executable, str(BENCHMARK), "--values", "2000", "--json"], capture_output=True, text=True, check=True
    )
    rows = json.loads(ran.stdout)
    assert {"lognormal", "Pareto", "bimodal"} == {row["distribution"] for row in rows}
    assert all(row["kept"] and row["values"] == 2000 for row in rows)
