"""How many spans began and are open, as the semantic convention's `otel.sdk.span.started` and `otel.sdk.span.live`."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from otel_trading.hotpath.span_engine import Arena

_RESULTS = ("DROP", "RECORD_ONLY", "RECORD_AND_SAMPLE")
_ORIGINS = ("none", "local", "remote")
_RESULT, _ORIGIN = "otel.span.sampling_result", "otel.span.parent.origin"


def tells_what_began(arena: Arena) -> Callable[[Meter], None]:
    """Creates a meter's counters of spans; the arena counts, and they are read at each collection.

    Only what has happened is told: an application has two or three of the nine kinds of beginnings.
    """

    def started(_: CallbackOptions) -> Iterable[Observation]:
        counts = arena.counts()["started"]
        for place, count in enumerate(counts):
            if count:
                result, origin = divmod(place, len(_ORIGINS))
                yield Observation(count, {_RESULT: _RESULTS[result], _ORIGIN: _ORIGINS[origin]})

    def live(_: CallbackOptions) -> Iterable[Observation]:
        for result, count in zip(_RESULTS[1:], arena.counts()["live"], strict=True):
            yield Observation(count, {_RESULT: result})

    def create(meter: Meter) -> None:
        meter.create_observable_counter("otel.sdk.span.started", [started], "{span}", "Spans that began.")
        meter.create_observable_up_down_counter(
            "otel.sdk.span.live", [live], "{span}", "Spans that record and have not ended."
        )

    return create
