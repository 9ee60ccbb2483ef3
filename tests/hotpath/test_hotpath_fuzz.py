"""The fuzz target of the attribute table: some rounds of it, over both engines, and that it notices what is wrong."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hotpath.hotpath_cells import load

TOOLS = Path(__file__).parents[2] / "tools"


@pytest.fixture
def fuzz_table(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool as a module."""
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("fuzz_table")


def test_table_does_what_the_model_says(engine: Any, fuzz_table: ModuleType) -> None:
    """Forty rounds."""
    for number in range(40):
        fuzz_table.play(engine, f"suite-{number}")


def _of_text(attributes: Any) -> Any:
    return {str(key): str(value) for key, value in attributes.items()} if type(attributes) is dict else attributes


@pytest.mark.parametrize(
    "spoil",
    [
        lambda attributes: None,
        _of_text,
        lambda attributes: dict(attributes) if type(attributes) is dict else {"odd": 1},
        lambda attributes: {**attributes, "own": object()} if type(attributes) is dict else attributes,
    ],
)
def test_table_that_errs_is_noticed(fuzz_table: ModuleType, spoil: Callable[[Any], Any]) -> None:
    """One that confuses attributes, takes other objects for them, or forgets."""
    twin = load("python")

    class Table(twin.Table):  # type: ignore[name-defined,misc]  # a class at run time
        def _find(self, attributes: Any) -> Any:
            return super()._find(spoil(attributes))

    spoiled = SimpleNamespace(**vars(twin) | {"Table": Table})

    def play() -> None:
        for number in range(20):
            fuzz_table.play(spoiled, f"suite-{number}")

    with pytest.raises(fuzz_table.Mismatch):
        play()


def test_command_ends_with_its_rounds(fuzz_table: ModuleType) -> None:
    """It says how many, and its seed."""
    ran = subprocess.run(
        [sys.executable, str(TOOLS / "fuzz_table.py"), "--engine=python", "--rounds=3", "--seed=5"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "3 rounds of the attribute table, python, seed 5: as the model says\n" == ran.stdout
