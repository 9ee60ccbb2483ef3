"""How many spans began, by what became of them and where their parents are, and how many that record have not ended."""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from typing import Any

import pytest
from hotpath.hotpath_fork import wait
from hotpath.hotpath_spans import recorder, taken
from hotpath.test_hotpath_threads import in_threads
from support.alarms import alarms

from otel_trading.hotpath.sampler_engine import NEVER, Rule

UNSAMPLED, SAMPLED = 2, 3
CLIENT, ERROR = 3, 2
NOTHING = (0,) * 9
LEFT_OUT, RECORDS, SAMPLES = range(3)
ROOT, LOCAL, REMOTE = range(3)


def started(arena: Any) -> dict[tuple[int, int], int]:
    """By result and origin, those that occurred."""
    numbers = arena.counts()["started"]
    assert len(numbers) == 9
    return {divmod(place, 3): number for place, number in enumerate(numbers) if number}


def live(arena: Any) -> tuple[int, ...]:
    """Records only, sampled."""
    return tuple(arena.counts()["live"])


def test_fresh_arena_has_counted_nothing(engine: Any) -> None:
    """All numbers are there from the beginning, as plain ints."""
    counts = engine.Arena().counts()
    assert {"started": NOTHING, "live": (0, 0)} == counts
    assert {int} == {type(number) for numbers in counts.values() for number in numbers}


def test_origin_is_where_the_parent_is(engine: Any) -> None:
    """None, this process, another; a remote one without an id is none."""
    arena = engine.Arena()
    begin = recorder(engine, arena).begin
    root = begin("root")
    begin("child", root)
    begin("child by ids", trace_id=root.trace_id, parent_id=root.span_id)
    begin("server", trace_id=1, parent_id=2, remote=True)
    begin("no parent", trace_id=1, remote=True)
    assert {(SAMPLES, ROOT): 2, (SAMPLES, LOCAL): 2, (SAMPLES, REMOTE): 1} == started(arena)


def test_result_is_what_becomes_of_it(engine: Any) -> None:
    """Unsampled spans are left out unless they are requests, are told of, or are held."""
    arena = engine.Arena()
    begin = recorder(engine, arena).begin
    begin("left out", flags=UNSAMPLED)
    begin("request", kind=CLIENT, flags=UNSAMPLED)
    begin("told of", flags=UNSAMPLED, record=True)
    recorder(engine, arena, keep_errors=True).begin("held", flags=UNSAMPLED, trace_id=1, parent_id=2, remote=True)
    begin("sampled", flags=SAMPLED)
    found = {(LEFT_OUT, ROOT): 1, (RECORDS, ROOT): 2, (RECORDS, REMOTE): 1, (SAMPLES, ROOT): 1}
    assert found == started(arena)


def test_live_until_the_end(engine: Any) -> None:
    """What does not record never is; an end counts once; it need not be taken, and may be dropped."""
    arena = engine.Arena(max_items=1)
    begin = recorder(engine, arena, keep_errors=True).begin
    left_out = recorder(engine, arena).begin("left out", flags=UNSAMPLED)
    spans = [begin(str(number), flags=SAMPLED) for number in range(3)]
    held = begin("held", flags=UNSAMPLED)
    request = recorder(engine, arena).begin("request", kind=CLIENT, flags=UNSAMPLED)
    assert (2, 3) == live(arena)
    for span in (left_out, held, spans[0], spans[0], request):
        span.end()
    assert (0, 2) == live(arena)
    for span in spans:
        span.end()
    assert (0, 0) == live(arena)
    assert 2 == arena.books()["dropped"]["queue_full"]
    assert 6 == sum(arena.counts()["started"])


def test_kept_spans_were_live_as_records_only(engine: Any) -> None:
    """Also those that are offered when another goes wrong."""
    arena = engine.Arena()
    begin = recorder(engine, arena, keep_errors=True).begin
    root = begin("root", flags=UNSAMPLED)
    begin("before", root).end()
    bad = begin("bad", root)
    assert (2, 0) == live(arena)
    bad.set_status(ERROR)
    bad.end()
    assert (1, 0) == live(arena)
    root.end()
    assert (0, 0) == live(arena)
    assert {(RECORDS, ROOT): 1, (RECORDS, LOCAL): 2} == started(arena)
    assert 3 == len(taken(arena))


def test_span_that_is_let_go_stays_live(engine: Any) -> None:
    """Nobody ended it: that is what one looks for."""
    arena = engine.Arena()
    begin = recorder(engine, arena).begin
    for _ in range(5):
        begin("lost")
    assert (0, 5) == live(arena)
    assert 0 == arena.books()["offered"]


def test_recorders_of_one_arena_are_counted_together(engine: Any) -> None:
    """And each arena for itself."""
    arena, other = engine.Arena(), engine.Arena()
    for where in (arena, arena, other):
        recorder(engine, where).begin("n").end()
    assert [2, 1] == [sum(each.counts()["started"]) for each in (arena, other)]


