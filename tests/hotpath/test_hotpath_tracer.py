"""A tracer begins spans under the current one, and a block makes its span the current one."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import Generator, Iterator
from contextvars import ContextVar, copy_context
from enum import Enum
from typing import Any

import pytest
from hotpath.hotpath_cells import cell
from hotpath.hotpath_spans import attributes, recorder, taken

from otel_trading.hotpath.sampler_engine import NEVER, Rule

KEY = "current-span"


class Context(dict[str, Any]):
    """As OpenTelemetry's: no item can be set."""

    def __setitem__(self, key: str, value: Any) -> None:
        raise ValueError


class Kind(Enum):
    """As OpenTelemetry's, in OTLP's order."""

    INTERNAL = 0
    SERVER = 1
    CLIENT = 2
    PRODUCER = 3
    CONSUMER = 4


VARIABLE: ContextVar[Any] = ContextVar("test-context", default=Context())  # noqa: B039  # nobody can change it


class Foreign:
    """A span that the engine does not know."""


def tracer_of(engine: Any, arena: Any = None, sampler: Any = None, **options: Any) -> Any:
    """A tracer with what a subclass has; `slow`, `failures` and `functions` are what it was called with."""

    class Tracer(engine.Tracer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.slow: list[tuple[Any, ...]] = []
            self.failures: list[tuple[Any, ...]] = []

        def start_slowly(self, *given: Any) -> Any:
            self.slow.append(given)
            return Foreign()

        def failed(self, *given: Any) -> None:
            self.failures.append(given)

        def decorated(self, function: Any, *given: Any) -> Any:
            def called() -> Any:
                with self.start_as_current_span(*given):
                    return function()

            return called

    tracer = Tracer()
    tracer.direct(recorder(engine, arena, **options), sampler)
    return tracer


@pytest.fixture(autouse=True)
def context(request: pytest.FixtureRequest) -> Iterator[None]:
    """A ContextVar of the test's, in the engine that is tested; afterwards it is OpenTelemetry's again."""
    from opentelemetry.context import _RUNTIME_CONTEXT
    from opentelemetry.context import Context as Real
    from opentelemetry.trace.propagation import _SPAN_KEY

    from otel_trading.traces.readable import KINDS

    engine = request.getfixturevalue("engine")
    engine.set_current(VARIABLE, Context, KEY)
    engine.Tracer.set_kinds(tuple(Kind))
    yield
    engine.set_current(_RUNTIME_CONTEXT._current_context, Real, _SPAN_KEY)  # type: ignore[attr-defined]
    engine.Tracer.set_kinds(KINDS)


def current() -> Any:
    """The current span."""
    return VARIABLE.get().get(KEY)


def test_a_span_begins_under_the_current_one(engine: Any) -> None:
    """Trace, parent, kind, attributes and the time that is given; afterwards the one before is current again."""
    arena = engine.Arena()
    tracer = tracer_of(engine, arena)
    with tracer.start_as_current_span("tick", attributes={"venue": "binance"}) as outer:
        assert current() is outer
        with tracer.start_as_current_span("order", kind=Kind.PRODUCER, start_time=5) as inner:
            assert current() is inner
        assert current() is outer
        tracer.start_span("fill", None, Kind.CONSUMER).end()
    assert current() is None
    order, fill, tick = taken(arena)
    assert ["order", "fill", "tick"] == [order.name, fill.name, tick.name]
    assert [4, 5, 1] == [order.kind, fill.kind, tick.kind]
    assert (tick.parent_span_id, attributes(tick)) == (b"", {"venue": "binance"})
    assert {tick.span_id} == {order.parent_span_id, fill.parent_span_id}
    assert {tick.trace_id} == {order.trace_id, fill.trace_id}
    assert order.start_time_unix_nano == 5
    assert tracer.slow == []


def test_other_things_in_the_context_stay(engine: Any) -> None:
    """In a context of the same type, which nobody can change."""
    token = VARIABLE.set(Context({"baggage": 1}))
    try:
        with tracer_of(engine).start_as_current_span("a") as span:
            found = VARIABLE.get()
            assert (type(found), dict(found)) == (Context, {"baggage": 1, KEY: span})
    finally:
        VARIABLE.reset(token)


def test_a_context_that_somebody_kept_stays_as_it_was(engine: Any) -> None:
    """Though the engine uses contexts again that nobody has."""
    tracer = tracer_of(engine)
    with tracer.start_as_current_span("a") as first:
        kept, copied = VARIABLE.get(), copy_context()
    for name in ("b", "c"):
        with tracer.start_as_current_span(name):
            pass
    assert dict(kept) == {KEY: first}
    assert copied[VARIABLE] is kept
    assert copied.run(current) is first


def test_a_given_context_is_the_parent_and_is_not_made_current(engine: Any) -> None:
    """As OpenTelemetry has it: the block's context is the current one with the new span."""
    tracer = tracer_of(engine)
    other = tracer.start_span("other")
    with tracer.start_as_current_span("a", Context({KEY: other, "baggage": 2})) as span:
        assert (span.trace_id, span.parent_id) == (other.trace_id, other.span_id)
        assert dict(VARIABLE.get()) == {KEY: span}


@pytest.mark.parametrize(
    "given",
    [
        {"links": [1]},
        {"kind": "client"},
        {"context": 5},
        {"name": b"bytes"},
        {"context": Context({KEY: Foreign()})},
    ],
)
def test_what_is_not_usual_is_started_in_python(engine: Any, given: dict[str, Any]) -> None:
    """With every argument, those that were not given as they are by default."""
    tracer = tracer_of(engine)
    wanted: dict[str, Any] = {
        "name": "a", "context": None, "kind": Kind.INTERNAL, "attributes": None, "links": (), "start_time": None,
        "record_exception": True, "set_status_on_exception": True,
    }  # fmt: skip
    span = tracer.start_span(**{"name": "a", **given})
    assert isinstance(span, Foreign)
    told = dict(zip(wanted, tracer.slow[0], strict=True))
    told["links"] = told["links"] or ()
    assert told == {**wanted, **given}


def test_without_a_recorder_every_span_is_started_in_python(engine: Any) -> None:
    """And made current all the same."""
    tracer = tracer_of(engine)
    tracer.direct(None, None)
    with tracer.start_as_current_span("a") as span:
        assert isinstance(span, Foreign)
        assert current() is span
    assert len(tracer.slow) == 1


def test_an_exception_is_told_of_and_passes_through(engine: Any) -> None:
    """With what was said about it; one that is no Exception passes by. The span has ended then."""
    arena = engine.Arena()
    tracer = tracer_of(engine, arena)
    error = ValueError("too large")
    with pytest.raises(ValueError), tracer.start_as_current_span("a", record_exception=False) as span:
        raise error
    assert tracer.failures == [(span, error, False, True)]
    assert current() is None
    with pytest.raises(SystemExit), tracer.start_as_current_span("b"):
        raise SystemExit
    assert len(tracer.failures) == 1
    assert ["a", "b"] == [message.name for message in taken(arena)]


def test_end_on_exit_can_be_refused(engine: Any) -> None:
    """The span goes on."""
    arena = engine.Arena()
    with tracer_of(engine, arena).start_as_current_span("a", end_on_exit=False) as span:
        pass
    assert (span.is_recording(), taken(arena)) == (True, [])


def test_a_decorated_function_has_a_span_for_each_call(engine: Any) -> None:
    """Which begins with the call and not with the decoration."""
    arena = engine.Arena()
    tracer = tracer_of(engine, arena)
    function = tracer.start_as_current_span("a", attributes={"n": 1})(current)
    assert taken(arena) == []
    first, second = function(), function()
    assert first is not second
    assert [{"n": 1}, {"n": 1}] == [attributes(message) for message in taken(arena)]


def test_a_block_that_is_entered_again_gives_its_span(engine: Any) -> None:
    """Inside of itself; afterwards it begins another one."""
    arena = engine.Arena()
    block = tracer_of(engine, arena).start_as_current_span("a")
    with block as first, block as again:
        assert first is again
    with block as second:
        assert second is not first
    assert len(taken(arena)) == 2


def test_exit_stacks_take_blocks(engine: Any) -> None:
    """They look the methods up on the type."""
    arena = engine.Arena()
    tracer = tracer_of(engine, arena)
    with contextlib.ExitStack() as stack:
        span = stack.enter_context(tracer.start_as_current_span("a"))
        assert current() is span
    assert len(taken(arena)) == 1


def test_methods_of_a_span_type_are_those_of_its_spans(engine: Any) -> None:
    """An `end` of its own is called when the block is left."""
    ended: list[Any] = []

    def end(self: Any) -> None:
        ended.append(self)
        engine.Span.end(self)

    made = engine.span_type("Named", {"end": end, "first": property(lambda self: self.name[0])})
    arena = engine.Arena()
    with tracer_of(engine, arena, span_type=made, owner="me").start_as_current_span("abc") as span:
        assert (type(span).__name__, span.first, span.owner) == ("Named", "a", "me")
        assert isinstance(span, engine.Span)
    assert (ended, len(taken(arena))) == ([span], 1)


def test_what_is_no_span_type_is_refused(engine: Any) -> None:
    """With a TypeError that says what it must be."""
    for wrong in (int, 5, "Span"):
        with pytest.raises(TypeError, match="span_type"):
            recorder(engine, span_type=wrong)


def test_an_unsampled_span_goes_nowhere_and_records_for_requests_only(engine: Any) -> None:
    """Its children follow it; what guards headers reads where a request goes."""
    arena = engine.Arena()
    made = recorder(engine, arena)
    root = made.begin("a", flags=2, attributes={"never-encoded": 1})
    client = made.begin("b", root, 3, {"server.address": "binance"})
    assert (root.is_recording(), client.is_recording(), client.flags) == (False, True, 2)
    assert b"binance" in client.encoded()
    assert b"never-encoded" not in root.encoded()
    client.end()
    root.end()
    assert (client.is_recording(), arena.books()["offered"]) == (False, 0)


def test_a_sampler_decides_and_children_follow(engine: Any) -> None:
    """Threshold and randomness go from span to span, the trace state with them."""
    arena = engine.Arena()
    sampler = engine.Sampler(
        lambda name: 1 if name == "order" else 2,
        lambda state, threshold, sampled: f"ot=th:{threshold:x}" if sampled else None,
        lambda state: (-1, -1),
        [Rule(True, 0, (), (), 0, False), Rule(False, 0, (), (), NEVER, True)],
    )
    tracer = tracer_of(engine, arena, sampler)
    with tracer.start_as_current_span("tick") as tick:
        assert (tick.flags & 1, tick.is_recording(), tick.threshold) == (0, False, -1)
        with tracer.start_as_current_span("order") as order:
            assert (order.flags & 1, order.threshold, order.trace_state) == (1, 0, "ot=th:0")
            assert order.randomness == tick.randomness == order.trace_id & (1 << 56) - 1
            with tracer.start_as_current_span("step") as step:
                assert (step.flags & 1, step.threshold, step.trace_state) == (1, 0, "ot=th:0")
    assert ["step", "order"] == [message.name for message in taken(arena)]


def test_what_a_sampler_drops_is_held_under_the_current_span(engine: Any) -> None:
    """And kept with its error; `test_hotpath_held.py` has the rest."""
    arena = engine.Arena()
    never = [Rule(False, 0, (), (), NEVER, False)]
    sampler = engine.Sampler(lambda name: 1, lambda *given: None, lambda state: (-1, -1), never)
    tracer = tracer_of(engine, arena, sampler, keep_errors=True)
    with tracer.start_as_current_span("root") as root:
        assert (0, True) == (root.flags & 1, root.is_recording())
        with tracer.start_as_current_span("before", attributes={"venue": "binance"}):
            pass
        with tracer.start_as_current_span("bad") as bad:
            bad.set_status(2)
    before, kept, _ = found = taken(arena)
    assert ["before", "bad", "root"] == [message.name for message in found]
    assert ({"venue": "binance"}, {"otel_trading.kept": "error"}) == (attributes(before), attributes(kept))


def test_each_thread_and_task_has_its_own_current_span(engine: Any) -> None:
    """Interleaved, each finds its own, and no parent of another."""
    tracer = tracer_of(engine)
    roots: list[Any] = []

    async def task() -> None:
        with tracer.start_as_current_span("task") as span:
            roots.append(span)
            for _ in range(3):
                await asyncio.sleep(0)
                assert current() is span

    async def tasks() -> None:
        await asyncio.gather(*(task() for _ in range(5)))

    barrier = threading.Barrier(4)

    def thread() -> None:
        with tracer.start_as_current_span("thread") as span:
            roots.append(span)
            barrier.wait()
            assert current() is span

    asyncio.run(tasks())
    threads = [threading.Thread(target=thread) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(roots) == 9
    assert {span.parent_id for span in roots} == {0}
    assert len({span.trace_id for span in roots}) == 9


def test_a_generator_that_is_left_elsewhere_harms_nothing(engine: Any) -> None:
    """Its token is of another context: the span ends, nothing raises, the context there stays."""
    arena = engine.Arena()
    tracer = tracer_of(engine, arena)

    def generator() -> Generator[Any, None, None]:
        with tracer.start_as_current_span("inside"):
            yield current()

    made = generator()
    copy_context().run(next, made)
    with tracer.start_as_current_span("outside") as span:
        made.close()
        assert current() is span
    assert {"inside", "outside"} == {message.name for message in taken(arena)}


def test_attach_and_detach_are_those_of_the_context(engine: Any) -> None:
    """A token of another context is refused without an exception."""
    given = Context({"a": 1})
    token = engine.attach(given)
    assert VARIABLE.get() is given
    assert copy_context().run(engine.detach, token) is False
    assert (engine.detach(token), VARIABLE.get()) == (True, {})
    assert engine.detach(5) is False


def test_blocks_leave_nothing(engine: Any) -> None:
    """No object that the collector tracks, however many spans there were."""
    arena = engine.Arena()
    tracer = tracer_of(engine, arena)

    def work() -> None:
        for number in range(2000):
            with tracer.start_as_current_span("a", attributes={"n": number}) as span:
                span.set_attribute("b", 1)
            if number % 100 == 0:
                while arena.take() is not None:
                    pass

    work()
    gc.collect()
    before = len(gc.get_objects())
    work()
    gc.collect()
    assert len(gc.get_objects()) - before < 50


def test_tracers_on_many_threads_lose_no_span(engine: Any) -> None:
    """While another thread leads the tracer from one recorder to the other."""
    arenas = [engine.Arena(), engine.Arena()]
    tracer = tracer_of(engine, arenas[0])
    recorders = [recorder(engine, arena) for arena in arenas]
    done = threading.Event()

    def lead() -> None:
        while not done.is_set():
            for each in recorders:
                tracer.direct(each, None)

    def work() -> None:
        for _ in range(2000):
            with tracer.start_as_current_span("a"):
                pass

    leader, threads = threading.Thread(target=lead), [threading.Thread(target=work) for _ in range(3)]
    for each in (leader, *threads):
        each.start()
    for each in threads:
        each.join()
    done.set()
    leader.join()
    assert sum(arena.books()["offered"] for arena in arenas) == 6000


def test_a_measurement_in_an_unsampled_span_is_offered_to_nobody(engine: Any) -> None:
    """As an exemplar; the span is not even asked through Python."""
    offered: list[Any] = []
    made = cell(engine, exemplars=True)
    engine.set_exemplar_hook(lambda *given: offered.append(given[2]) or True, VARIABLE, KEY)
    try:
        for flags, value in ((2, 0.5), (3, 0.7)):
            token = VARIABLE.set(Context({KEY: recorder(engine).begin("a", flags=flags)}))
            made.record(value)
            VARIABLE.reset(token)
    finally:
        engine.set_exemplar_hook(None)
    assert offered == [0.7]
