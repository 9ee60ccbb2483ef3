"""A fuzz target for the attribute table: random operations against a model, over the sanitized native build.

python tools/fuzz_table.py [--seconds 60 | --rounds N] [--seed S] [--engine native|python] [--plain]

A round is a table of its own with some hundred operations: records and look-ups with attributes of every kind, dicts
that change while their values are hashed, compared, converted or freed, factories that record, forget, refuse and
raise, cells that are closed, and every fourth round four threads. The model knows which cell a record belongs to, how
often the factory is asked, what is refused and what the table remembers. A round is drawn from its seed alone, which a
failure prints: `--seed S --rounds 1` plays it again (threads aside). `--plain` leaves out the sanitizers.

The collector runs inside calls of the table only, often, and where a hostile object asks for it: elsewhere it would
change the attributes between the model's look at them and the table's.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Hashable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz_attributes import any_attributes, any_value, meaning, stir

OPERATIONS = 150
THREADS = 4


class Mismatch(AssertionError):
    """Table and model disagree."""


class World:
    """A table, the cells that its factory gives, and what both must come to.

    `upset`: the table was changed in the middle of an operation, and what it remembers is not known before the next
    `forget`.
    """

    def __init__(self, engine: Any, draw: random.Random, threads: bool) -> None:
        self.engine, self.draw, self.threads = engine, draw, threads
        self.limit = draw.choice((0, 1, 5, 40, 2000))
        self.table = engine.Table(self.factory, self.limit, "fuzzed")
        self.lock = threading.RLock()
        self.cells: dict[Hashable, Any] = {}
        self.expected: Counter[Hashable] = Counter()
        self.remembered: set[Hashable] = set()
        self.asked = 0
        self.depth = 0
        self.upset = False
        self.pool: list[Any] = []

    def cell(self, known_by: Hashable | None) -> Any:
        """The same one for the same attributes."""
        with self.lock:
            if known_by not in self.cells:
                self.cells[known_by] = self.engine.Cell(f"cell {len(self.cells)}")
                self.cells[known_by].configure("counter")
            return self.cells[known_by]

    def factory(self, attributes: Any) -> Any:
        """Harms the dict that it was given, which is its own."""
        self.asked += 1
        known_by = meaning(attributes)
        if refused(known_by):
            if known_by and len(repr(known_by)) % 2:
                raise RuntimeError(known_by)
            return "no cell"
        self.act()
        if type(attributes) is dict:
            attributes["harmed"] = attributes.pop("a", None)
        return self.cell(known_by)

    def act(self) -> None:
        """What a hostile object does: anything, but not without end."""
        if self.depth > 2 or self.draw.random() < 0.5:
            return
        self.depth += 1
        try:
            kind = self.draw.randrange(6)
            if kind == 0:
                self.upset = True
                self.table.forget()
            elif kind == 1 and not self.threads:
                self.upset = True
                self.add(self.plain_attributes())
            elif kind == 2 and self.pool:
                self.mutate()
            elif kind == 3:
                self.table.find({"a": self.draw.randrange(5)})
                self.upset = True
            else:
                stir(self.draw)
        finally:
            self.depth -= 1

    def plain_attributes(self) -> dict[str, Any]:
        """Few sets, so that they meet again."""
        return {name: self.draw.randrange(4) for name in self.draw.sample("abcd", self.draw.randrange(4))}

    def mutate(self) -> None:
        """Changes a dict that others may be using."""
        one = self.draw.choice(self.pool)
        if type(one) is dict:
            if one and self.draw.random() < 0.5:
                one.pop(next(iter(one)), None)
            else:
                one[self.draw.choice("abcdefgh")] = self.draw.choice(("a", 1, True, 2.5))

    def add(self, attributes: Any) -> None:
        """One record, and what the model says of it."""
        known_by = meaning(attributes)
        with Collecting(self):
            self.table.add(1, attributes)
        with self.lock:
            self.expected[None if refused(known_by) else (known_by,)] += 1


class Collecting:
    """Lets the collector run; in threads it always does."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __enter__(self) -> None:
        gc.enable()

    def __exit__(self, *what: object) -> None:
        if not self._world.threads:
            gc.disable()


def refused(known_by: Hashable | None) -> bool:
    """Whether the factory wants no series: decided by what the attributes mean, as everything it does."""
    return known_by is not None and known_by != () and ("b", ("str", "a")) in known_by  # type: ignore[operator]


def check_totals(world: World) -> None:
    """Every record is in the cell it belongs to."""
    for known_by, cell in world.cells.items():
        total, wanted = cell.snapshot()[1], world.expected[(known_by,)]
        if total != wanted:
            raise Mismatch(f"{known_by!r} has {total} records instead of {wanted}")
    found = world.engine.refusals()["no_series"]
    if not world.upset and found != world.expected[None]:
        raise Mismatch(f"{found} records were refused instead of {world.expected[None]}")


