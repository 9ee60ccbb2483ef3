"""init() and shutdown(), and what a fork does to them, readable from top to bottom."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any, Unpack

from otel_trading import leaving, providers
from otel_trading.config.arguments import Arguments
from otel_trading.config.resolve import resolve
from otel_trading.delivery import reachability
from otel_trading.forked import Awakening
from otel_trading.ground import diagnostics
from otel_trading.health import checks
from otel_trading.logs import awaited, pipeline
from otel_trading.metrics.engine import announce
from otel_trading.metrics.provider import DelegatingMeter
from otel_trading.telemetry import InMemory, Telemetry
from otel_trading.traces.tracer import DelegatingTracer

_LEVELS = {"trace": 5, "debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}

_lock = threading.RLock()
_active: Telemetry | None = None
_awakening: Awakening | None = None
"""In a forked child of a process with telemetry."""
_parent_serves = False
"""This process was forked from one that serves /metrics, whose port it cannot have."""


def init(
    service_name: str | None = None,
    /,
    *,
    config_file: str | os.PathLike[str] | None = None,
    **knobs: Unpack[Arguments],
) -> Telemetry:
    """Starts telemetry: metrics, traces and logs of this process.

    Call it once at start-up, in the main thread if SIGTERM is to be watched. While it runs a second call returns the
    same object and says which arguments differ; after `shutdown()` a new call works fully, and everything obtained
    earlier, even before the first call, comes to life. In a forked child telemetry begins anew by itself, with the same
    arguments, unless the child calls it or `forked_children` is off.

    Args:
        service_name: `service.name`; without it OTEL_SERVICE_NAME, then `unknown_service:` and the program's name.
        config_file: a declarative configuration file; without it OTEL_CONFIG_FILE.
        **knobs: any knob of the reference page (`docs/reference/configuration.md`); None means not given.

    Returns:
        The running telemetry, which is also a context manager.

    Raises:
        ConfigurationError: arguments, OTEL_TRADING_* variables or the file cannot be used; it lists every mistake
            with its place. Mistakes in the specification's own OTEL_* variables are warnings.
    """
    return start({"service_name": service_name, **knobs}, config_file, InMemory())


def start(
    arguments: Mapping[str, Any],
    config_file: str | os.PathLike[str] | None,
    in_memory: InMemory,
    begun_by_itself: bool = False,
) -> Telemetry:
    """`init()` with the places where `otel_trading.testing` puts its in-memory parts.

    Args:
        arguments: of `init()`.
        config_file: likewise.
        in_memory: those parts.
        begun_by_itself: it is a forked child's, and gives way to an `init()` of the application.
    """
    global _active
    if not begun_by_itself and _awakening is not None:
        _awakening.cancel()
    with _lock:
        if _active is not None and _active.begun_by_itself and not begun_by_itself:
            _active.shutdown()
        if _active is not None:
            _active.report_difference({**arguments, "config_file": config_file})
            return _active
        leaving.prepare(shutdown, _after_fork_in_child)
        diagnostics.forget()
        reachability.forget()
        config, warnings = resolve(arguments, config_file)
        diagnostics.speak_up(_LEVELS[config["diagnostics_level"]])
        for warning in warnings:
            diagnostics.say(logging.WARNING, "%s", warning)
        announce(config)
        # known before it is started, so that a fork in the middle of it finds what to make inert
        _active = Telemetry(
            config,
            in_memory,
            (arguments, config_file),
            begun_by_itself=begun_by_itself,
            beside_parent=_parent_serves,
            on_end=_forget,
        )
        try:
            if not config["disabled"]:
                _active.start()
        except BaseException:
            _active = None
            raise
        return _active


def _forget(ended: Telemetry) -> None:
    global _active
    _active = None if _active is ended else _active


def running() -> bool:
    """True between `init()` and `shutdown()`."""
    return _active is not None


def shutdown(timeout_s: float | None = None) -> bool:
    """Stops telemetry if it runs; see `Telemetry.shutdown`."""
    if _awakening is not None:
        _awakening.cancel()
    active = _active
    return True if active is None else active.shutdown(timeout_s)


def flush(timeout_s: float = 5.0) -> bool:
    """Flushes telemetry if it runs; see `Telemetry.flush`."""
    active = _active
    return True if active is None else active.flush(timeout_s)


def tracer(name: str = "otel_trading", version: str | None = None) -> DelegatingTracer:
    """A tracer that lives as long as the process, whatever `init()` and `shutdown()` do."""
    return providers.tracers.get_tracer(name, version)


def meter(name: str = "otel_trading", version: str | None = None) -> DelegatingMeter:
    """A meter that lives as long as the process, whatever `init()` and `shutdown()` do."""
    return providers.meters.get_meter(name, version)


def _begin_in_child(arguments: Mapping[str, Any], config_file: str | os.PathLike[str] | None) -> None:
    """Begins as the parent did, unless the application has begun meanwhile, or is about to."""
    with _lock:
        if _active is None and _awakening is not None and not _awakening.cancelled:
            start(arguments, config_file, InMemory(), begun_by_itself=True)


def _after_fork_in_child() -> None:
    """Makes a forked child a no-op: no thread of the parent exists here, and its locks may be held for ever."""
    global _lock, _active, _parent_serves, _awakening
    _lock = threading.RLock()
    active, _active = _active, None
    before, _awakening = _awakening, None
    _parent_serves = _parent_serves or (active is not None and active.metrics_url is not None)
    diagnostics.after_fork_in_child()
    reachability.after_fork_in_child()
    checks.after_fork_in_child()
    begun_with = before.begun_with if before is not None and before.awaited else None
    if active is not None and active.goes_on_in_children:
        begun_with = active.begun_with
    pipeline.after_fork_in_child()
    leaving.after_fork_in_child(begun_with is not None)
    if active is not None:
        active.after_fork_in_child()
    if begun_with is not None:
        _awakening = Awakening(_begin_in_child, begun_with)
        providers.after_fork_in_child(_awakening.hurry)
        awaited.wait_for(_awakening.hurry)
        _awakening.start()  # last: it may begin before this thread goes on
        return
    if active is None:
        return
    providers.after_fork_in_child()
    if sys.stderr is None or sys.stderr is not sys.__stderr__:  # descriptor 2 may be something else by now
        return
    # not through logging, whose locks another thread may have held
    os.write(2, b"otel_trading: INFO: forked process: telemetry is off here until it calls otel_trading.init()\n")
