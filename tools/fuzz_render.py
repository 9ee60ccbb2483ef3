"""Random families and pages against the native renderer: it must not crash, and must say what its Python twin says.

python tools/fuzz_render.py [--seed N] [--seconds S] [--plain]

Everything that a caller may give is tried: names and labels of any text, cells of all kinds with any numbers, cells
that became another kind, readings that are broken, exemplars that are none, families that grow while a page is handed
out. A difference or an exception is printed with the seed of its round, which makes it again. It runs over a build with
sanitizers, which find what is only nearly right; `--plain` leaves them out.
"""

from __future__ import annotations

import argparse
import math
import random
import struct
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from otel_trading.hotpath import choose

FORMATS = ("text", "openmetrics", "protobuf")
KINDS = ("counter", "up_down", "gauge", "explicit", "exponential")
TYPES = {
    "counter": "counter",
    "up_down": "gauge",
    "gauge": "gauge",
    "explicit": "histogram",
    "exponential": "histogram",
}
LETTERS = 'abcXYZ019_:.-/ "\\\n{}=,#é\u2028\U0001f600\x00'


class Round:
    """One set of families, described once and built for each engine."""

    def __init__(self, seed: int) -> None:
        """Everything in it follows from the seed."""
        self._random = random.Random(seed)
        self.families = [self._family() for _ in range(self._random.randrange(4))]
        self.format = self._random.choice(FORMATS)
        self.grown = self._random.random() < 0.2

    def _text(self, most: int = 12) -> str:
        return "".join(self._random.choices(LETTERS, k=self._random.randrange(most)))

    def _amount(self) -> Any:
        pick = self._random.randrange(7)
        if pick == 0:
            return struct.unpack("<d", self._random.randbytes(8))[0]
        if pick == 1:
            return self._random.randrange(-(2**70), 2**70)
        if pick == 2:
            return self._random.choice([0, 0.0, -0.0, 5e-324, 1.7e308, math.inf, math.nan, 2**63 - 1, -(2**63)])
        return self._random.choice(
            [self._random.uniform(0, 10), self._random.randrange(1000), 10.0 ** self._random.uniform(-9, 9)]
        )

    def _bounds(self) -> tuple[float, ...]:
        return tuple(sorted({round(self._random.uniform(-5, 1000), 2) for _ in range(self._random.randrange(25))}))

    def _exemplars(self) -> Any:
        if self._random.random() < 0.1:
            return self._random.choice([None, [], 5, {0: object()}, {0: SimpleNamespace(value="x")}])
        return {
            number: SimpleNamespace(
                value=self._amount(),
                time_ns=self._random.randrange(2**62),
                trace_id=self._random.choice([0, self._random.getrandbits(128)]),
                span_id=self._random.getrandbits(64),
                filtered={self._text(): self._text(80)} if self._random.random() < 0.3 else {},
            )
            for number in range(self._random.randrange(4))
        }

    def _reading(self, kind: str, bounds: tuple[float, ...]) -> Any:
        detail: Any = None
        if kind == "explicit":
            size = len(bounds) + (self._random.random() < 0.9)
            detail = tuple(self._random.randrange(2**40) for _ in range(size))
        elif kind == "exponential":
            counts = tuple(
                self._random.choice([0, 0, 1, self._random.getrandbits(40)]) for _ in range(self._random.randrange(50))
            )
            detail = (
                self._random.randrange(-12, 22),
                self._random.randrange(9),
                self._random.randrange(-5000, 5000),
                counts,
                0.0,
            )
        reading = (self._random.randrange(2**62), self._random.randrange(5), self._amount(), detail)
        return reading[: self._random.randrange(5)] if self._random.random() < 0.05 else reading

    def _series(self, kind: str) -> dict[str, Any]:
        bounds = self._bounds()
        names = tuple({self._text() for _ in range(self._random.randrange(4))})
        return {
            "kind": kind,
            "bounds": bounds,
            "constants": tuple(self._text() for _ in range(2 * self._random.randrange(3))),
            "names": names,
            "values": tuple(self._text(30) for _ in names),
            "reading": self._reading(kind, bounds) if self._random.random() < 0.3 else None,
            "amounts": [self._amount() for _ in range(self._random.randrange(20))],
            "scale": self._random.randrange(-10, 21),
            "size": self._random.randrange(2, 200),
            "threshold": self._random.choice([0.0, 0.5]),
            "exemplars": self._exemplars(),
            "becomes": self._random.choice(KINDS) if self._random.random() < 0.05 else None,
        }

    def _family(self) -> dict[str, Any]:
        kind = self._random.choice(KINDS)
        name = self._text().encode() or b"x"
        heads = tuple(None if self._random.random() < 0.05 else b"# " + name + b"\n" for _ in FORMATS)
        quoted = b'{"' + name + b'"' if self._random.random() < 0.2 else name
        created = quoted if self._random.random() < 0.5 else b""
        series = [self._series(kind) for _ in range(self._random.randrange(6))]
        return {"type": TYPES[kind], "heads": heads, "names": (quoted,) * 4, "created": created, "series": series}


