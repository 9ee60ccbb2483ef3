"""What takes measurements in a forked child until its own provider is there: the first one waits for that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.metrics import NoOpMeterProvider

from otel_trading.metrics.feeds import Feed, Nowhere, ToAwaited
from otel_trading.metrics.instruments import Synchronous
from otel_trading.metrics.units import seconds_like


class AwaitedMeterProvider(NoOpMeterProvider):
    """Stands for the provider that is to come. Safe in threads, each of which waits."""

    def __init__(self, awaken: Callable[[], object]) -> None:
        """Takes what has the provider there when it returns, and every instrument connected to it."""
        self._awaken = awaken

    def feed(self, instrument: Synchronous[Any]) -> Feed:
        """Where measurements go: to the instrument again, once it is connected elsewhere; nowhere if it is not."""

        def record(value: Any, attributes: Any, context: Any) -> None:
            self._awaken()
            if instrument.feed is feed:
                instrument.connect(Nowhere(instrument.name))
            getattr(instrument, instrument.method)(value, attributes, context)

        per_ns = seconds_like(instrument.unit) or 0.0
        feed = ToAwaited(instrument.name, record, per_ns, negative=instrument.negative)
        return feed
