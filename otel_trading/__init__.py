"""OpenTelemetry for trading systems in Python: see every tick, feel none of it.

import otel_trading as ot

telemetry = ot.init("risk-manager")
"""

from otel_trading.ground.errors import ConfigurationError, OtelTradingError
from otel_trading.health.checks import health_check
from otel_trading.hotpath.timed import timed
from otel_trading.logs.chain import structlog_processor
from otel_trading.logs.logger import get_logger
from otel_trading.metrics import boundaries
from otel_trading.metrics.boundaries import Boundaries
from otel_trading.metrics.engine import now
from otel_trading.metrics.handles import bind
from otel_trading.metrics.histogram_view import HistogramView, exponential, log_linear
from otel_trading.runtime import flush, init, meter, shutdown, tracer
from otel_trading.telemetry import Telemetry

__all__ = [
    "Boundaries",
    "ConfigurationError",
    "HistogramView",
    "OtelTradingError",
    "Telemetry",
    "bind",
    "boundaries",
    "exponential",
    "flush",
    "get_logger",
    "health_check",
    "init",
    "log_linear",
    "meter",
    "now",
    "shutdown",
    "structlog_processor",
    "timed",
    "tracer",
]