def step(world: World) -> None:
    """One operation, and what it must have done to table and factory."""
    draw, table = world.draw, world.table
    if draw.random() < 0.3 or not world.pool:
        world.pool.append(any_attributes(draw, world.act))
        world.pool[:-20] = []
    attributes = draw.choice(world.pool)
    if type(attributes) is dict and draw.random() < 0.3:
        pairs = list(attributes.items())
        draw.shuffle(pairs)
        attributes = dict(pairs)
    known_by, before, upset = meaning(attributes), world.asked, world.upset
    world.upset = False
    if draw.random() < 0.8:
        world.add(attributes)
    else:
        with Collecting(world):
            found = table.find(attributes)
        world.expected[None] += refused(known_by)
        if found is not (None if refused(known_by) else world.cell(known_by)):
            raise Mismatch(f"{attributes!r} led to {found!r}")
    if world.upset or upset:
        table.forget()
        world.remembered.clear()
        world.upset = False
        return
    settle(world, known_by, world.asked - before)


def settle(world: World, known_by: Hashable | None, asked: int) -> None:
    """What nobody interfered with: the factory is asked for what is not remembered, and for nothing else."""
    known = known_by in world.remembered
    if asked != (0 if known else 1):
        raise Mismatch(
            f"the factory was asked {asked} times for what is{'' if known else ' not'} remembered: {known_by!r}"
        )
    room = known_by == () or len(world.remembered - {()}) < world.limit
    if known_by is not None and not refused(known_by) and room:
        world.remembered.add(known_by)
    if len(world.table) != len(world.remembered - {()}):
        raise Mismatch(f"{len(world.table)} sets are remembered instead of {len(world.remembered - {()})}")


def other(world: World) -> None:
    """Everything else that one can do to it: nothing of it may raise, or count."""
    draw, table = world.draw, world.table
    kind = draw.randrange(6)
    if kind == 0:
        table.forget()
        world.remembered.clear()
    elif kind == 1:
        world.pool.clear()
        stir(draw)
    elif kind == 2:
        world.mutate() if world.pool else None
    elif kind == 3:
        table.record("x" if draw.random() < 0.5 else float("nan"), world.plain_attributes(), None)
        table.forget()
        world.remembered.clear()
        world.expected[None] = world.engine.refusals()["no_series"]
    elif kind == 4:
        table.record(1, {}, None, 4)
        table.add(amount=1, unknown=any_value(draw, world.act))
        table.record()
    elif world.cells:
        known_by, cell = draw.choice(list(world.cells.items()))
        cell.close()
        cell.record(1)
        cell.configure("counter")
        world.expected[(known_by,)] = 0


def play_alone(world: World) -> None:
    """One thread, everything checked."""
    for _ in range(OPERATIONS):
        step(world) if world.draw.random() < 0.9 else other(world)
        world.depth = 0
    check_totals(world)


def play_in_threads(world: World, seed: str) -> None:
    """Totals only: dicts of one's own, a table, hostile objects and forgetting that are everybody's."""
    failed: list[BaseException] = []

    def run(number: int) -> None:
        draw = random.Random(f"{seed}:{number}")
        try:
            for _ in range(OPERATIONS):
                world.add(world.plain_attributes() | {"c": draw.randrange(4)})
                world.table.record("x", any_attributes(draw, world.act))
                if draw.random() < 0.05:
                    world.table.forget()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    world.upset = True
    check_totals(world)


def play(engine: Any, seed: str) -> None:
    """One round; raises Mismatch."""
    draw = random.Random(seed)
    threads = draw.random() < 0.25
    engine.forget_refusals()
    thresholds = gc.get_threshold()
    gc.set_threshold(draw.choice((20, 50) if threads else (1, 3, 50)))
    gc.freeze()  # what was there before makes collections slow and is none of ours
    try:
        gc.disable()
        world = World(engine, draw, threads)
        if threads:
            play_in_threads(world, seed)
        else:
            play_alone(world)
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        gc.enable()


def fuzz(engine: Any, seed: str, seconds: float, rounds: int) -> int:
    """Rounds until the time is over, or their number; the exit code."""
    until, number = time.monotonic() + seconds, 0
    while (number < rounds) if rounds else (time.monotonic() < until):
        own = seed if number == 0 else f"{seed}-{number}"
        try:
            play(engine, own)
        except BaseException:
            traceback.print_exc()
            sys.stderr.write(f"again: python tools/fuzz_table.py --rounds 1 --seed {own} --engine {engine.NAME}\n")
            return 1
        number += 1
    sys.stdout.write(f"{number} rounds of the attribute table, {engine.NAME}, seed {seed}: as the model says\n")
    return 0


def main() -> int:
    """Builds with sanitizers and runs itself over that, unless told not to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=0, help="so many rounds, whatever time they take")
    parser.add_argument("--seed", default=str(time.time_ns()), help="any text (default: the time)")
    parser.add_argument("--engine", choices=("native", "python"), default="native")
    parser.add_argument("--plain", action="store_true", help="the build that is installed, without sanitizers")
    arguments = parser.parse_args()
    if not arguments.plain and arguments.engine == "native":
        from sanitize import run_sanitized

        given = [f"--seed={arguments.seed}", f"--seconds={arguments.seconds}", f"--rounds={arguments.rounds}"]
        return run_sanitized([sys.executable, str(Path(__file__).resolve()), "--plain", *given])
    from otel_trading.hotpath import choose

    return fuzz(choose(arguments.engine), arguments.seed, arguments.seconds, arguments.rounds)


if __name__ == "__main__":
    raise SystemExit(main())
