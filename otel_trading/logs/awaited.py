"""What takes log records in a forked child until its own pipeline is there."""

from __future__ import annotations

from collections.abc import Callable

from otel_trading.logs import current
from otel_trading.logs.last_resort import SINK as LAST_RESORT
from otel_trading.logs.levels import DEBUG
from otel_trading.logs.record import Record, Sink


class Awaited:
    """The sink of a forked child until its own pipeline is there: the first record waits for that."""

    level_number = DEBUG.number
    service = ""
    has_stdout = False
    busy = False

    def __init__(self, awaken: Callable[[], object]) -> None:
        self._awaken = awaken

    def accept(self, record: Record, *, stdout: bool = True, otlp: bool = True) -> None:
        """Hands the record to the pipeline, or to standard error if there is none."""
        self._awaken()
        sink: Sink | None = current.sink
        if sink is self or sink is None:
            current.sink, sink = None, LAST_RESORT
        if record.level.number >= sink.level_number:
            sink.accept(record, stdout=stdout, otlp=otlp)


def wait_for(awaken: Callable[[], object]) -> None:
    """In a forked child: calls this before the first record is taken."""
    current.sink = Awaited(awaken)
