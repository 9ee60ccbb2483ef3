"""What can be read of a span, and where it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_trading.hotpath.twin import clock, span_begun
from otel_trading.hotpath.twin.span_begun import (
    ABOVE,
    DECISION,
    FLAGS,
    KIND,
    NAME,
    OFFSET,
    RECORD,
    SAMPLED,
    STARTED,
    STATUS,
    Begun,
)
from otel_trading.hotpath.twin.span_later import Later
from otel_trading.hotpath.twin.span_value import name_of
from otel_trading.hotpath.twin.turn import Turn

if TYPE_CHECKING:
    from otel_trading.hotpath.twin.held import Hold
    from otel_trading.hotpath.twin.span_filing import Offered
    from otel_trading.hotpath.twin.span_recorder import Recorder

RANDOM_BITS = (1 << 56) - 1
RECORD_EXCEPTION, SET_STATUS = 1, 2


class Facts:
    """Ids, times, flags and name of a span."""

    __slots__ = ("_begun", "_ended", "_later", "_open", "_recorder")

    _recorder: Recorder
    _begun: Begun
    _later: Later | None
    _open: Offered
    """Where it ends, until it does: to delete it is one step, so that of two ends one counts. A child has another."""
    _ended: int
    """On the clock of its beginning; there when it has ended."""

    @property
    def trace_id(self) -> int:
        """128 bits."""
        return span_begun.trace_id(self._begun)

    @property
    def span_id(self) -> int:
        """64 bits."""
        return span_begun.span_id(self._begun)

    @property
    def parent_id(self) -> int:
        """64 bits; 0 for none."""
        above: int = self._begun[ABOVE]
        return above

    @property
    def flags(self) -> int:
        """W3C trace flags."""
        flags: int = self._begun[FLAGS]
        return flags & 0xFF

    @property
    def trace_state(self) -> str:
        """As in the header `tracestate`."""
        return self._begun[DECISION][3] or ""

    @property
    def kind(self) -> int:
        """As OTLP counts."""
        kind: int = self._begun[KIND]
        return kind

    @property
    def threshold(self) -> int:
        """Of consistent probability sampling, 0 to 2^56; -1 if none is told."""
        threshold: int = self._begun[DECISION][2]
        return threshold

    @property
    def randomness(self) -> int:
        """The 56 bits that are compared with a threshold."""
        later = self._later
        return self.trace_id & RANDOM_BITS if later is None or later.randomness is None else later.randomness

    @property
    def on_exception(self) -> int:
        """What happens when an exception leaves `with span:`: 1 it is recorded, 2 the status is set."""
        begun = self._begun
        record, status = begun[RECORD] is not False, begun[STATUS] is not False
        return (RECORD_EXCEPTION if record else 0) | (SET_STATUS if status else 0)

    @property
    def owner(self) -> Any:
        """What the recorder was given as the owner of its spans."""
        return self._recorder.owner

    @property
    def name(self) -> str:
        """What it is called now."""
        later, name = self._later, self._begun[NAME]
        if later is not None and later.name is not None:
            name = later.name
        return (name if type(name) is bytes else name_of(name)).decode()

    @property
    def start_ns(self) -> int:
        """UTC nanoseconds."""
        begun = self._begun
        start_ns: int = begun[OFFSET] + begun[STARTED]
        return start_ns

    @property
    def end_ns(self) -> int:
        """UTC nanoseconds; 0 before the end."""
        try:
            end_ns: int = self._begun[OFFSET] + self._ended
        except AttributeError:
            return 0
        return end_ns

    @property
    def fate(self) -> bool | Hold:
        """Whether it is offered, or held."""
        later = self._later
        return bool(self._begun[FLAGS] & SAMPLED) if later is None else later.fate

    def stop_recording(self) -> None:
        """From its beginning: it goes nowhere."""
        del self._open

    def is_recording(self) -> bool:
        """From begin to end."""
        try:
            return self._open is self._recorder.arena.offered
        except AttributeError:
            return False

    def later(self) -> Later:
        """Of this span, made if there is none."""
        later = self._later
        if later is None:
            with Turn.lock:
                later = self._later
                if later is None:
                    self._later = later = Later()
        return later

    def now(self) -> int:
        """The time on the clock of its beginning."""
        later = self._later
        started: int = self._begun[STARTED]
        if later is not None and later.by_wall:
            return clock.Clocks.wall()
        return max(started, clock.monotonic())
