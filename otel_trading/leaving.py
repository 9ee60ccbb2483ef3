"""How a process leaves: atexit, SIGTERM, multiprocessing children, and what a forked child inherits.

Signals: SIGINT, ignored signals and existing handlers are never touched. Only where SIGTERM has its default action at
`init()` in the main thread is a handler set; it flushes on another thread, restores the default and raises the signal
again, so that the exit status stays. Meanwhile the interrupted code goes on for moments only, to let go of its locks.
A handler that the application installs later wins.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline

_shut_down: Callable[[], object] | None = None
_timeout_s = 5.0
_registered = False
_stopping = False
_postponed = 0
_last_act: LastAct | None = None
_WAIT_S, _WINDOW_S = 0.05, 0.005
"""How long the handler of SIGTERM waits for the flush, and how long the interrupted code then runs."""


def prepare(shut_down: Callable[[], object], in_forked_child: Callable[[], None]) -> None:
    """Registers, once in the life of the process, what runs at exit and after a fork.

    Args:
        shut_down: flushes and stops within its own deadline; does nothing if there is nothing to stop.
        in_forked_child: runs in a child right after `os.fork`, where only the forking thread exists.
    """
    global _shut_down, _registered
    _shut_down = shut_down
    if _registered:
        return
    _registered = True
    atexit.register(_at_exit)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=in_forked_child)


def prepare_this_process() -> None:
    """In a multiprocessing child, which leaves by `os._exit` and runs no atexit functions, registers its own way."""
    if multiprocessing.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _at_exit, exitpriority=0)


def _at_exit() -> None:
    if _shut_down is not None:
        try:
            _shut_down()
        except Exception as error:
            diagnostics.trouble("leaving.failed", "telemetry could not be stopped: %r", error)


@contextmanager
def stopping() -> Iterator[None]:
    """A block in which a SIGTERM to the main thread is postponed to its end, so that the exit status tells of it.

    The handler would otherwise wait for a flush that waits for the very code that the handler interrupted.
    """
    global _stopping
    if threading.current_thread() is not threading.main_thread() or _stopping:
        yield
        return
    _stopping = True
    try:
        yield
    finally:
        _stopping = False
        if _postponed:
            signal.signal(_postponed, signal.SIG_DFL)
            os.kill(os.getpid(), _postponed)


def watch_sigterm(timeout_s: float) -> bool:
    """Sets the SIGTERM handler if the signal has its default action and this is the main thread.

    Args:
        timeout_s: longest time that the flush may take before the process ends.

    Returns:
        True if the handler was set.
    """
    global _timeout_s
    _timeout_s = timeout_s
    if threading.current_thread() is not threading.main_thread():
        return False
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return False
    signal.signal(signal.SIGTERM, _on_sigterm)
    return True


def unwatch_sigterm() -> None:
    """Puts the default action back if the handler is still ours; only the main thread can."""
    if threading.current_thread() is threading.main_thread() and _is_ours():
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _is_ours() -> bool:
    return signal.getsignal(signal.SIGTERM) is _on_sigterm


def _on_sigterm(number: int, _frame: FrameType | None) -> None:
    global _postponed, _last_act
    if _stopping:
        _postponed = number
        return
    if _last_act is None:
        # another thread, because the main one may be holding a lock that the flush needs
        last_act = LastAct(Deadline(_timeout_s + 0.5))
        try:
            last_act.flush.start()
        except RuntimeError:  # CPython 3.12 starts no thread while it exits
            _postponed = number
            return
        _last_act = last_act
    if _last_act.goes_on():
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), number)


class LastAct:
    """The flush that SIGTERM began, and the waiting for it.

    The interrupted code may hold a lock that the flush needs, of ours or of the application (a callback of an
    observable instrument may want it). So the handler waits a while, then returns and sends itself the signal again:
    in between the interrupted code gets far enough to let go.
    """

    def __init__(self, deadline: Deadline) -> None:
        """Takes when the process ends even if the flush is not done."""
        self.flush = threading.Thread(target=_at_exit, name="otel_trading sigterm", daemon=True)
        self._deadline = deadline

    def goes_on(self) -> bool:
        """Waits; returns True if the signal has been sent again, False once the flush is done or out of time."""
        self.flush.join(min(_WAIT_S, self._deadline.remaining_s()))
        if not self.flush.is_alive() or self._deadline.over:
            return False
        again = threading.Timer(_WINDOW_S, os.kill, (os.getpid(), signal.SIGTERM))
        again.daemon = True
        try:
            again.start()
        except RuntimeError:  # as above
            self.flush.join(self._deadline.remaining_s())
            return False
        return True


def after_fork_in_child(goes_on: bool) -> None:
    """Gives SIGTERM its default action back, unless telemetry goes on in the child."""
    global _last_act, _stopping, _postponed
    _last_act, _stopping, _postponed = None, False, 0
    if not goes_on and _is_ours():
        try:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        except ValueError:  # forked from a thread of a subinterpreter; the inherited handler is harmless there
            return
