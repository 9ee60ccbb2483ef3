"""A service that logs with the standard library only: its records are bridged, with the trace id of the current span.

python examples/stdlib_logging.py
"""

import logging

import otel_trading as ot

log = logging.getLogger("execution")


def submit(client_order_id: str) -> None:
    """Sends an order to a venue that refuses it."""
    with ot.tracer().start_as_current_span("order.submit binance"):
        log.info("order sent to %s", "binance", extra={"client_order_id": client_order_id})
        try:
            raise ConnectionError("venue closed the session")
        except ConnectionError:
            log.exception("order not acknowledged", extra={"client_order_id": client_order_id})


if __name__ == "__main__":
    # The root logger drops everything below WARNING unless told otherwise; otel_trading leaves levels alone.
    logging.getLogger().setLevel(logging.INFO)
    with ot.init("execution"):
        submit("desk7-1")
