"""What was wrong with values that spans were given: the engine counts it, here it is named and said once."""

from __future__ import annotations

from typing import Any

from otel_trading.ground import diagnostics

_NAMED = {
    "attributes": ("traces.invalid_attributes", "an attribute of a span could not be converted, or was no mapping"),
    "event": ("traces.event_failed", "an event could not be added to a span"),
    "link": ("traces.link_failed", "a link could not be added to a span"),
    "status": ("traces.status_failed", "a status of a span was none"),
    "name": ("traces.rename_failed", "a name of a span could not be made a text"),
    "time": ("traces.invalid_time", "a time of a span was no int of UTC nanoseconds; it is the time now"),
    "ids": ("traces.invalid_ids", "an id of a span or link, or the kind of a span, was out of range"),
}


class _Watched:
    arena: Any = None
    forgotten: dict[str, int] = {}  # replaced as a whole


def watch(arena: Any) -> None:
    """Tells of this arena's troubles from now on, and no more of another's."""
    _Watched.forgotten = {}
    _Watched.arena = arena


def tell() -> None:
    """Says each kind that is new. Off the hot path: it is called when spans are taken."""
    for what, count in _counted().items():
        if count:
            diagnostics.say_once(*_NAMED[what])


def _counted() -> dict[str, int]:
    arena = _Watched.arena
    if arena is None:
        return {}
    return {what: count - _Watched.forgotten.get(what, 0) for what, count in arena.troubles().items()}


def _read() -> dict[str, int]:
    tell()
    return {_NAMED[what][0]: count for what, count in _counted().items() if count}


def _forget() -> None:
    arena = _Watched.arena
    _Watched.forgotten = {} if arena is None else arena.troubles()


diagnostics.count_too(_read, _forget)