def built(engine: Any, described: dict[str, Any]) -> Any:
    """A family of an engine."""
    names = (*described["names"], b""), (*described["names"], described["created"])
    family = engine.Family(described["type"], described["heads"], *names)
    for one in described["series"]:
        add(engine, family, one)
    return family


def add(engine: Any, family: Any, one: dict[str, Any]) -> None:
    """A series."""
    cell = engine.Cell("fuzz")
    options = {"max_scale": one["scale"], "max_size": one["size"], "zero_threshold": one["threshold"]}
    cell.configure(one["kind"], bounds=engine.Bounds(one["bounds"]), negative=True, **options)
    for amount in one["amounts"]:
        cell.record(amount)
    shape = family.shape(one["kind"], one["constants"], one["names"], one["bounds"])
    holder = SimpleNamespace(exemplars=one["exemplars"])
    family.add(shape, one["values"], cell if one["reading"] is None else one["reading"], holder)
    if one["becomes"]:
        cell.configure(one["becomes"], bounds=engine.Bounds((1.0,)))


def labels(filtered: dict[str, str]) -> tuple[str, ...]:
    """Of exemplars; one of them is impossible."""
    if "\x00" in filtered:
        raise ValueError("no label")
    return tuple(text for pair in filtered.items() for text in pair)


def page(engine: Any, case: Round) -> bytes:
    """The whole page of a round."""
    engine.set_clock(None, lambda: 1_700_000_000_123_456_789)
    families = [built(engine, described) for described in case.families]
    parts = iter(engine.render([b"# begin\n", *families, b""], case.format, labels))
    found = next(parts, b"")
    if case.grown:
        for family, described in zip(families, case.families, strict=True):
            for one in described["series"]:
                add(engine, family, {**one, "values": tuple(f"{value}+" for value in one["values"])})
    return found + b"".join(parts)


def main() -> int:
    """Builds with sanitizers and runs itself over that, unless told not to, until the time is over or a round fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0, help="of the first round (default 0)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long (default 60)")
    parser.add_argument("--plain", action="store_true", help="the build that is installed, without sanitizers")
    arguments = parser.parse_args()
    if not arguments.plain:
        from sanitize import run_sanitized

        given = [f"--seed={arguments.seed}", f"--seconds={arguments.seconds}"]
        return run_sanitized([sys.executable, str(Path(__file__).resolve()), "--plain", *given])
    native, twin = choose("native"), choose("python")
    ends, seed = time.monotonic() + arguments.seconds, arguments.seed
    while time.monotonic() < ends or seed == arguments.seed:
        try:
            same = page(native, Round(seed)) == page(twin, Round(seed))
        except Exception as error:
            sys.stderr.write(f"seed {seed}: {error!r}\n")
            raise
        if not same:
            sys.stderr.write(f"seed {seed}: the page differs from the twin's\n")
            return 1
        seed += 1
    sys.stdout.write(f"{seed - arguments.seed} pages, seeds {arguments.seed} to {seed - 1}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
