"""Unsampled spans that end in error, or too slow, are kept with what is still there of their trace."""

from __future__ import annotations

import gc
import os
import threading
from typing import Any

import pytest
from hotpath.hotpath_fork import wait
from hotpath.hotpath_spans import attributes, recorder, taken
from hotpath.test_hotpath_memory import LITTLE, growth

TIMES = {"native": 200_000, "python": 5000}
UNSAMPLED = 2
ERROR, INTERNAL, CLIENT = 2, 1, 3
SLOW_NS = 1_000_000_000
TOLD = ("otel_trading.kept", "otel_trading.incomplete")


def keeping(engine: Any, arena: Any = None, **settings: Any) -> Any:
    """A recorder that keeps errors and what takes a second."""
    return recorder(engine, arena, **{"keep_errors": True, "slow_ns": SLOW_NS, **settings})


def root_of(recorder: Any, name: str = "root", **given: Any) -> Any:
    """An unsampled span that begins a trace."""
    return recorder.begin(name, flags=UNSAMPLED, **given)


def fail(span: Any) -> None:
    """Ends it in error."""
    span.set_status(ERROR, "refused")
    span.end()


def names(arena: Any) -> list[str]:
    """Of what waits in the arena, in its order."""
    return [message.name for message in taken(arena)]


def told(message: Any) -> tuple[Any, Any]:
    """What a span says of its being kept."""
    found = attributes(message)
    return found.get(TOLD[0]), found.get(TOLD[1])


def test_error_keeps_what_ended_before_and_the_ancestors(engine: Any) -> None:
    """In the order of the ends; a brother that is open arrives too, since it was there when it went wrong."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    middle = made.begin("middle", root)
    made.begin("before", middle, attributes={"venue": "binance"}).end()
    brother = made.begin("brother", root)
    assert [] == names(arena)
    fail(made.begin("bad", middle))
    assert ["before", "bad"] == names(arena)
    for span in (middle, brother, root):
        span.end()
    assert ["middle", "brother", "root"] == names(arena)
    assert {"bytes": 0, "forgotten": 0} == arena.held()


def test_what_begins_after_the_error_arrives_with_its_ancestors(engine: Any) -> None:
    """It waits as any other; an ancestor that saw the error takes it along."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    fail(made.begin("bad", root))
    made.begin("after", root).end()
    assert ["bad"] == names(arena)
    root.end()
    assert ["after", "root"] == names(arena)


def test_a_root_that_lives_on_is_not_sampled_by_one_error(engine: Any) -> None:
    """A thousand ticks after the error wait and are forgotten, as before it."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    fail(made.begin("bad", root))
    assert ["bad"] == names(arena)
    for _ in range(1000):
        made.begin("tick", root, attributes={"text": "x" * 100}).end()
    assert [] == names(arena)
    assert arena.held()["bytes"] <= 65_536
    assert arena.held()["forgotten"] > 0
    root.end()
    *ticks, last = taken(arena)
    assert 0 < len(ticks) < 1000
    assert ("root", (None, True)) == (last.name, told(last))


def test_slow_span_is_kept(engine: Any) -> None:
    """From the limit on, and not below."""
    arena = engine.Arena()
    made = keeping(engine, arena, keep_errors=False)
    root_of(made, start_time=1).end(SLOW_NS)
    assert [] == taken(arena)
    root_of(made, start_time=1).end(SLOW_NS + 1)
    (message,) = taken(arena)
    assert ("slow", None) == told(message)
    fail(root_of(made))
    assert [] == taken(arena)


def test_kept_span_says_why_and_remains_unsampled(engine: Any) -> None:
    """Only the one that went wrong; its attributes, events and status are there, the trace claims no share."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made, trace_state="vendor=1")
    bad = made.begin("bad", root, attributes={"venue": "binance", TOLD[0]: "mine"})
    bad.add_event("refused")
    fail(bad)
    root.end()
    kept, parent = taken(arena)
    assert {"venue": "binance", TOLD[0]: "error"} == attributes(kept)
    assert (["refused"], ERROR) == ([event.name for event in kept.events], kept.status.code)
    assert (None, None) == told(parent)
    assert [UNSAMPLED] * 2 == [message.flags & 0xFF for message in (kept, parent)]
    assert ["vendor=1"] * 2 == [message.trace_state for message in (kept, parent)]
    assert b"otel_trading.kept" in bad.encoded()


