"""Rules of the house that no tool checks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import otel_trading as ot

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "otel_trading").rglob("*.py"))


def imported(path: Path) -> list[str]:
    """Dotted names of everything a file imports."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_private_names_of_opentelemetry_stand_in_the_adapter_only(path: Path) -> None:
    """Whoever upgrades the SDK looks at one file."""
    if path.name == "sdk.py":
        return
    private = [name for name in imported(path) if name.startswith("opentelemetry") and re.search(r"\._", name)]
    assert private == []


def test_the_face_has_no_logic() -> None:
    """Docstring, imports, __all__."""
    body = ast.parse((ROOT / "otel_trading/__init__.py").read_text()).body
    kinds = [type(node).__name__ for node in body]
    assert set(kinds) <= {"Expr", "ImportFrom", "Assign"}
    assert kinds.count("Expr") == kinds.count("Assign") == 1


def test_names_of_submodules_do_not_collide_with_names_of_the_face() -> None:
    """`otel_trading.x` means one thing."""
    modules = {path.stem for path in (ROOT / "otel_trading").iterdir() if path.suffix == ".py" or path.is_dir()}
    assert modules & set(ot.__all__) == set()


def test_everything_the_face_promises_is_there() -> None:
    """And sorted, so that a change is seen."""
    assert list(ot.__all__) == sorted(ot.__all__)
    assert [name for name in ot.__all__ if not hasattr(ot, name)] == []


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_room_is_called_utils_or_helpers(path: Path) -> None:
    """A module is the noun of its stage."""
    assert not re.search(r"util|helper|common|manager|misc", path.stem)
