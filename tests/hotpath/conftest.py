"""The engines: every test of this folder that asks for `engine` runs over both."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hotpath.hotpath_cells import Clock, cell, load


@pytest.fixture(params=["native", "python"])
def engine(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Native module or twin, with no hooks and nothing counted."""
    loaded = load(request.param)
    yield from _clean(loaded)


@pytest.fixture
def native() -> Iterator[Any]:
    """The native module only."""
    yield from _clean(load("native"))


@pytest.fixture
def both() -> Iterator[tuple[Any, Any]]:
    """Native module and twin."""
    loaded = load("native"), load("python")
    for one in loaded:
        one.forget_refusals()
    yield loaded
    for one in loaded:
        one.set_refusal_hook(None)


def _clean(loaded: Any) -> Iterator[Any]:
    loaded.forget_refusals()
    yield loaded
    loaded.set_refusal_hook(None)
    loaded.set_exemplar_hook(None)
    loaded.set_clock(None, None)
    loaded.forget_refusals()


@pytest.fixture
def clock(engine: Any) -> Clock:
    """The clock of durations."""
    made = Clock()
    engine.set_clock(made, None)
    return made


@pytest.fixture
def latency(engine: Any) -> Any:
    """A histogram in microseconds."""
    return cell(engine, per_ns=1e-3)


@pytest.fixture
def _hasty() -> Iterator[None]:
    """Threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)
