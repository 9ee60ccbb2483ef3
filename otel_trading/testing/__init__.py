"""For the tests of users: telemetry in memory, with a fixed clock and fixed ids.

from otel_trading.testing import capture

with capture() as captured:
    ...
"""

from otel_trading.testing.captured import Captured, Point
from otel_trading.testing.capturing import capture
from otel_trading.testing.fixed import FixedClock, SequentialIds

__all__ = ["Captured", "FixedClock", "Point", "SequentialIds", "capture"]