def test_error_below_an_error_is_kept_once(engine: Any) -> None:
    """An exception that passes through a trace marks each of its spans."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    bad = made.begin("bad", root)
    fail(bad)
    fail(bad)
    fail(root)
    assert [("bad", "error"), ("root", "error")] == [(message.name, told(message)[0]) for message in taken(arena)]


def test_nothing_is_kept_of_what_goes_well(engine: Any) -> None:
    """No byte leaves, and the memory is given back with the end of the last."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    for _ in range(10):
        made.begin("child", root).end()
    assert arena.held()["bytes"] > 0
    root.end()
    assert {"bytes": 0, "forgotten": 0} == arena.held()
    root_of(made).end()
    assert 0 == arena.books()["offered"]


def test_span_that_never_ends_gives_the_memory_back_with_its_death(engine: Any) -> None:
    """Its finished children cannot be kept any more."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    made.begin("child", root).end()
    assert arena.held()["bytes"] > 0
    del root
    gc.collect()
    assert (0, 0) == (arena.held()["bytes"], arena.books()["offered"])


def test_without_the_wish_nothing_is_held(engine: Any) -> None:
    """As before: an unsampled span does not record."""
    arena = engine.Arena()
    span = root_of(recorder(engine, arena))
    assert not span.is_recording()
    fail(span)
    assert 0 == arena.books()["offered"]
    assert root_of(keeping(engine)).is_recording()


def test_sampled_spans_are_as_ever(engine: Any) -> None:
    """They carry nothing of this, and an error of theirs does not keep an unsampled parent."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    fail(made.begin("order", root, flags=3))
    (order,) = taken(arena)
    assert (None, None) == told(order)
    root.end()
    assert [] == taken(arena)


def test_ticks_are_left_out_unless_they_are_wanted(engine: Any) -> None:
    """And what is below them; a tick below something that is held is held."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    tick = root_of(made, urgency=0)
    child = made.begin("child", tick)
    assert not tick.is_recording()
    assert not child.is_recording()
    assert made.begin("tick", root_of(made), urgency=0).is_recording()
    fail(root_of(keeping(engine, arena, keep_ticks=True), "wanted", urgency=0))
    assert ["wanted"] == names(arena)


def test_kept_spans_leave_room_for_orders(engine: Any) -> None:
    """They are of normal urgency, though an error that was sampled is of high."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    made.begin("child", root, urgency=0).end()
    fail(root)
    assert (2, 1) == (arena.take()[1::2])


def test_parent_elsewhere_makes_it_incomplete(engine: Any) -> None:
    """What is above is in another process, or was not held; below one that is complete it is."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    fail(made.begin("remote", flags=0, trace_id=1, parent_id=2, remote=True))
    child = made.begin("server", flags=0, trace_id=1, parent_id=2, remote=True)
    fail(made.begin("below", child))
    fail(made.begin("order's", recorder(engine).begin("sampled"), flags=UNSAMPLED))
    child.end()
    expected = [("remote", "error", True), ("below", "error", True), ("order's", "error", None), ("server", None, True)]
    assert expected == [(message.name, *told(message)) for message in taken(arena)]


def test_child_after_the_end_of_all_says_that_they_are_gone(engine: Any) -> None:
    """They were let go; those that were kept are there."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    alone, together = root_of(made), root_of(made)
    alone.end()
    made.begin("child", together).end()
    together.end()
    fail(made.begin("late 1", alone))
    fail(made.begin("late 2", together))
    kept = root_of(made, "kept")
    fail(kept)
    fail(made.begin("late 3", kept))
    found = [(message.name, told(message)[1]) for message in taken(arena)]
    assert [("late 1", True), ("late 2", True), ("kept", None), ("late 3", None)] == found


def test_parent_that_is_given_by_its_ids_is_found(engine: Any) -> None:
    """As the slow way begins spans."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    ids = {"trace_id": root.trace_id, "parent_id": root.span_id, "flags": UNSAMPLED}
    made.begin("child", **ids, held_with=root).end()
    fail(made.begin("bad", **ids, held_with=root))
    made.begin("stranger", **ids, held_with="none").end()
    root.end()
    found = taken(arena)
    assert ["child", "bad", "root"] == [message.name for message in found]
    assert ("error", None) == told(found[1])


def test_several_scopes_come_each_as_their_own(engine: Any) -> None:
    """A trace is of many tracers; also one that is gone."""
    arena = engine.Arena()
    first, second = keeping(engine, arena), engine.Recorder(arena, b"other", keep_errors=True)
    root = root_of(first)
    second.begin("child", root).end()
    del second
    fail(root)
    assert [(b"other", 1), (b"\x0a\x06\x0a\x04test", 1)] == [arena.take()[:2] for _ in range(2)]


def test_one_trace_has_its_bound(engine: Any) -> None:
    """What waited is forgotten for the newest, and the kept ones say so."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    for number in range(40):
        made.begin(str(number), root, attributes={"text": "x" * 4000}).end()
        assert arena.held()["bytes"] <= 65_536
    fail(made.begin("bad", root))
    *rest, bad = taken(arena)
    assert "39" == rest[-1].name
    assert 40 == len(rest) + arena.held()["forgotten"]
    assert ("error", True) == told(bad)
    made.begin("too large", root, attributes={"text": "x" * 70_000}).end()
    assert [] == taken(arena)
    root.end()
    assert [("root", True)] == [(message.name, told(message)[1]) for message in taken(arena)]


