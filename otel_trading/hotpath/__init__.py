"""The engine of metrics: cells that a record costs nanoseconds, in C, with a Python twin of the same behaviour.

`choose` gives the engine; both have the same names (see `engine.Engine`). Nothing here knows OpenTelemetry.
"""

from otel_trading.hotpath.choose import EngineMissing, choose
from otel_trading.hotpath.engine import Engine
from otel_trading.hotpath.timed import timed

__all__ = ["Engine", "EngineMissing", "choose", "timed"]
