"""What the package uses of orjson, by the standard library: orjson has no build for free-threaded Pythons."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

OPT_APPEND_NEWLINE = 1 << 10
OPT_INDENT_2 = 1 << 0
OPT_SORT_KEYS = 1 << 5

JSONDecodeError = json.JSONDecodeError
JSONEncodeError = TypeError


def dumps(value: Any, default: Callable[[Any], Any] | None = None, option: int | None = None) -> bytes:
    """The value as JSON; None for NaN and infinities."""
    option = option or 0
    text = json.dumps(
        _finite(value),
        default=default,
        ensure_ascii=False,
        indent=2 if option & OPT_INDENT_2 else None,
        separators=None if option & OPT_INDENT_2 else (",", ":"),
        sort_keys=bool(option & OPT_SORT_KEYS),
    )
    return (text + "\n" * bool(option & OPT_APPEND_NEWLINE)).encode()


def loads(text: bytes | bytearray | memoryview | str) -> Any:
    """The value that JSON stands for."""
    return json.loads(bytes(text) if isinstance(text, memoryview) else text)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, (list, tuple)) else value
