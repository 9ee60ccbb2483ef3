"""How exporters introduce themselves: this distribution, then the exporter, as the specification has it."""

from __future__ import annotations

from otel_trading.ground.versions import version


def user_agent() -> str:
    """For the header of that name."""
    return f"otel-trading/{version('otel-trading')} OTel-OTLP-Exporter-Python/{version('opentelemetry-sdk')}"
