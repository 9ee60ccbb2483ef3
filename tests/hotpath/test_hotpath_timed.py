"""Timed callables: what they measure, and that nothing else of them changes."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import functools
import gc
import inspect
import pickle
import types
import weakref
from collections.abc import Callable, Generator
from typing import Any

import pytest
from hotpath.hotpath_cells import Clock, cell, refused

from otel_trading.hotpath import timed


def plain(first: int, *more: int, key: str = "k", **named: int) -> tuple[Any, ...]:
    """What was given."""
    return first, more, key, named


@pytest.mark.parametrize(
    ("positional", "named"),
    [((1,), {}), ((1, 2, 3), {}), ((1,), {"key": "x"}), ((1, 2), {"key": "x", "b": 2}), ((), {"first": 5})],
)
def test_function_gets_its_arguments(latency: Any, positional: tuple[int, ...], named: dict[str, Any]) -> None:
    """And its result is handed back."""
    assert plain(*positional, **named) == timed(latency)(plain)(*positional, **named)
    assert 1 == latency.snapshot()[0]


def test_function_is_measured(latency: Any, clock: Clock) -> None:
    """From entry to return, in the cell's unit."""

    @timed(latency)
    def work() -> None:
        clock.ns += 7000

    work()
    assert (1, 7.0, 7.0, 7.0) == pytest.approx(latency.snapshot()[:4])


def test_function_that_raises_is_measured(latency: Any, clock: Clock) -> None:
    """The very exception comes out, with its cause."""
    error = KeyError("x")

    @timed(latency)
    def work() -> None:
        clock.ns += 5000
        raise error from OSError()

    with pytest.raises(KeyError) as caught:
        work()
    assert error is caught.value
    assert isinstance(caught.value.__cause__, OSError)
    assert (1, 5.0) == pytest.approx(latency.snapshot()[:2])


def test_wrong_arguments_raise_as_before(latency: Any) -> None:
    """The message names the function."""
    with pytest.raises(TypeError, match="plain"):
        timed(latency)(plain)()  # type: ignore[call-arg]  # that is the point


def test_refusal_does_not_disturb_an_exception(engine: Any, latency: Any) -> None:
    """A hook that fails while the function's exception is in flight."""

    def hook(*what: Any) -> None:
        raise RuntimeError

    engine.set_refusal_hook(hook)
    latency.close()

    @timed(latency)
    def work() -> None:
        raise KeyError

    with pytest.raises(KeyError):
        work()
    assert {"closed": 1} == refused(engine)


class Desk:
    """Functions of every sort."""

    def __init__(self, latency: Any) -> None:
        self.latency = latency

    @staticmethod
    def make(latency: Any) -> Any:
        """A class whose methods are timed."""

        class Made:
            @timed(latency)
            def method(self, x: int) -> tuple[Any, int]:
                """Adds nothing."""
                return self, x

            @timed(latency)
            @staticmethod
            def static(x: int) -> int:
                return x

            @classmethod
            @timed(latency)
            def clas(cls, x: int) -> tuple[Any, int]:
                return cls, x

            @property
            @timed(latency)
            def value(self) -> int:
                return 5

        return Made


def test_methods_bind(latency: Any) -> None:
    """Methods, static methods, class methods and properties."""
    made = Desk.make(latency)
    one = made()
    bound = one.method
    assert (one, 3) == one.method(3) == bound(3) == made.method(one, 3)
    assert 3 == one.static(3) == made.static(3)
    assert (made, 3) == one.clas(3) == made.clas(3)
    assert 5 == one.value
    assert 8 == latency.snapshot()[0]
    assert one.method == one.method
    assert one is bound.__self__


def test_attributes_stay(latency: Any) -> None:
    """Name, docstring, module, signature, annotations, and what was set on the function."""

    def original(a: int, b: str = "x") -> float:
        """Says something."""
        return 1.0

    original.mark = "set before"  # type: ignore[attr-defined]
    made: Any = timed(latency)(original)
    assert ("original", "Says something.", __name__) == (made.__name__, made.__doc__, made.__module__)
    assert original.__qualname__ == made.__qualname__
    assert inspect.signature(original) == inspect.signature(made)
    assert original.__annotations__ == made.__annotations__
    assert original is made.__wrapped__ is inspect.unwrap(made)
    assert "set before" == made.mark
    made.more = 1
    assert 1 == made.more
    assert not inspect.iscoroutinefunction(made)
    with pytest.raises(AttributeError):
        _ = made.nothing


