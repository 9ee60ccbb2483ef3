"""Cells as the tests of both engines make them."""

from __future__ import annotations

import os
import sysconfig
from typing import Any

import pytest

from otel_trading.hotpath import EngineMissing, choose

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
"""Whether this Python is one that runs without its GIL."""

BOUNDS = (1, 2.5, 5, 10, 100, 1000.5)


def cell(engine: Any, kind: str = "explicit", name: str = "order.latency", **what: Any) -> Any:
    """A configured cell; explicit ones have BOUNDS unless others are given."""
    if kind == "explicit":
        what["bounds"] = engine.Bounds(what.pop("bounds", BOUNDS))
    made = engine.Cell(name)
    made.configure(kind, **what)
    return made


def refused(engine: Any) -> dict[str, int]:
    """The reasons that occurred, with their counts."""
    return {reason: count for reason, count in engine.refusals().items() if count}


def load(name: str) -> Any:
    """The engine, or the test is skipped: a build without a compiler has only one."""
    try:
        return choose(name)  # type: ignore[arg-type]
    except EngineMissing as error:
        if os.environ.get("OTEL_TRADING_TEST_NATIVE") == "required":
            raise
        pytest.skip(str(error))


class Clock:
    """Goes on when it is told."""

    def __init__(self) -> None:
        self.ns = 1_000_000

    def __call__(self) -> int:
        return self.ns
