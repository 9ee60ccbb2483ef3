"""The tracer provider that is set once, and delegates to whatever `init()` last built.

OpenTelemetry's global can be set once. Tracers obtained from here therefore live as long as the process: before
`init()` and after `shutdown()` they make non-recording spans, in between they make real ones.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from weakref import WeakSet

from opentelemetry import trace
from opentelemetry.trace import TracerProvider
from opentelemetry.util.types import Attributes

from otel_trading.ground import values
from otel_trading.ground.delegating import Delegating
from otel_trading.traces.attributes import converted
from otel_trading.traces.recording import RecordingTracerProvider
from otel_trading.traces.tracer import DelegatingTracer, starting_of


class DelegatingTracerProvider(Delegating, TracerProvider):
    """Hands out tracers that follow `delegate_to`; everything else is the current provider's own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._target: TracerProvider = trace.NoOpTracerProvider()
        self._tracers: WeakSet[DelegatingTracer] = WeakSet()
        self._awaken: Callable[[], object] | None = None

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> DelegatingTracer:
        """A tracer for the scope; never raises, thread-safe."""
        version = instrumenting_library_version
        scope = (
            values.text(instrumenting_module_name),
            None if version is None else values.text(version),
            None if schema_url is None else values.text(schema_url),
            converted(attributes),
        )
        with self._lock:
            tracer = DelegatingTracer(scope)
            self._direct(tracer)
            self._tracers.add(tracer)
            return tracer

    def delegate_to(self, provider: TracerProvider | None) -> None:
        """Makes every tracer obtained here use `provider`, or nothing for None."""
        with self._lock:
            self._target = provider or trace.NoOpTracerProvider()
            self._awaken = None
            for tracer in list(self._tracers):
                self._direct(tracer)

    def _direct(self, tracer: DelegatingTracer) -> None:
        target = self._target
        if self._awaken is not None:
            tracer.wait_for(self._awaken)
        elif isinstance(target, RecordingTracerProvider):
            target.lead(tracer)
        else:
            tracer.follow(starting_of(target.get_tracer(*tracer.scope)))

    def after_fork_in_child(self, awaken: Callable[[], object] | None = None) -> None:
        """Makes everything a no-op without taking a lock that another thread of the parent may have held.

        Args:
            awaken: called before the first span begins, which `delegate_to` may lead elsewhere by then.
        """
        self._lock = threading.RLock()
        self._target = trace.NoOpTracerProvider()
        self._awaken = awaken
        for tracer in list(self._tracers):
            self._direct(tracer)
