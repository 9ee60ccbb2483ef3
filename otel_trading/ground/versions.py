"""Versions of installed distributions; an application packed without their metadata still starts."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _version


@cache
def version(distribution: str) -> str:
    """The version of a distribution, `unknown` if it was packed without its metadata; its files are read once."""
    try:
        return _version(distribution)
    except PackageNotFoundError:
        return "unknown"
