"""Forks again and again while three threads record, read and look up; each child must do the same at once.

python tests/hotpath/hotpath_fork.py ENGINE TIMES
"""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from typing import Any

from otel_trading.hotpath import choose

HANGS_S = 20


class Load:
    """A cell and a table, and threads that use them without a pause."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.cell = self.make(None)
        self.table = engine.Table(self.make)
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(3)]

    def make(self, attributes: Any) -> Any:
        """A counter."""
        made = self.engine.Cell("c")
        made.configure("counter")
        return made

    def begin(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Ends them."""
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        while not self._done.is_set():
            self.cell.add(1)
            self.cell.snapshot()
            self.table.add(1, {"a": 1})
            self.engine.refusals()
            self.cell.add("x")


def in_child(load: Load) -> None:
    """What was recorded before is there; then the cell is the child's own."""
    before = load.cell.snapshot()[0]
    load.cell.add(1)
    assert load.cell.snapshot()[0] >= before + 1
    load.cell.configure("counter")
    for _ in range(100):
        load.cell.add(2)
        load.table.add(1, {"a": 1})
        load.table.add(1, {"b": 1})
    assert load.cell.take()[:2] == (100, 200)
    assert load.cell.snapshot()[:2] == (0, 0)
    load.engine.refusals()


def wait(child: int) -> None:
    """Until it has ended well."""
    deadline = time.monotonic() + HANGS_S
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            assert status == 0, status
            return
        if time.monotonic() > deadline:
            os.kill(child, 9)
            os.waitpid(child, 0)
            raise SystemExit("the child hangs")
        time.sleep(0.001)


def main() -> None:
    """Forks and says how often."""
    warnings.simplefilter("ignore")  # of forking with threads: that is the point
    load = Load(choose(sys.argv[1]))  # type: ignore[arg-type]  # choose looks at it
    load.begin()
    sys.setswitchinterval(1e-6)
    times = int(sys.argv[2])
    for _ in range(times):
        child = os.fork()
        if child == 0:
            try:
                in_child(load)
            except BaseException as error:
                os.write(2, f"{error!r}\n".encode())
                os._exit(1)
            os._exit(0)
        wait(child)
    load.end()
    print("forked", times)


if __name__ == "__main__":
    main()
