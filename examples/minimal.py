"""A minimal service: three pre-trade risk checks with spans, metrics and log lines.

python examples/minimal.py
"""

import otel_trading as ot

MAX_QUANTITY = 100

log = ot.get_logger("risk")
tracer = ot.tracer("risk")
meter = ot.meter("risk")
results = meter.create_counter("risk.checks", unit="{check}", description="Risk checks by result.")
duration = meter.create_histogram("risk.check.duration", unit="s", description="Time of one risk check.")

# A bound handle has its attributes fixed once, so that nothing is looked up while an order waits.
position_limit = ot.bind(duration, {"risk.check.type": "position_limit"})


def check(client_order_id: str, quantity: int) -> bool:
    """True if the order may be sent."""
    attributes = {"trading.order.client_id": client_order_id, "risk.check.type": "position_limit"}
    with tracer.start_as_current_span("risk.check position_limit", attributes=attributes) as span:
        with position_limit.time():
            result = "passed" if quantity <= MAX_QUANTITY else "denied"
        span.set_attribute("risk.result", result)
        results.add(1, {"risk.result": result})
        log.info("risk check done", client_order_id=client_order_id, quantity=quantity, result=result)
        return result == "passed"


if __name__ == "__main__":
    views = [ot.HistogramView("risk.*", boundaries=ot.boundaries.MICROSECONDS)]
    with ot.init("risk-manager", version="1.4.2", environment="dev", views=views) as telemetry:
        log.info("metrics are served", url=telemetry.metrics_url)
        for number, quantity in enumerate((10, 500, 20), start=1):
            check(f"desk7-{number}", quantity)
