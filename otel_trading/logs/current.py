"""The current pipeline, looked up at each call: a logger outlives any `init()` and `shutdown()`."""

from __future__ import annotations

from otel_trading.logs.record import Sink

sink: Sink | None = None
"""The pipeline of the current `init()`, or None. Read and replaced in one step, so it needs no lock."""
