"""How far quantiles read off a cell lie from the exact ones, for log-linear and exponential cells.

python benchmarks/accuracy.py [--values N] [--seed S] [--json]

Values of three distributions are recorded into every cell and kept beside it, and then sorted. A quantile is read off a
cell as the harmonic mean of the bounds of its bucket, whose distance from any value of the bucket is at most
(upper - lower) / (upper + lower) of that value. That is the promise: 1 / (2 * parts + 1) of a log-linear cell with so
many parts an octave, and (base - 1) / (base + 1) of an exponential cell, base = 2 ** 2 ** -scale, at the scale that it
came down to. The exit code is 1 if a quantile lies further off than promised.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from otel_trading.hotpath import choose

Values = NDArray[np.float64]
QUANTILES = (0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999)
PARTS = 32
OCTAVES = 44
LOW = 1e-3
STEP = 1_000_000
ROUNDING = 1e-12
"""Of the float64 that bounds and means are calculated in."""


def lognormal(random: np.random.Generator, size: int) -> Values:
    """Latencies of a network, in microseconds."""
    return random.lognormal(6.0, 1.5, size)


def pareto(random: np.random.Generator, size: int) -> Values:
    """A heavy tail: most are small, and there is no largest."""
    return 50.0 * (1.0 + random.pareto(1.2, size))


def bimodal(random: np.random.Generator, size: int) -> Values:
    """A fast path, and one in twenty that waits."""
    fast, slow = random.normal(80.0, 6.0, size), random.normal(25_000.0, 1500.0, size)
    return np.abs(np.where(random.random(size) < 0.05, slow, fast)) + 0.01


DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, int], Values]] = {
    "lognormal": lognormal,
    "Pareto": pareto,
    "bimodal": bimodal,
}


@dataclass(frozen=True)
class Found:
    """What came of one cell and distribution: relative errors, the promised one and the worst that was found."""

    distribution: str
    cell: str
    values: int
    promised: float
    worst: float
    at_quantile: float

    @property
    def kept(self) -> bool:
        """Whether the promise holds."""
        return self.worst <= self.promised + ROUNDING


def log_linear_bounds() -> tuple[float, ...]:
    """float[n_bounds]: PARTS a factor of two, from LOW."""
    return tuple(LOW * 2.0**octave * (1 + part / PARTS) for octave in range(OCTAVES) for part in range(PARTS))


def cells(engine: Any) -> dict[str, Any]:
    """The cells to be measured, by name."""
    linear = engine.Cell("log-linear")
    linear.configure("explicit", bounds=engine.Bounds(log_linear_bounds()))
    made = {f"log-linear, {PARTS} parts": linear}
    for size in (160, 640):
        name = f"exponential, {size} buckets"
        made[name] = engine.Cell(name)
        made[name].configure("exponential", max_size=size)
    return made


def edges_and_counts(snapshot: tuple[Any, ...]) -> tuple[Values, NDArray[np.int64], float]:
    """float64[n + 1] and int64[n] of the buckets in a row, and the promised relative error."""
    detail = snapshot[4]
    if isinstance(detail[-1], tuple):
        scale, zeros, offset, counts = detail
        assert zeros == 0
        edges = np.exp2((offset + np.arange(len(counts) + 1)) * 2.0**-scale)
        base = 2.0**2.0**-scale
        return edges, np.array(counts), (base - 1) / (base + 1)
    bounds = log_linear_bounds()
    assert detail[0] == detail[-1] == 0, "a value lies below or above all bounds"
    return np.array(bounds), np.array(detail[1:-1]), 1 / (2 * PARTS + 1)


def worst_error(snapshot: tuple[Any, ...], ordered: Values) -> tuple[float, float, float]:
    """The promised relative error, the worst that was found, and the quantile it was found at."""
    edges, counts, promised = edges_and_counts(snapshot)
    assert int(counts.sum()) == len(ordered) == snapshot[0]
    upto = np.cumsum(counts)
    worst, where = 0.0, 0.0
    for quantile in QUANTILES:
        rank = min(len(ordered) - 1, int(quantile * len(ordered)))
        bucket = int(np.searchsorted(upto, rank, side="right"))
        lower, upper, exact = float(edges[bucket]), float(edges[bucket + 1]), float(ordered[rank])
        error = abs(exact - 2 * lower * upper / (lower + upper)) / exact
        if error > worst:
            worst, where = error, quantile
    return promised, worst, where


def parts_of(total: int) -> Iterator[int]:
    """Sizes of at most STEP that add up."""
    for begin in range(0, total, STEP):
        yield min(STEP, total - begin)


def measure(values: int, seed: int, recorded: Callable[[int], None] = lambda size: None) -> Iterator[Found]:
    """Each distribution in turn: recorded, sorted, and compared; `recorded` hears of each part that was."""
    engine = choose("native")
    for number, (name, draw) in enumerate(DISTRIBUTIONS.items()):
        random = np.random.default_rng([seed, number])
        made = cells(engine)
        kept = np.empty(values)
        begin = 0
        for size in parts_of(values):
            drawn = draw(random, size)
            kept[begin : begin + size] = drawn
            listed = drawn.tolist()
            for cell in made.values():
                record = cell.record
                for value in listed:
                    record(value)
            begin += size
            recorded(size)
        kept.sort()
        for cell_name, cell in made.items():
            yield Found(name, cell_name, values, *worst_error(cell.snapshot(), kept))


def show(found: Found) -> None:
    """One row."""
    print(
        f"{found.distribution:12} {found.cell:26} {found.promised:12.4%} {found.worst:12.4%} {found.at_quantile:10g}"
        f"  {'kept' if found.kept else 'BROKEN'}"
    )


def main() -> int:
    """Runs and prints; 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--values", type=int, default=10**8, help="of each distribution (default 100,000,000)")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()
    bar = Progress(
        TextColumn("recorded"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    with bar:
        task = bar.add_task("", total=arguments.values * len(DISTRIBUTIONS))
        found = list(measure(arguments.values, arguments.seed, lambda size: bar.update(task, advance=size)))
    if arguments.json:
        print(json.dumps([one.__dict__ | {"kept": one.kept} for one in found]))
    else:
        print(f"{'distribution':12} {'cell':26} {'promised':>12} {'found':>12} {'at':>10}")
        for one in found:
            show(one)
    return 0 if all(one.kept for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