def test_all_traces_together_have_their_bound(engine: Any) -> None:
    """The one that finds no room loses its own, and no other's."""
    arena = engine.Arena(held_bytes=4096)
    made = keeping(engine, arena)
    first, second = root_of(made, "first"), root_of(made, "second")
    made.begin("child", first, attributes={"text": "x" * 3000}).end()
    made.begin("child", second, attributes={"text": "x" * 3000}).end()
    assert 1 == arena.held()["forgotten"]
    assert arena.held()["bytes"] <= 4096
    fail(second)
    fail(first)
    found = [(message.name, told(message)[1]) for message in taken(arena)]
    assert [("second", True), ("child", None), ("first", None)] == found
    assert 0 == arena.held()["bytes"]


def test_no_memory_at_all_keeps_what_is_open(engine: Any) -> None:
    """A bound of 0 is allowed."""
    arena = engine.Arena(held_bytes=0)
    made = keeping(engine, arena)
    root = root_of(made)
    made.begin("child", root).end()
    fail(root)
    assert ["root"] == names(arena)
    with pytest.raises(ValueError, match="held_bytes must be at least 0; was -1"):
        engine.Arena(held_bytes=-1)
    with pytest.raises(ValueError, match="slow_ns must be 0 to 9223372036854775807; was -1"):
        keeping(engine, slow_ns=-1)


def test_threads_share_a_trace(engine: Any) -> None:
    """Each child is offered or forgotten, none twice; the memory is back at the end."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    ready = threading.Barrier(4)

    def work(which: int) -> None:
        ready.wait()
        for number in range(200):
            span = made.begin(f"{which} {number}", root)
            fail(span) if number % 50 == 49 else span.end()

    threads = [threading.Thread(target=work, args=(which,)) for which in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    root.end()
    found = names(arena)
    assert 801 == len(found) == len(set(found))
    assert {"bytes": 0, "forgotten": 0} == arena.held()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_child_process_has_nothing_of_its_parent(engine: Any) -> None:
    """Neither what waits nor what is open; its own spans under an open one of the parent are incomplete."""
    arena = engine.Arena()
    made = keeping(engine, arena)
    root = root_of(made)
    made.begin("child", root).end()
    process = os.fork()
    if process == 0:
        try:
            assert {"bytes": 0, "forgotten": 0} == arena.held()
            fail(root)
            assert [] == taken(arena)
            mine = made.begin("mine", root)
            made.begin("waits", mine).end()
            fail(mine)
            del root
            gc.collect()
            assert [("waits", None), ("mine", True)] == [(each.name, told(each)[1]) for each in taken(arena)]
            assert {"bytes": 0, "forgotten": 0} == arena.held()
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    wait(process)
    fail(root)
    assert ["child", "root"] == names(arena)


def test_held_spans_are_unknown_to_the_collector(native: Any) -> None:
    """Open and finished."""
    made = keeping(native)
    root = root_of(made)
    child = made.begin("child", root)
    gc.collect()
    gc.disable()
    try:
        before = gc.get_count()[0]
        for _ in range(1000):
            made.begin("child", root).end()
        assert gc.get_count()[0] - before < 10
    finally:
        gc.enable()
    assert [False] * 2 == [gc.is_tracked(each) for each in (root, child)]


def test_held_spans_take_no_memory_for_good(engine: Any) -> None:
    """Kept, let go, forgotten, never ended."""
    arena = engine.Arena(held_bytes=1 << 17)
    made = keeping(engine, arena)
    times = TIMES[engine.NAME] // 20

    def work() -> None:
        open_roots = []
        for number in range(times):
            root = root_of(made)
            for _ in range(3):
                made.begin("child", root, attributes={"venue": "binance", "number": number}).end()
            if number % 3 == 0:
                fail(root)
            elif number % 3 == 1:
                root.end()
            elif number % 50 == 2:
                open_roots.append(root)
            if number % 100 == 0:
                open_roots.clear()
                while arena.take() is not None:
                    pass
        open_roots.clear()
        while arena.take() is not None:
            pass

    assert growth(work) < LITTLE
    assert 0 == arena.held()["bytes"]
