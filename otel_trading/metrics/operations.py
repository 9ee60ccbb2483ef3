"""How long exports take, as the semantic convention's `otel.sdk.exporter.operation.duration`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from opentelemetry.metrics import Meter

from otel_trading.delivery.lane import Lane
from otel_trading.delivery.worker import Concluded
from otel_trading.metrics.deliveries import SIGNALS, Signal, exporter

NAME = "otel.sdk.exporter.operation.duration"


def tells_how_long_exports_take(lanes: Mapping[str, Lane]) -> Callable[[Meter], None]:
    """Has a meter's histogram told of each export of the lanes there are: one measurement, whatever its attempts.

    Its time is from the beginning of the first attempt to the end of the last, waits between them included.
    `error.type` is why it failed, a reason of the books; an export of which a receiver took a part only failed.
    """

    def create(meter: Meter) -> None:
        duration = meter.create_histogram(NAME, "s", "Time of one export with all its attempts.")
        for signal in SIGNALS:
            if signal.lane not in lanes:
                continue

            def concluded(kind: str, number: int, signal: Signal = signal) -> Concluded:
                component = exporter(signal, kind, number)

                def told(duration_s: float, error_type: str | None) -> None:
                    failed = {} if error_type is None else {"error.type": error_type}
                    duration.record(duration_s, {**component, **failed})

                return told

            lanes[signal.lane].watch(concluded)

    return create
