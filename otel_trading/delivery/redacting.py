"""Redaction in front of a transport: on the worker's thread, never on the application's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from otel_trading.delivery.encode import weight
from otel_trading.delivery.outcome import ENCODE_ERROR, Keeping, Outcome, Transport
from otel_trading.ground import diagnostics
from otel_trading.ground.breath import OF_SMALL_STEPS_NS, step


class Redacting:
    """A transport that changes items before another one sends them; off the application's threads."""

    def __init__(self, inner: Transport[Any], redact: Callable[[Any], Any]) -> None:
        """Remembers its parts.

        Args:
            inner: sends.
            redact: the item as it may leave; a chunk of spans without those that must not.
        """
        self._inner = inner
        self._redact = redact
        self._of: Sequence[Any] = ()
        self._redacted: list[Any] = []

    def send(self, items: Sequence[Any], timeout_s: float) -> Outcome:
        """See `Transport.send`; an item that cannot be redacted must not leave, and is lost alone."""
        if items is not self._of:  # else it is the same batch once more
            self._of, self._redacted = items, [redacted for item in items for redacted in self._one(item)]
        offered = weight(items)
        step()
        lost = offered - weight(self._redacted)
        if not self._redacted:
            return Outcome({ENCODE_ERROR: lost})
        step()
        outcome = self._inner.send(self._redacted, timeout_s)
        if not outcome.retry:
            self._of, self._redacted = (), []
        if outcome.retry or not lost:
            return outcome
        return replace(outcome, dropped={**outcome.dropped, ENCODE_ERROR: outcome.dropped.get(ENCODE_ERROR, 0) + lost})

    def _one(self, item: Any) -> list[Any]:
        try:
            redacted = self._redact(item)
            step(OF_SMALL_STEPS_NS)
            return [redacted] if weight([redacted]) else []
        except Exception as error:
            diagnostics.trouble("delivery.not_redacted", "an item cannot be redacted and is not sent: %r", error)
            return []

    @property
    def keeps(self) -> bool:
        """See `Keeping.keeps`."""
        return getattr(self._inner, "keeps", False)

    def flush(self, timeout_s: float) -> bool:
        """See `Keeping.flush`."""
        return cast("Keeping[Any]", self._inner).flush(timeout_s)

    def close(self) -> None:
        """See `Transport.close`."""
        self._inner.close()
