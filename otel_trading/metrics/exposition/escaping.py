"""Escaping schemes that a client may ask for, by which names that were not always allowed are written."""

from __future__ import annotations

import re
from typing import Literal

Scheme = Literal["allow-utf-8", "underscores", "dots", "values"]
SCHEMES: tuple[Scheme, ...] = ("allow-utf-8", "underscores", "dots", "values")

_PLAIN_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def is_plain(name: str) -> bool:
    """Whether it was always allowed as the name of a metric."""
    return _PLAIN_METRIC.fullmatch(name) is not None


def escape(name: str, scheme: Scheme) -> str:
    """The name as the scheme has it; only `allow-utf-8` leaves what needs quotes."""
    if scheme == "allow-utf-8" or (scheme != "dots" and is_plain(name)):
        return name
    if scheme == "underscores":
        return "".join(letter if _allowed(letter, at) else "_" for at, letter in enumerate(name))
    if scheme == "dots":
        return "".join(_dotted(letter, at) for at, letter in enumerate(name))
    return "U__" + "".join(_valued(letter, at) for at, letter in enumerate(name))


def quoted(name: str) -> str:
    """The name in the text formats where it stands alone, after `# TYPE`."""
    return name if is_plain(name) else f'"{name.translate(_ESCAPES)}"'


def opening(name: str) -> str:
    """How a sample of that name begins; in braces if it needs quotes."""
    return name if is_plain(name) else f"{{{quoted(name)}"


def _allowed(letter: str, at: int) -> bool:
    return letter.isascii() and (letter.isalpha() or letter in "_:" or (letter.isdigit() and at > 0))


def _dotted(letter: str, at: int) -> str:
    if letter == ".":
        return "_dot_"
    return letter if letter != "_" and _allowed(letter, at) else "__"


def _valued(letter: str, at: int) -> str:
    if letter == "_":
        return "__"
    return letter if _allowed(letter, at) else f"_{ord(letter):x}_"
