"""Code of others that is to run once, at the end, and may not end itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline


class LastCall:
    """One call, on a daemon thread that waits for it from the beginning: CPython 3.12 starts none while it exits."""

    def __init__(self, name: str, call: Callable[[], object]) -> None:
        """Waits.

        Args:
            name: of what is called, in messages.
            call: what it raises is counted and goes nowhere.
        """
        self._name = name
        self._call = call
        self._due = threading.Event()
        self._over = threading.Event()
        threading.Thread(target=self._run, name=f"otel_trading last call {name}", daemon=True).start()

    def _run(self) -> None:
        self._due.wait()
        try:
            self._call()
        except BaseException as error:
            diagnostics.trouble("delivery.last_call_failed", "the shutdown of %s failed: %r", self._name, error)
        finally:
            self._over.set()

    def begin(self) -> None:
        """Has it called, once, and does not wait."""
        self._due.set()

    def ended(self, deadline: Deadline) -> bool:
        """Waits for its end; says so if it does not come in time."""
        if self._over.wait(deadline.remaining_s()):
            return True
        diagnostics.trouble("delivery.last_call_hangs", "the shutdown of %s did not end in time", self._name)
        return False


def all_ended(calls: Sequence[LastCall], deadline: Deadline) -> bool:
    """Has all called side by side, and waits for them together."""
    for call in calls:
        call.begin()
    return all([call.ended(deadline) for call in calls])
