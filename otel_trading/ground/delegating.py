"""What the three providers of OpenTelemetry's globals share: they are set once, and follow whatever is current."""

from __future__ import annotations

from typing import Any


class Delegating:
    """A provider whose calls reach `_target`: the current one, or one of the API's that does nothing."""

    _target: Any

    def force_flush(self, *limit: float, **named: float) -> bool:
        """Delivers what waits within `timeout_millis`; True if all of it was, and where there is nothing to deliver."""
        flush = getattr(self._target, "force_flush", None)
        return flush is None or bool(flush(*limit, **named))

    def shutdown(self, *limit: float, **named: float) -> None:
        """Delivers what waits, within the target's limit, and takes no more until the next `init()`."""
        shut_down = getattr(self._target, "shutdown", None)
        if shut_down is not None:
            shut_down(*limit, **named)

    def __getattr__(self, name: str) -> Any:
        # add_span_processor, add_metric_reader, resource ...: third-party code expects the SDK's provider here
        return getattr(self.__dict__["_target"], name)
