"""An application with OpenTelemetry providers of its own: init() keeps them and joins what can be joined.

python examples/own_providers.py

Its tracer provider exports nowhere, so init() sends its spans. Its meter provider has a reader, so its metrics go
their own way, and are served on /metrics as well. Log lines carry the ids of its spans.
"""

import sys
from urllib.request import urlopen

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

import otel_trading as ot

resource = Resource.create({"service.name": "position-keeper"})
trace.set_tracer_provider(TracerProvider(resource=resource))
reader = PeriodicExportingMetricReader(ConsoleMetricExporter(out=sys.stderr))
metrics.set_meter_provider(MeterProvider([reader], resource=resource))

tracer = trace.get_tracer("positions")
fills = metrics.get_meter("positions").create_counter("positions.fills", unit="{fill}", description="Fills booked.")
log = ot.get_logger("positions")


def book(execution_id: str, quantity: float) -> None:
    """Books one fill."""
    with tracer.start_as_current_span("position.book", attributes={"trading.execution.id": execution_id}):
        fills.add(1, {"trading.venue": "binance"})
        log.info("fill booked", exec_id=execution_id, quantity=quantity)


if __name__ == "__main__":
    with ot.init("position-keeper") as telemetry:
        book("e-1", 0.5)
        book("e-2", 0.25)
        with urlopen(telemetry.metrics_url or "") as page:
            log.info("scraped", fills=[line for line in page.read().decode().splitlines() if "fills_total{" in line])
