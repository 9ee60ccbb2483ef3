"""Flushes an exporter that keeps what it is given, after everything before the flush was given to it."""

from __future__ import annotations

from typing import Any, cast

from otel_trading.delivery.outcome import Keeping, Transport
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline


class ExporterFlush:
    """What was asked for, and what came of it. The worker holds its lock around every call but `run`.

    It runs on the worker's thread, as exporters expect: one call at a time. One that hangs in there holds up this
    worker as one that hangs while it exports does, and the flush that waits for it ends with its own limit.
    """

    def __init__(self, name: str, transport: Transport[Any]) -> None:
        """Has nothing to do.

        Args:
            name: in messages.
            transport: one that keeps nothing is never flushed.
        """
        self._name = name
        self._keeping: Keeping[Any] | None = cast(Any, transport) if getattr(transport, "keeps", False) else None
        self._asked = self._answered = 0
        self._deadline = Deadline(0)
        self.clean = True
        """What the exporter said last."""

    def ask(self, number: int, deadline: Deadline) -> None:
        """Flush number so many waits for it until then."""
        if self._keeping is not None and number > self._asked:
            self._asked, self._deadline = number, deadline

    @property
    def due(self) -> bool:
        """It is to run."""
        return self._answered < self._asked

    def done(self, number: int) -> bool:
        """It ran for this flush or a later one, or has no need to."""
        return self._answered >= number or self._keeping is None

    def run(self) -> None:
        """Flushes the exporter, within what is left of the flush that waits longest; says what it raises once."""
        asked, self.clean = self._asked, False
        try:
            self.clean = self._keeping is None or self._keeping.flush(self._deadline.remaining_s())
        except BaseException as error:  # an exporter that raises SystemExit must not end the thread
            diagnostics.trouble("delivery.exporter_failed", "the exporter of %s failed to flush: %r", self._name, error)
        self._answered = asked

    def forget(self) -> None:
        """In a forked child nobody waits any longer."""
        self._answered = self._asked
