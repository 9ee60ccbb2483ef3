"""A service that knows OpenTelemetry's API and the standard library only, and is instrumented from outside.

opentelemetry-instrument python examples/auto_instrumented.py

Everything is configured by the environment: OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_ENDPOINT and so on.
"""

import logging

from opentelemetry import metrics, trace

tracer = trace.get_tracer("reconciliation")
breaks = metrics.get_meter("reconciliation").create_counter(
    "reconciliation.breaks", unit="{break}", description="Positions that differ from the drop copy."
)
log = logging.getLogger("reconciliation")


def reconcile(ours: dict[str, float], theirs: dict[str, float]) -> None:
    """Compares positions with what the venue says."""
    with tracer.start_as_current_span("reconcile drop_copy", attributes={"trading.venue": "binance"}):
        for symbol, position in ours.items():
            if position != theirs.get(symbol):
                breaks.add(1, {"trading.venue": "binance"})
                log.warning(
                    "position differs", extra={"symbol": symbol, "ours": position, "theirs": theirs.get(symbol)}
                )


if __name__ == "__main__":
    reconcile({"BTCUSDT": 1.5, "ETHUSDT": 2.0}, {"BTCUSDT": 1.5, "ETHUSDT": 1.0})
