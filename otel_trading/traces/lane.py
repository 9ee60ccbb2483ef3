"""The way out of spans: from the arena of the recorders, by the pump, to a worker for each exporter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from opentelemetry.sdk.resources import Resource

from otel_trading.config.config import Config
from otel_trading.config.plan import OTLP_GRPC, OTLP_HTTP, BatchPlan, TracesPlan
from otel_trading.delivery.books import Books, Load
from otel_trading.delivery.lane import Lane
from otel_trading.delivery.outcome import Transport
from otel_trading.delivery.redacting import Redacting
from otel_trading.delivery.span_chunk import Source
from otel_trading.ground.clock import Deadline
from otel_trading.hotpath.chosen import engine
from otel_trading.hotpath.span_engine import Arena
from otel_trading.privacy.redaction import Redactor
from otel_trading.traces.encoded_fields import encoded_resource, encoded_scope
from otel_trading.traces.pump import Pump
from otel_trading.traces.redaction import SpanRedaction
from otel_trading.traces.stock_spans import Readable
from otel_trading.traces.urgency import span_measure

__all__ = ["Flush", "SpanLane", "encoded_scope"]

_OTLP = (OTLP_HTTP, OTLP_GRPC)
_MIB = 1 << 20
_CHUNK_ITEMS = 256
"""Of a chunk at most: to take one out is a copy under the GIL."""
_GRACE_S = 0.05
"""For a thread that was woken to end."""


@dataclass(frozen=True, slots=True)
class Flush:
    """A flush that was begun.

    Attributes:
        tickets: the workers', for what they had then.
        chunks: how many must have left the arena for it.
        all_moved: they had, so that the tickets are for all.
    """

    tickets: list[tuple[int, int]]
    chunks: int
    all_moved: bool


class SpanLane(Lane):
    """A lane with an arena in front of it: each worker gets what comes out of there, and what is offered beside."""

    def __init__(self, plan: TracesPlan, config: Config, redactor: Redactor, resource: Resource) -> None:
        """Creates arena and transports, then starts the threads.

        Args:
            plan: exporters with their queues; the arena is bounded as the largest of them.
            config: has names that are kept always.
            redactor: what leaves goes through it, on the workers' threads.
            resource: whose spans they are.

        Raises:
            ConfigurationError: a transport cannot be made; no thread has been started then.
        """

        def around(batch: BatchPlan, transport: Transport[Any]) -> Transport[Any]:
            inner = transport if batch.exporter.kind in _OTLP else Readable(transport)
            return Redacting(inner, SpanRedaction(redactor).redacted)

        self.resource = resource
        self._pump: Pump | None = None
        self._lost_at_last_flush = 0
        self.arena: Arena = _arena(plan.batches, round(config["kept_memory_mib"] * _MIB))
        """Where recorders put spans that ended."""
        source = Source(resource, encoded_resource(resource))
        measure = span_measure(config["always_spans"])
        super().__init__("traces", plan.batches, around=around, measure=measure, on_room=self._on_room)
        if plan.batches:
            items, delay_s = _least(plan.batches)
            self._pump = Pump(self.arena, source, self.workers, items, delay_s)

    def _on_room(self) -> None:
        if self._pump is not None:
            self._pump.on_room()

    def books(self) -> Books:
        """The workers' books and the arena's added up; with two exporters a span counts twice."""
        return sum((load.books for load in self.loads()), Books())

    def loads(self) -> list[Load]:
        """Each worker at this moment, with what waits for it in the arena."""
        if self._pump is None:
            return []
        self._pump.ensure()
        with self._pump.turn:
            found, loads = self.arena.books(), super().loads()
        queued = found["queued"]
        dropped = {reason: count for reason, count in found["dropped"].items() if count}
        share = Books(queued + sum(dropped.values()), 0, dropped, queued)
        return [replace(load, books=load.books + share, waiting=load.waiting + queued) for load in loads]

    def ask_to_flush(self) -> Any:
        """Begins a flush of everything that was offered and of the spans in the arena; give the ticket to `flushed`."""
        if self._pump is None:
            return None
        self._pump.ensure()
        with self._pump.turn:
            return self._flush(self._pump, self._pump.moved + self.arena.books()["chunks"])

    def _flush(self, pump: Pump, chunks: int) -> Flush:
        """Moves what the workers take, and asks them."""
        with pump.turn:
            pump.move()
            all_moved = pump.moved >= chunks
            return Flush(super().ask_to_flush(), chunks, all_moved)

    def flushed(self, tickets: Any, deadline: Deadline) -> bool:
        """Waits; True if every worker delivered everything and the arena took everything."""
        if self._pump is None:
            return True
        flush = cast(Flush, tickets)
        clean = super().flushed(flush.tickets, deadline)
        while clean and not flush.all_moved:
            flush = self._flush(self._pump, flush.chunks)
            clean = super().flushed(flush.tickets, deadline)
        lost = self._lost_in_arena()
        clean &= lost == self._lost_at_last_flush
        self._lost_at_last_flush = lost
        return clean

    def ask_to_stop(self, deadline: Deadline) -> None:
        """Begins to stop: nothing more is taken, what waits goes to the workers. Does not wait."""
        self.arena.close()
        if self._pump is not None:
            self._pump.move_all()
            self._pump.ask_to_stop()
        super().ask_to_stop(deadline)

    def stop(self, deadline: Deadline) -> bool:
        """Stops every worker and the pump; True if nothing was lost."""
        clean = super().stop(deadline)
        if self._pump is not None:
            self._pump.join(Deadline(_GRACE_S))
        return clean and self._lost_in_arena() == self._lost_at_last_flush

    def after_fork_in_child(self) -> None:
        """Empties everything in a forked child; what waits is the parent's to send."""
        self.arena.close()
        self._lost_at_last_flush = 0
        super().after_fork_in_child()
        if self._pump is not None:
            self._pump.after_fork_in_child()

    def _lost_in_arena(self) -> int:
        return sum(self.arena.books()["dropped"].values())


def _arena(plans: Sequence[BatchPlan], held_bytes: int) -> Arena:
    """As large as the largest queue; closed if nobody is to get what is in it."""
    if not plans:
        closed = engine.Arena(1, 1, held_bytes=0)
        closed.close()
        return closed
    items, size = max(plan.queue_items for plan in plans), max(plan.queue_bytes for plan in plans)
    return engine.Arena(items, size, min(_least(plans)[0], _CHUNK_ITEMS), held_bytes)


def _least(plans: Sequence[BatchPlan]) -> tuple[int, float]:
    """The smallest batch and the shortest delay."""
    return min(plan.batch_items for plan in plans), min(plan.delay_s for plan in plans)
