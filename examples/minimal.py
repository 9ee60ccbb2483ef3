"""A minimal service: three pre-trade risk checks with spans, metrics and log lines.

python examples/minimal.py
"""

import otel_trading as ot
from otel_trading.catalogue import risk

MAX_QUANTITY = 100

log = ot.get_logger("risk")
tracer = ot.tracer("risk")

# A bound handle has its attributes fixed once, so that nothing is looked up while an order waits. Name, unit, buckets
# and the words that are allowed come from the catalogue; a type checker finds a wrong one.
position_limit = risk.pretrade_check_duration.bind(check_type="position_limit")
approved = risk.checks.bind(check_type="position_limit", result="approved")
denied = risk.checks.bind(check_type="position_limit", result="denied")


def check(client_order_id: str, quantity: int) -> bool:
    """True if the order may be sent."""
    attributes = {"trading.order.client_id": client_order_id, "risk.check.type": "position_limit"}
    with tracer.start_as_current_span("risk.check position_limit", attributes=attributes) as span:
        with position_limit.time():
            fits = quantity <= MAX_QUANTITY
        (approved if fits else denied).add(1)
        result = "approved" if fits else "denied"
        span.set_attribute("risk.result", result)
        log.info("risk check done", client_order_id=client_order_id, quantity=quantity, result=result)
        return fits


if __name__ == "__main__":
    with ot.init("risk-manager", version="1.4.2", environment="dev") as telemetry:
        log.info("metrics are served", url=telemetry.metrics_url)
        for number, quantity in enumerate((10, 500, 20), start=1):
            check(f"desk7-{number}", quantity)
