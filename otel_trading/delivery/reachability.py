"""Says one line when a receiver stops answering and one when it answers again, whatever the number of signals."""

from __future__ import annotations

import logging
import threading
from urllib.parse import urlsplit

from otel_trading.ground import diagnostics
from otel_trading.ground.breath import step

_lock = threading.RLock()
_silent: dict[str, str] = {}


def place(endpoint: str) -> str:
    """Scheme, host and port of an address, without the credentials that it may carry."""
    parts = urlsplit(endpoint)
    if not parts.hostname:
        return endpoint.rsplit("@", 1)[-1]
    port = f":{parts.port}" if parts.port else ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{port}"


def failed(endpoint: str, why: str) -> None:
    """Notes a failed attempt and says so if the receiver answered before or was never asked."""
    where = place(endpoint)
    with _lock:
        first = where not in _silent
        _silent[where] = why
    if first:
        step()
        diagnostics.say(
            logging.WARNING,
            "no OpenTelemetry receiver takes data at %s (%s). Telemetry waits in bounded queues; what does not fit is "
            "dropped and counted. Start a collector there, set OTEL_EXPORTER_OTLP_ENDPOINT, or choose "
            "OTEL_TRACES_EXPORTER=none and the same for METRICS and LOGS.",
            where,
            why,
        )


def answered(endpoint: str) -> None:
    """Notes a success and says so if the receiver had been silent."""
    if not _silent:
        return
    where = place(endpoint)
    with _lock:
        recovered = _silent.pop(where, None) is not None
    if recovered:
        diagnostics.say(logging.INFO, "the OpenTelemetry receiver at %s takes data again", where)


def silent_places() -> dict[str, str]:
    """Receivers that do not answer now, with the reason; `/health` shows them."""
    with _lock:
        return dict(_silent)


def forget() -> None:
    """Forgets all places; a new `init()` starts with this."""
    with _lock:
        _silent.clear()


def after_fork_in_child() -> None:
    """Replaces the lock, which another thread of the parent may have held."""
    global _lock
    _lock = threading.RLock()
    _silent.clear()
