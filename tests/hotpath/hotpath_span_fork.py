"""Forks again and again while three threads begin, end and take spans and a fourth waits for them; what each child does is its own.

python tests/hotpath/hotpath_span_fork.py ENGINE TIMES
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
from typing import Any

from hotpath_fork import wait

from otel_trading.hotpath import choose


class Load:
    """An arena and threads that use it without a pause."""

    def __init__(self, engine: Any) -> None:
        self.arena = engine.Arena(1000, 1 << 20)
        self.recorder = engine.Recorder(self.arena, b"", keep_errors=True)
        self.open = self.recorder.begin("open in the parent")
        self.recorder.begin("waits in the parent").end()
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(3)]
        self._threads.append(threading.Thread(target=self._wait, daemon=True))

    def begin(self) -> None:
        """Starts the threads."""
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Ends them."""
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _wait(self) -> None:
        while not self._done.is_set():
            self.arena.wait(5, 0.001)
            self.arena.wake()

    def _run(self) -> None:
        while not self._done.is_set():
            for _ in range(20):
                span = self.recorder.begin("n", attributes={"a": 1, 5: [1, "x"]}, start_time=-1)
                span.add_event("e", {"b": 2})
                span.end()
            self._hold()
            self.arena.take()
            self.arena.books()

    def _hold(self) -> None:
        """An unsampled trace that is let go, and one that is kept."""
        for status in (0, 2):
            root = self.recorder.begin("root", flags=0)
            self.recorder.begin("waits", root, attributes={"a": 1}).end()
            root.set_status(status)
            root.end()


def in_child(load: Load) -> int:
    """Begins with nothing, and has exactly what it does itself; a span of the parent only serves as a parent."""
    books = load.arena.books()
    assert (0, 0, 0) == (books["offered"], books["queued"], books["queued_bytes"]), books
    assert load.arena.take() is None
    assert not load.arena.wait(1, 0), "the parent's thread was woken here"
    assert not load.arena.wait(1, 0.001)
    assert not any(load.arena.troubles().values())
    assert load.arena.held() == {"bytes": 0, "forgotten": 0}
    assert not load.open.is_recording()
    load.open.set_attribute("a", 1)
    load.open.end()
    assert load.arena.books()["offered"] == 0
    child = load.recorder.begin("child", load.open)
    assert (child.trace_id, child.parent_id) == (load.open.trace_id, load.open.span_id)
    child.end()
    for _ in range(50):
        load.recorder.begin("n").end()
    assert load.arena.books()["offered"] == load.arena.books()["queued"] == 51
    assert load.arena.wait(51, 60)
    load.arena.wake()
    assert load.arena.wait(52, 60)
    assert load.arena.take()[1] == 51
    return int(child.span_id)


def fork(load: Load) -> int:
    """The id of the span that the child made."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, in_child(load).to_bytes(8, "big"))
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    os.close(writing)
    wait(child)
    made = int.from_bytes(os.read(reading, 8), "big")
    os.close(reading)
    return made


def main() -> None:
    """Forks and says how often."""
    warnings.simplefilter("ignore")  # of forking with threads: that is the point
    load = Load(choose(sys.argv[1]))  # type: ignore[arg-type]  # choose looks at it
    load.begin()
    sys.setswitchinterval(1e-6)
    times = int(sys.argv[2])
    ids = {fork(load) for _ in range(times)}
    load.end()
    assert len(ids) == times, "two children made the same ids"
    assert load.open.is_recording()
    books = load.arena.books()
    assert books["offered"] == books["taken"] + books["queued"] + sum(books["dropped"].values())
    print("forked", times)


if __name__ == "__main__":
    main()
