"""What the library says about itself: one line a fact, to the logger `otel_trading`, each kind of trouble once.

Telemetry must not add to the noise it measures. Trouble that repeats is counted always and said once; the counts
are what `/health` and `telemetry.troubles()` show.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TextIO

logger = logging.getLogger("otel_trading")

_lock = threading.RLock()  # re-entrant: a signal handler or a finaliser may be in trouble inside `trouble`
_counts: Counter[str] = Counter()
_said: set[str] = set()
_further: list[tuple[Callable[[], Mapping[str, int]], Callable[[], object]]] = []


class _StandardError(logging.StreamHandler[TextIO]):
    """A handler that looks `sys.stderr` up at each record, so that replacing or closing it does no harm."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)
        self.setFormatter(logging.Formatter("otel_trading: %(levelname)s: %(message)s"))

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # StreamHandler keeps an attribute; ours is looked up
        return sys.stderr

    def handleError(self, record: logging.LogRecord) -> None:
        """Says nothing: there is no place left to say it."""


_handler = _StandardError()


def speak_up(level: int = logging.INFO) -> None:
    """Makes our lines visible on standard error unless the application configured logging for them.

    Args:
        level: the lowest level shown; a `logging` level.
    """
    if not logger.handlers and not logging.getLogger().handlers:
        logger.addHandler(_handler)
    logger.setLevel(level)


def fall_silent() -> None:
    """Takes back what `speak_up` attached."""
    logger.removeHandler(_handler)
    logger.setLevel(logging.NOTSET)


def trouble(kind: str, message: str, *arguments: object, level: int = logging.WARNING) -> None:
    """Counts one trouble of this kind and says it if it is the first.

    Args:
        kind: a short stable name such as `metrics.invalid_value`; the key of the count.
        message: a `%` format for the line.
        *arguments: for the format; formatting that fails costs the arguments only.
        level: the `logging` level of the line.

    Never raises. Takes a lock for a dictionary increment; call it on error paths only.
    """
    with _lock:
        _counts[kind] += 1
    say_once(kind, message, *arguments, level=level)


def say_once(kind: str, message: str, *arguments: object, level: int = logging.WARNING) -> None:
    """Says a trouble that is counted elsewhere, if it is the first of its kind; see `trouble`."""
    with _lock:
        first = kind not in _said
        _said.add(kind)
    if first:
        say(level, message, *arguments)


def say(level: int, message: str, *arguments: object) -> None:
    """Says one line, and never raises, whatever the arguments do when they are rendered."""
    try:
        line = message % arguments if arguments else message
    except Exception:
        line = f"{message} (its arguments could not be rendered)"
    try:
        logger.log(level, "%s", line)
    except Exception:  # an application's own handler failed; there is nobody left to tell
        return


def troubles() -> dict[str, int]:
    """Counts by kind since the process started or `forget` was called."""
    with _lock:
        found = _counts.copy()
    for read, _ in _further:
        found.update(read())
    return {kind: count for kind, count in found.items() if count}


def count_too(read: Callable[[], Mapping[str, int]], forget: Callable[[], object]) -> None:
    """Adds counts that are kept elsewhere, because a lock would be felt there.

    Args:
        read: gives them by kind.
        forget: makes them 0.
    """
    _further.append((read, forget))


def forget() -> None:
    """Empties counts and memory of what was said; a new `init()` starts with this."""
    with _lock:
        _counts.clear()
        _said.clear()
    for _, empty in _further:
        empty()


def after_fork_in_child() -> None:
    """Replaces the lock, which another thread of the parent may have held."""
    global _lock
    _lock = threading.RLock()
