"""Checks that the application registers; each runs with a time limit, and one that hangs is not started again."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from otel_trading.ground import clock, values
from otel_trading.ground.clock import Deadline

_lock = threading.RLock()
_checks: dict[str, _Check] = {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check said.

    Attributes:
        passed: True unless it returned something false, raised, or took too long.
        detail: why not, or what it returned if that was text.
        duration_ms: how long it took.
    """

    passed: bool
    detail: str
    duration_ms: float


class _Check:
    """One registered function and the thread it may still be in."""

    def __init__(self, function: Callable[[], Any], timeout_s: float) -> None:
        self.function = function
        self.timeout_s = timeout_s
        self._running: threading.Thread | None = None
        self._verdict = Verdict(False, "has not run", 0.0)

    def start(self) -> None:
        if self._running is None or not self._running.is_alive():
            self._running = threading.Thread(target=self._run, name="otel_trading health check", daemon=True)
            self._running.start()

    def finish(self, deadline: Deadline) -> Verdict:
        running = self._running
        if running is not None:
            running.join(deadline.remaining_s())
            if running.is_alive():
                return Verdict(False, f"takes longer than {self.timeout_s:g} s", self.timeout_s * 1000)
        return self._verdict

    def _run(self) -> None:
        began_ns = clock.monotonic_ns()
        try:
            said = self.function()
            passed, detail = (True, values.text(said)) if isinstance(said, str) else (bool(said) or said is None, "")
        except BaseException as error:
            passed, detail = False, f"{type(error).__name__}: {values.text(error)}"
        self._verdict = Verdict(passed, detail, (clock.monotonic_ns() - began_ns) / 1e6)


def health_check(name: str, function: Callable[[], Any], *, timeout_s: float = 1.0) -> Callable[[], None]:
    """Registers a check that `/health` runs at each request, on a thread of its own.

    Args:
        name: shown in the answer; a second check of the same name replaces the first.
        function: returns True, None or a text for healthy; something false, or an exception, for not.
        timeout_s: after this many seconds it counts as failed; while it hangs it is not called again.

    Returns:
        A function that takes the check out again.

    Raises:
        TypeError: `function` cannot be called, or is a coroutine function.
        ValueError: `timeout_s` is not above 0, or above 60.
    """
    if not callable(function):
        raise TypeError(f"health_check() takes a function; was {function!r}. Write health_check(name, lambda: ...).")
    if inspect.iscoroutinefunction(function):
        raise TypeError(
            f"health_check() takes a plain function; {name!r} is a coroutine function, whose result nobody awaits."
        )
    if not 0 < timeout_s <= 60:
        raise ValueError(f"timeout_s must be above 0 and at most 60; was {timeout_s!r}")
    check = _Check(function, timeout_s)
    name = values.text(name)
    with _lock:
        _checks[name] = check

    def remove() -> None:
        with _lock:
            if _checks.get(name) is check:
                del _checks[name]

    return remove


def run_all() -> dict[str, Verdict]:
    """Runs every check at the same time; returns when the slowest is done or out of time."""
    with _lock:
        checks = dict(_checks)
    limits = {name: Deadline(check.timeout_s) for name, check in checks.items()}
    for check in checks.values():
        check.start()
    return {name: check.finish(limits[name]) for name, check in checks.items()}


def after_fork_in_child() -> None:
    """Replaces the lock; the checks themselves stay registered."""
    global _lock
    _lock = threading.RLock()
