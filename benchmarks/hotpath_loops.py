"""Loops over one call, each compiled for itself, so that each is specialised alone by CPython."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Loop = Callable[[int], None]

UNROLLED = 10
"""A call stands so often in the body of its loop: what the loop itself costs is a row of its own."""


def loop(statement: str, **names: Any) -> Loop:
    """A function of the number of repetitions, a multiple of UNROLLED; `names` are its locals."""
    given = ", ".join(f"{name}={name}" for name in names)
    body = f"  {statement}\n" * UNROLLED
    source = f"def run(times, {given}):\n for _ in range(times // {UNROLLED}):\n{body}"
    space = dict(names)
    exec(source, space)
    run: Loop = space["run"]
    return run


def varied(call: Callable[[Any], Any], values: Sequence[Any]) -> Loop:
    """Calls it with one value after the other, so that the processor cannot foresee the bucket."""

    def run(times: int) -> None:
        for _ in range(times // len(values)):
            for value in values:
                call(value)

    return run


def awaited(function: Any) -> Loop:
    """Awaits it without an event loop: nothing is waited for."""
    body = "  await function(1)\n" * UNROLLED
    space: dict[str, Any] = {}
    exec(f"async def main(times, function):\n for _ in range(times // {UNROLLED}):\n{body}", space)
    main = space["main"]

    def run(times: int) -> None:
        try:
            main(times, function).send(None)
        except StopIteration:
            return

    return run
