"""Which engine runs: the native one where it was built, the Python twin elsewhere."""

from __future__ import annotations

import importlib
from typing import Literal, cast

from otel_trading.ground.errors import OtelTradingError
from otel_trading.hotpath.engine import Engine

Wanted = Literal["auto", "native", "python"]

_MODULES = {"native": "otel_trading.hotpath._native", "python": "otel_trading.hotpath.twin"}


class EngineMissing(OtelTradingError):
    """The native engine was asked for and is not there."""


def choose(wanted: Wanted = "auto") -> Engine:
    """The engine; its `NAME` tells which one it is, `native` or `python`.

    Args:
        wanted: `native` or `python` for that one, `auto` for the native one if it can be loaded.

    Raises:
        EngineMissing: `native` is wanted and cannot be loaded.
        ValueError: `wanted` is none of the three.
    """
    if wanted not in ("auto", "native", "python"):
        raise ValueError(f"the engine must be auto, native or python; was {wanted!r}")
    if wanted == "python":
        return _loaded("python")
    try:
        return _loaded("native")
    except ImportError as error:
        if wanted == "auto":
            return _loaded("python")
        raise EngineMissing(
            f"the native engine cannot be loaded ({error}). "
            "Install otel-trading where a C compiler is, or choose auto or python."
        ) from error


def _loaded(name: str) -> Engine:
    return cast(Engine, importlib.import_module(_MODULES[name]))
