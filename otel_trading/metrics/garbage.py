"""How long each garbage collection of the interpreter takes, told by CPython's own callbacks.

While one runs, no Python of the process does: a pause of milliseconds is what a trading loop feels.
"""

from __future__ import annotations

import gc
from contextlib import suppress

from opentelemetry.metrics import MeterProvider

from otel_trading.ground import clock
from otel_trading.ground.versions import version
from otel_trading.metrics.handles import BoundHistogram, bind

NAME = "otel_trading.runtime.gc.pause.duration"
BOUNDARIES = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
"""Of the registry, in seconds."""


class GarbageCollections:
    """Records collections from `begin` to `end`, whichever thread they run in; one object a provider."""

    def __init__(self, provider: MeterProvider, scope: str) -> None:
        """Makes the histogram.

        Args:
            provider: whose it is.
            scope: name of the instrumentation scope.
        """
        made = provider.get_meter(scope, version("otel-trading")).create_histogram(
            NAME,
            "s",
            "Time of one garbage collection.",
            explicit_bucket_boundaries_advisory=BOUNDARIES,
        )
        self._handle: BoundHistogram = bind(made)
        self._began_at = 0

    def begin(self) -> None:
        """Is told of each collection from now on."""
        gc.callbacks.append(self._told)

    def end(self) -> None:
        """Is told of none any more."""
        with suppress(ValueError):  # it ended before
            gc.callbacks.remove(self._told)

    def _told(self, phase: str, _: dict[str, int]) -> None:
        # collections never overlap: begin and end of one are told in the thread that runs it
        if phase == "start":
            self._began_at = clock.now()
        elif self._began_at:
            self._handle.record_since(self._began_at)
            self._began_at = 0
