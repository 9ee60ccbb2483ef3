"""One signal's workers together: flushed side by side, stopped side by side, one book."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from otel_trading.config.plan import BatchPlan
from otel_trading.delivery import transports
from otel_trading.delivery.books import Books, Load
from otel_trading.delivery.outcome import Transport
from otel_trading.delivery.redacting import Redacting
from otel_trading.delivery.waiting import Measure
from otel_trading.delivery.worker import Concluded, Worker, one
from otel_trading.ground.clock import Deadline


class Lane:
    """The way out of one signal, to none, one or several exporters."""

    def __init__(
        self,
        signal: str,
        plans: Sequence[BatchPlan],
        *,
        redact: Callable[[Any], Any] | None = None,
        measure: Callable[[Any], Measure] = one,
        around: Callable[[BatchPlan, Transport[Any]], Transport[Any]] = lambda _, transport: transport,
        on_room: Callable[[], None] = lambda: None,
    ) -> None:
        """Creates transports, then starts a worker for each.

        Args:
            signal: `traces`, `metrics` or `logs`.
            plans: one an exporter.
            redact: applied to each item on the worker's thread; None for nothing.
            measure: how much an item counts in the books, its size and its urgency.
            around: puts something of the plan's own around a transport.
            on_room: called, on a worker's thread, when a batch left its queue.

        Raises:
            ConfigurationError: a transport cannot be made; no thread has been started then.
        """
        ready: list[tuple[BatchPlan, Transport[Any]]] = []
        for plan in plans:
            transport = around(plan, transports.create(signal, plan.exporter))
            ready.append((plan, transport if redact is None else Redacting(transport, redact)))
        self._kinds = tuple(plan.exporter.kind for plan in plans)
        self.workers: tuple[Worker[Any], ...] = tuple(
            Worker(
                f"{signal} to {plan.exporter.kind}",
                transport,
                delay_s=plan.delay_s if signal != "metrics" else 0.0,
                queue_items=plan.queue_items,
                batch_items=plan.batch_items,
                export_timeout_s=plan.export_timeout_s,
                queue_bytes=plan.queue_bytes,
                measure=measure,
                on_room=on_room,
            )
            for plan, transport in ready
        )

    def offer(self, item: Any) -> None:
        """Offers an item to every worker; never blocks, never raises."""
        for worker in self.workers:
            worker.offer(item)

    def books(self) -> Books:
        """The workers' books added up; with two exporters an item counts twice."""
        return sum((worker.books() for worker in self.workers), Books())

    def loads(self) -> list[Load]:
        """Each worker at this moment."""
        return [
            worker.load(kind, number)
            for number, (worker, kind) in enumerate(zip(self.workers, self._kinds, strict=True))
        ]

    def watch(self, concluded: Callable[[str, int], Concluded]) -> None:
        """Tells of every export that is over from now on.

        Args:
            concluded: makes, of the kind and number of an exporter, what is told.
        """
        for number, (worker, kind) in enumerate(zip(self.workers, self._kinds, strict=True)):
            worker.on_concluded = concluded(kind, number)

    def ask_to_flush(self) -> list[tuple[int, int]]:
        """Begins a flush of every worker; give the tickets to `flushed`."""
        return [worker.ask_to_flush() for worker in self.workers]

    def flushed(self, tickets: list[tuple[int, int]], deadline: Deadline) -> bool:
        """Waits; True if every worker delivered everything."""
        return all([worker.flushed(ticket, deadline) for worker, ticket in zip(self.workers, tickets, strict=True)])

    def ask_to_stop(self, deadline: Deadline) -> None:
        """Begins to stop every worker; does not wait."""
        for worker in self.workers:
            worker.ask_to_stop(deadline)

    def stop(self, deadline: Deadline) -> bool:
        """Stops every worker; True if nothing was lost."""
        self.ask_to_stop(deadline)
        return all([worker.stop(deadline) for worker in self.workers])

    def after_fork_in_child(self) -> None:
        """Empties every queue and book in a forked child; what waits is the parent's to send."""
        for worker in self.workers:
            worker.after_fork_in_child()
