"""Redaction in front of a transport: on the worker's thread, never on the application's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from otel_trading.delivery.outcome import Outcome, Transport


class Redacting:
    """A transport that changes items before another one sends them; off the application's threads."""

    def __init__(self, inner: Transport[Any], redact: Callable[[Any], Any]) -> None:
        self._inner = inner
        self._redact = redact

    def send(self, items: Sequence[Any], timeout_s: float) -> Outcome:
        """See `Transport.send`."""
        return self._inner.send([self._redact(item) for item in items], timeout_s)

    def close(self) -> None:
        """See `Transport.close`."""
        self._inner.close()
