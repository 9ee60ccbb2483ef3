"""A decorator that records how long each call took, over the cells of either engine."""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from otel_trading.hotpath.engine import Timer

P = ParamSpec("P")
R = TypeVar("R")


class Timing(Protocol):
    """What records how long something took: a cell, or a bound histogram."""

    def time(self) -> Timer:
        """A context manager that records how long its block took."""

    def wrap(self, function: Callable[..., Any], coroutine: bool = False, /) -> Callable[..., Any]:
        """A callable that records how long each call took."""


def timed(handle: Timing) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorates a callable so that each call is recorded into `handle`.

    Functions are measured from entry to return or exception, coroutines from their first step to return, exception or
    cancellation, generators from the first `next` to exhaustion, exception or `close`. What is yielded, sent, thrown
    and returned passes through. Signature, name and docstring stay, methods, static methods and class methods work, and
    `inspect.iscoroutinefunction` and its kin tell the same as before.

    Raises:
        TypeError: when decorating, if `handle` is no bound histogram, or what is decorated is no function.
    """
    if not callable(getattr(handle, "wrap", None)):
        raise TypeError(f"timed() takes a bound histogram; was {handle!r}. Write timed(histogram.bind(...)).")

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        if isinstance(function, (staticmethod, classmethod)):
            return cast(Callable[P, R], type(function)(decorate(function.__func__)))
        if isinstance(function, type) or not callable(function):
            raise TypeError(f"timed() decorates functions and methods; was {function!r}. Put it below @property.")
        return cast(Callable[P, R], functools.wraps(function)(_wrapper(handle, function)))

    return decorate


def _wrapper(handle: Timing, function: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.isasyncgenfunction(function):
        return _async_generator(handle, function)
    if inspect.iscoroutinefunction(function):
        return handle.wrap(function, True)
    if not inspect.isgeneratorfunction(function):
        return handle.wrap(function)
    made = _generator(handle, function)
    if getattr(getattr(function, "__code__", None), "co_flags", 0) & inspect.CO_ITERABLE_COROUTINE:
        return types.coroutine(made)
    return made


def _generator(handle: Timing, function: Callable[..., Any]) -> Callable[..., Any]:
    def measured(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with handle.time():
            return (yield from function(*args, **kwargs))

    return measured


def _async_generator(handle: Timing, function: Callable[..., Any]) -> Callable[..., Any]:
    async def measured(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        inner = function(*args, **kwargs)
        with handle.time():
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

    return measured
