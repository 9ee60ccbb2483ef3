"""`@timed(handle)`: how long a function, coroutine, generator or async generator takes, its nature unchanged."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from otel_trading.ground import clock

P = ParamSpec("P")
R = TypeVar("R")


class Records(Protocol):
    """A histogram handle."""

    def record_since(self, start_ns: int) -> None:
        """Records the time since `start_ns`."""


def timed(handle: Records) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a callable so that each call is recorded into `handle`.

    Functions and coroutines are measured from entry to return, exception or cancellation; generators from the first
    `next` to exhaustion, exception or `close`. What is yielded, sent, thrown and returned passes through. Signature,
    name and docstring stay, methods, static methods and class methods work, and `inspect.iscoroutinefunction` and its
    kin tell the same as before.

    Args:
        handle: a bound histogram in a unit of time.

    Raises:
        TypeError: when decorating, if `handle` is no bound histogram, or what is decorated is no function.
    """
    if not callable(getattr(handle, "record_since", None)):
        raise TypeError(f"timed() takes a bound histogram; was {handle!r}. Write timed(histogram.bind(...)).")

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if isinstance(function, (staticmethod, classmethod)):
            return cast(Callable[P, R], type(function)(decorate(function.__func__)))
        if isinstance(function, type) or not callable(function):
            raise TypeError(f"timed() decorates functions and methods; was {function!r}. Put it below @property.")
        if inspect.isasyncgenfunction(function):
            wrapper: Any = _async_generator(handle, function)
        elif inspect.iscoroutinefunction(function):
            wrapper = _coroutine(handle, function)
        elif inspect.isgeneratorfunction(function):
            wrapper = _generator(handle, function)
        else:
            wrapper = _function(handle, function)
        wrapped = functools.wraps(function)(wrapper)
        if getattr(getattr(function, "__code__", None), "co_flags", 0) & inspect.CO_ITERABLE_COROUTINE:
            wrapped = types.coroutine(wrapped)
        return cast(Callable[P, R], wrapped)

    return decorate


def _function(handle: Records, function: Callable[..., Any]) -> Callable[..., Any]:
    def measured(*args: Any, **kwargs: Any) -> Any:
        start_ns = clock.now()
        try:
            return function(*args, **kwargs)
        finally:
            handle.record_since(start_ns)

    return measured


def _coroutine(handle: Records, function: Callable[..., Any]) -> Callable[..., Any]:
    async def measured(*args: Any, **kwargs: Any) -> Any:
        start_ns = clock.now()
        try:
            return await function(*args, **kwargs)
        finally:
            handle.record_since(start_ns)

    return measured


def _generator(handle: Records, function: Callable[..., Any]) -> Callable[..., Any]:
    def measured(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        start_ns = clock.now()
        try:
            return (yield from function(*args, **kwargs))
        finally:
            handle.record_since(start_ns)

    return measured


def _async_generator(handle: Records, function: Callable[..., Any]) -> Callable[..., Any]:
    async def measured(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        start_ns = clock.now()
        inner = function(*args, **kwargs)
        try:
            sent: Any = None
            while True:
                try:
                    item = await inner.asend(sent)
                except StopAsyncIteration:
                    return
                while True:
                    try:
                        sent = yield item
                        break
                    except GeneratorExit:
                        await inner.aclose()
                        raise
                    except BaseException as error:
                        try:
                            item = await inner.athrow(error)
                        except StopAsyncIteration:
                            return
        finally:
            handle.record_since(start_ns)

    return measured