def test_closed_arena_counts_on(engine: Any) -> None:
    """Spans begin and end; they are dropped."""
    arena = engine.Arena()
    begin = recorder(engine, arena).begin
    open_span = begin("a")
    arena.close()
    begin("b").end()
    assert (0, 1) == live(arena)
    open_span.end()
    assert ({(SAMPLES, ROOT): 2}, (0, 0)) == (started(arena), live(arena))


@pytest.fixture
def current(engine: Any) -> Any:
    """A context of the test's own."""
    from opentelemetry.context import _RUNTIME_CONTEXT, Context
    from opentelemetry.trace.propagation import _SPAN_KEY

    variable: ContextVar[Any] = ContextVar("counted", default=Context())  # noqa: B039  # nobody can change it
    engine.set_current(variable, Context, "span")
    yield variable
    engine.set_current(_RUNTIME_CONTEXT._current_context, Context, _SPAN_KEY)  # type: ignore[attr-defined]


@pytest.mark.usefixtures("current")
def test_tracers_count_as_recorders_do(engine: Any) -> None:
    """Under a sampler: kept by name, with attributes, with a start that is given, left out, held."""
    arena = engine.Arena()
    sampler = engine.Sampler(
        lambda name: 1 if name == "order" else 2,
        lambda state, threshold, sampled: None,
        lambda state: (-1, -1),
        [Rule(True, 0, (), (), 0, False), Rule(False, 0, (), (), NEVER, True)],
    )
    tracer = engine.Tracer()
    tracer.direct(recorder(engine, arena), sampler)
    for _ in range(3):
        with tracer.start_as_current_span("order", attributes={"venue": "binance"}):
            tracer.start_span("order", attributes={"list": [1]}, start_time=5).end()
    with tracer.start_as_current_span("tick"):
        assert (0, 0) == live(arena)
    found = {(SAMPLES, ROOT): 3, (SAMPLES, LOCAL): 3, (LEFT_OUT, ROOT): 1}
    assert found == started(arena)
    tracer.direct(recorder(engine, arena, keep_errors=True, keep_ticks=True), sampler)
    with tracer.start_as_current_span("tick"):
        assert (1, 0) == live(arena)
    assert found | {(RECORDS, ROOT): 1} == started(arena)
    assert (0, 0) == live(arena)


@pytest.mark.usefixtures("_hasty")
def test_counts_are_exact_under_threads(engine: Any) -> None:
    """Eight begin spans of all results and end most of them, while another looks."""
    arena = engine.Arena(1 << 20, 1 << 28)
    begin, times = recorder(engine, arena).begin, 300
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            counts = arena.counts()
            assert counts["live"][1] <= sum(counts["started"][6:])

    def record(index: int) -> None:
        for number in range(times):
            span = begin("n")
            begin("child", span, CLIENT, flags=UNSAMPLED).end()
            begin("left out", flags=UNSAMPLED).end()
            if number % 3:
                span.end()

    looking = threading.Thread(target=look)
    looking.start()
    try:
        in_threads(record)
    finally:
        done.set()
        looking.join()
    each = 8 * times
    assert {(SAMPLES, ROOT): each, (RECORDS, LOCAL): each, (LEFT_OUT, ROOT): each} == started(arena)
    assert (0, each // 3) == live(arena)


def test_counts_are_exact_with_signal_handlers(engine: Any) -> None:
    """One may begin, end and count between any two steps."""
    arena = engine.Arena(1 << 20, 1 << 28)
    begin = recorder(engine, arena).begin
    ended = 0

    def interrupting() -> None:
        begin("handler").end()
        arena.counts()

    with alarms(interrupting) as handled:
        while handled.fewer_than(50):
            begin("main").end()
            ended += 1
            arena.counts()
    assert handled.count >= 50
    assert ({(SAMPLES, ROOT): ended + handled.count}, (0, 0)) == (started(arena), live(arena))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_child_begins_at_zero(engine: Any) -> None:
    """A span that is open in the parent is live there, and its end in the child counts nowhere."""
    arena = engine.Arena()
    begin = recorder(engine, arena, keep_errors=True).begin
    spans = begin("open"), begin("held", flags=UNSAMPLED)
    begin("done").end()
    child = os.fork()
    if child == 0:
        try:
            assert {"started": NOTHING, "live": (0, 0)} == arena.counts()
            for span in spans:
                span.end()
            assert (0, 0) == live(arena)
            mine = begin("mine", spans[0])
            assert ({(SAMPLES, LOCAL): 1}, (0, 1)) == (started(arena), live(arena))
            mine.end()
            assert (0, 0) == live(arena)
        except BaseException as error:
            os.write(2, f"{error!r}\n".encode())
            os._exit(1)
        os._exit(0)
    wait(child)
    assert (1, 1) == live(arena)
    assert {(SAMPLES, ROOT): 2, (RECORDS, ROOT): 1} == started(arena)
