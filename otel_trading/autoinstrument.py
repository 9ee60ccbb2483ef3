"""`opentelemetry-instrument python service.py`: telemetry without a line of code.

The two entry points are found by opentelemetry-instrumentation. A failure is one error line, and the application
runs.
"""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro

from otel_trading import runtime, sdk
from otel_trading.ground import diagnostics


class Distro(BaseDistro):  # type: ignore[misc]  # opentelemetry-instrumentation ships no types
    """Sets nothing by itself: our knobs have their defaults, and os.environ is nobody's notepad."""

    def _configure(self, **kwargs: Any) -> None:
        """Does nothing."""

    def load_instrumentor(self, entry_point: Any, **kwargs: Any) -> None:
        """Activates one instrumentation; asyncio and threads are left to the knobs, which `init()` has obeyed."""
        if entry_point.name not in ("asyncio", "threading"):
            super().load_instrumentor(entry_point, **kwargs)


class Configurator(sdk.BaseConfigurator):
    """Calls `init()` before the application starts; the application's own `init()` then finds it running."""

    def _configure(self, **kwargs: Any) -> None:
        """Calls `init()`; never raises."""
        try:
            runtime.init()
        except Exception as error:
            diagnostics.speak_up()
            diagnostics.say(
                logging.ERROR, "telemetry is off, the application runs without it: %s", " ".join(str(error).split())
            )