def importable(x: int) -> int:
    """For pickling."""
    return x


def test_pickled_by_name_and_copied_as_itself(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As functions are."""
    made = timed(cell(engine, per_ns=1.0))(importable)
    monkeypatch.setattr(f"{__name__}.importable", made)
    assert made is copy.copy(made)
    assert made is copy.deepcopy(made)
    assert made is pickle.loads(pickle.dumps(made))


def test_callable_objects_and_partials(latency: Any) -> None:
    """Whatever can be called, builtins included."""
    assert 3 == timed(latency)(functools.partial(max, 3))(1)
    assert 2 == timed(latency)(len)([1, 2])
    assert 2 == latency.snapshot()[0]


@pytest.mark.parametrize("wrong", [5, "x", int, property(lambda self: 1)])
def test_what_is_no_function_is_rejected(latency: Any, wrong: Any) -> None:
    """When decorating."""
    with pytest.raises(TypeError, match=r"timed\(\) decorates functions"):
        timed(latency)(wrong)


def test_handle_must_be_a_cell() -> None:
    """The message says what to write."""
    with pytest.raises(TypeError, match=r"Write timed\(histogram.bind"):
        timed("x")  # type: ignore[arg-type]


def test_wrap_takes_callables(engine: Any) -> None:
    """What `timed` is made of."""
    for arguments in ((5,), ("x", True)):
        with pytest.raises(TypeError, match="wrap takes a callable"):
            cell(engine).wrap(*arguments)


# ---- coroutines ----


async def echo(clock: Clock, value: Any) -> Any:
    """Waits once, goes on, returns."""
    clock.ns += 1000
    await asyncio.sleep(0)
    clock.ns += 2000
    return value


def test_coroutine_is_measured_from_its_first_step(latency: Any, clock: Clock) -> None:
    """Not from the call: it may wait to be awaited."""
    made = timed(latency)(echo)

    async def main() -> Any:
        waiting = made(clock, "x")
        clock.ns += 50_000
        return await waiting

    assert "x" == asyncio.run(main())
    assert (1, 3.0) == pytest.approx(latency.snapshot()[:2])


def test_coroutine_functions_are_told_as_such(latency: Any) -> None:
    """inspect and asyncio agree; what is called is an awaitable that asyncio takes."""
    made = timed(latency)(echo)
    assert inspect.iscoroutinefunction(made)
    assert asyncio.iscoroutinefunction(made)
    assert inspect.iscoroutinefunction(functools.partial(made, Clock()))

    class Holder:
        method: Any = timed(latency)(echo)

    assert inspect.iscoroutinefunction(Holder().method)
    waiting = made(Clock(), 1)
    assert inspect.isawaitable(waiting)
    assert asyncio.iscoroutine(waiting)
    waiting.close()


def test_coroutine_works_as_task_and_in_gather(latency: Any, clock: Clock) -> None:
    """Interleaved ones do not share a start."""
    made = timed(latency)(echo)

    async def main() -> list[Any]:
        task = asyncio.create_task(made(clock, 0))
        assert "echo" in repr(task)
        return [await task, *await asyncio.gather(*(made(clock, n) for n in range(1, 4)))]

    assert [0, 1, 2, 3] == asyncio.run(main())
    assert 4 == latency.snapshot()[0]


def test_coroutine_that_raises_or_is_cancelled_is_measured(latency: Any) -> None:
    """Exactly once each, and what it does on the way out is done."""
    seen: list[str] = []

    @timed(latency)
    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("x")

    @timed(latency)
    async def waits() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            seen.append("cancelled")

    async def main() -> None:
        with pytest.raises(KeyError):
            await fails()
        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waits(), 0.001)

    asyncio.run(main())
    assert ["cancelled", "cancelled"] == seen
    assert 3 == latency.snapshot()[0]


def test_send_throw_and_close_pass_through(latency: Any) -> None:
    """What is yielded, sent, thrown and returned."""

    @types.coroutine
    def ask(question: str) -> Generator[Any, Any, Any]:
        answer = yield question
        return answer

    @timed(latency)
    async def talk() -> Any:
        first = await ask("one")
        try:
            await ask("two")
        except KeyError as error:
            return first, error.args

    waiting: Any = talk()
    assert "one" == waiting.send(None)
    assert "two" == waiting.send("answer")
    with pytest.raises(StopIteration) as stopped:
        waiting.throw(KeyError("thrown"))
    assert ("answer", ("thrown",)) == stopped.value.value
    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        waiting.send(None)
    waiting.close()
    assert 1 == latency.snapshot()[0]


def test_returned_tuples_and_exceptions_are_values(latency: Any) -> None:
    """StopIteration carries them unchanged."""
    for value in ((1, 2), None, KeyError("x"), StopIteration(5)):

        @timed(latency)
        async def give(value: Any = value) -> Any:
            return value

        async def main(give: Callable[..., Any] = give) -> Any:
            return await give()

        assert value is asyncio.run(main())
        with pytest.raises(StopIteration) as stopped:
            give().send(None)
        assert value is stopped.value.value


def test_closed_half_way_is_measured_once(latency: Any) -> None:
    """Its `finally` runs."""
    seen: list[int] = []

    @timed(latency)
    async def waits() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            seen.append(1)

    async def main() -> None:
        waiting: Any = waits()
        waiting.send(None)
        waiting.close()
        given_up: Any = waits()
        given_up.send(None)
        del given_up
        unstarted: Any = waits()
        unstarted.close()

    asyncio.run(main())
    gc.collect()
    assert [1, 1] == seen
    assert 2 == latency.snapshot()[0]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_never_awaited_is_warned_about_and_not_measured(latency: Any) -> None:
    """As without us."""

    @timed(latency)
    async def nothing() -> None:
        """Nothing."""

    with pytest.warns(RuntimeWarning, match="was never awaited"):
        nothing()  # type: ignore[unused-coroutine]  # that is the point
    assert 0 == latency.snapshot()[0]


def test_coroutine_in_a_cycle_is_collected(latency: Any) -> None:
    """A suspended coroutine that holds itself is closed, measured and freed."""
    ended: list[int] = []

    class Holder:
        waiting: Any = None

    @timed(latency)
    async def waits(holder: Holder) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(1)

    async def main() -> weakref.ref[Holder]:
        holder = Holder()
        holder.waiting = waits(holder)
        holder.waiting.send(None)
        return weakref.ref(holder)

    gone = asyncio.run(main())
    gc.collect()
    assert gone() is None
    assert [1] == ended
    assert 1 == latency.snapshot()[0]


def test_timer_that_was_not_entered_records_nothing(engine: Any, latency: Any, clock: Clock) -> None:
    """And one that is entered twice begins anew; both ends are recorded."""
    timer = latency.time()
    clock.ns += 5000
    timer.__exit__(None, None, None)
    assert 0 == latency.snapshot()[0]
    with timer as entered:
        clock.ns += 3000
        with timer:
            clock.ns += 1000
    assert timer is entered
    assert (2, 2.0) == latency.snapshot()[:2]


def test_timer_knows_its_methods_by_name(engine: Any, latency: Any, clock: Clock) -> None:
    """As contextlib.ExitStack looks them up, on the type."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(latency.time())
        clock.ns += 2000
    assert (1, 2.0) == latency.snapshot()[:2]
    assert isinstance(latency.time(), contextlib.AbstractContextManager)
    with pytest.raises(TypeError):
        type(latency.time()).__enter__()


def test_ended_coroutines_leave_nothing_to_the_next(engine: Any, latency: Any, clock: Clock) -> None:
    """Many at once, finished, given up and never begun, in turn: each is recorded once, with its own time."""

    async def waits(step_ns: int) -> int:
        await asyncio.sleep(0)
        clock.ns += step_ns
        return step_ns

    wrapped = latency.wrap(waits, True)
    for turn in range(5):
        begun = [wrapped(1000) for _ in range(40)]
        for one in begun:
            one.send(None)
        for one in begun[:20]:
            with pytest.raises(StopIteration) as ended:
                one.send(None)
            assert 1000 == ended.value.value
        for one in begun[20:30]:
            one.close()
        del begun, one  # ten are given up
        never = wrapped(1)
        never.close()
        del never
        gc.collect()
        assert 40 * (turn + 1) == latency.snapshot()[0]
