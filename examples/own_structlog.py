"""An application that configured structlog itself: its chain stays, and one processor sends each event to OTLP.

python examples/own_structlog.py
"""

import structlog

import otel_trading as ot

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        ot.structlog_processor(),  # adds trace_id, span_id and service; the line is still written by the renderer
        structlog.processors.JSONRenderer(),
    ],
)

log = structlog.get_logger("market_data")


def recover(venue: str, missing: int) -> None:
    """Asks a venue for what was lost."""
    with ot.tracer("market_data").start_as_current_span("md.gap", attributes={"trading.venue": venue}):
        log.warning("sequence gap", venue=venue, missing=missing)
        log.info("snapshot requested", venue=venue)


if __name__ == "__main__":
    with ot.init("market-data"):
        recover("binance", missing=3)
