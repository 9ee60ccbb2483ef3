"""What became of spans, log records and data points, as the semantic convention's `otel.sdk.*` metrics.

They are the books read at each collection, and cost nothing else. Losses carry `error.type`, a reason of the books.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otel_trading.delivery.books import Load
from otel_trading.delivery.lane import Lane
from otel_trading.delivery.outcome import AFTER_SHUTDOWN, BYTES_FULL, NO_MEMORY, QUEUE_FULL

_OF_THE_PROCESSOR = (QUEUE_FULL, BYTES_FULL, AFTER_SHUTDOWN, NO_MEMORY)
"""Reasons for which an item never reached an exporter."""


@dataclass(frozen=True, slots=True)
class Signal:
    """The words that the conventions have for a signal, and the name of its lane."""

    lane: str
    word: str
    unit: str
    exporter: str
    processor: str | None


_LOGS = Signal("logs", "log", "{log_record}", "log_exporter", "batching_log_processor")
SIGNALS = (
    Signal("traces", "span", "{span}", "span_exporter", "batching_span_processor"),
    _LOGS,
    Signal("metrics", "metric_data_point", "{data_point}", "metric_exporter", None),
)

Read = Callable[[Load, dict[str, str]], Iterable[Observation]]


def tell(meter: Meter, lanes: Mapping[str, Lane]) -> None:
    """Creates the instruments.

    Args:
        meter: makes them.
        lanes: by name; what is put in later is told too.
    """
    for signal in SIGNALS:
        _tell_exporter(meter, lanes, signal)
        if signal.processor is not None:
            _tell_processor(meter, lanes, signal, signal.processor)
    _tell_created(meter, lanes)


def _tell_created(meter: Meter, lanes: Mapping[str, Lane]) -> None:
    """For log records only: spans are told where they begin, and data points are made by collections."""

    def created(_: CallbackOptions) -> Iterator[Observation]:
        for load in _loads(lanes, _LOGS)[:1]:  # each exporter is offered everything
            yield Observation(load.books.offered)

    meter.create_observable_counter(
        "otel.sdk.log.created", [created], _LOGS.unit, "What was emitted, of the application's or our logger provider."
    )


def _tell_exporter(meter: Meter, lanes: Mapping[str, Lane], signal: Signal) -> None:
    def components() -> Iterator[tuple[Load, dict[str, str]]]:
        for load in _loads(lanes, signal):
            yield load, exporter(signal, load.kind, load.number)

    def exported(load: Load, component: dict[str, str]) -> Iterator[Observation]:
        yield Observation(load.books.delivered, component)
        for reason, count in load.books.dropped.items():
            if signal.processor is None or reason not in _OF_THE_PROCESSOR:
                yield Observation(count, {**component, "error.type": reason})

    def inflight(load: Load, component: dict[str, str]) -> Iterator[Observation]:
        yield Observation(load.in_flight, component)

    name = f"otel.sdk.exporter.{signal.word}"
    meter.create_observable_counter(
        f"{name}.exported",
        [_each(components, exported)],
        signal.unit,
        "What exporters are done with.",
    )
    meter.create_observable_up_down_counter(
        f"{name}.inflight", [_each(components, inflight)], signal.unit, "Under way to a receiver."
    )


def _tell_processor(meter: Meter, lanes: Mapping[str, Lane], signal: Signal, processor: str) -> None:
    def components() -> Iterator[tuple[Load, dict[str, str]]]:
        for load in _loads(lanes, signal):
            yield load, _component(processor, load.number)

    def processed(load: Load, component: dict[str, str]) -> Iterator[Observation]:
        lost = {reason: count for reason, count in load.books.dropped.items() if reason in _OF_THE_PROCESSOR}
        yield Observation(load.books.offered - load.waiting - sum(lost.values()), component)
        for reason, count in lost.items():
            yield Observation(count, {**component, "error.type": reason})

    def size(load: Load, component: dict[str, str]) -> Iterator[Observation]:
        yield Observation(load.waiting, component)

    def capacity(load: Load, component: dict[str, str]) -> Iterator[Observation]:
        yield Observation(load.capacity, component)

    name = f"otel.sdk.processor.{signal.word}"
    meter.create_observable_counter(
        f"{name}.processed", [_each(components, processed)], signal.unit, "What left the queue."
    )
    meter.create_observable_up_down_counter(
        f"{name}.queue.size", [_each(components, size)], signal.unit, "What waits in the queue."
    )
    meter.create_observable_up_down_counter(
        f"{name}.queue.capacity", [_each(components, capacity)], signal.unit, "Most that may wait in the queue."
    )


def _loads(lanes: Mapping[str, Lane], signal: Signal) -> list[Load]:
    lane = lanes.get(signal.lane)
    return [] if lane is None else lane.loads()


def exporter(signal: Signal, kind: str, number: int) -> dict[str, str]:
    """The attributes of an exporter."""
    return _component(f"{kind}_{signal.exporter}" if kind.startswith("otlp_") else kind, number)


def _component(kind: str, number: int) -> dict[str, str]:
    return {"otel.component.type": kind, "otel.component.name": f"{kind}/{number}"}


def _each(
    components: Callable[[], Iterable[tuple[Load, dict[str, str]]]], read: Read
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def callback(_: CallbackOptions) -> Iterable[Observation]:
        for load, component in components():
            yield from read(load, component)

    return callback
