"""What rendering does to other threads and to memory."""

from __future__ import annotations

import gc
import sys
import threading
from types import SimpleNamespace
from typing import Any

from hotpath.hotpath_cells import cell
from hotpath.hotpath_pages import family, page


def test_other_threads_run_while_a_page_is_written(native: Any) -> None:
    """Although nobody takes the GIL from a thread here: the renderer gives it away."""
    made, one = family(native), cell(native, bounds=tuple(range(20)))
    shape = made.shape("explicit", (), ("n",), tuple(map(float, range(20))))
    for number in range(20_000):
        made.add(shape, (str(number),), one)
    begun, ran = threading.Event(), threading.Event()
    before = sys.getswitchinterval()

    def other() -> None:
        begun.wait()
        ran.set()

    thread = threading.Thread(target=other)
    thread.start()
    try:
        sys.setswitchinterval(1000)
        begun.set()
        for _ in range(100):
            page(native, [made])
            if ran.is_set():
                break
        assert ran.is_set()
    finally:
        sys.setswitchinterval(before)
        thread.join()


def test_two_threads_render_the_same_family(native: Any) -> None:
    """Each has its own page; one page is taken by one thread."""
    made, one = family(native, "counter", "c"), cell(native, "counter")
    shape = made.shape("counter", (), ("n",), ())
    for number in range(5000):
        made.add(shape, (str(number),), one)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(page(native, [made]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_pages_keep_nothing(engine: Any) -> None:
    """References to what they are made from are given back, finished or not."""
    made, one = family(engine, "counter", "c"), cell(engine, "counter")
    exemplar = SimpleNamespace(value=1.5, time_ns=10**18, trace_id=2**100, span_id=5, filtered={"a": "b"})
    holder = SimpleNamespace(exemplars={0: exemplar})
    made.add(made.shape("counter", ("x", "y"), ("n",), ()), ("1",), one, holder)

    def labels(_filtered: Any) -> tuple[str, ...]:
        return ("a", "b")

    watched = [made, one, exemplar, holder, labels, exemplar.filtered]

    def render() -> None:
        for format in ("text", "openmetrics", "protobuf"):
            page(engine, [made, b"# raw\n"], format, labels)
            next(iter(engine.render([made], format, labels)))
            engine.render([made], format, labels)

    render()
    gc.collect()
    before = [sys.getrefcount(each) for each in watched]
    for _ in range(500):
        render()
    gc.collect()
    assert before == [sys.getrefcount(each) for each in watched]
