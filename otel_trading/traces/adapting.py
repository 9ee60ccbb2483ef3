"""Adaptive sampling: less is kept while the process or its telemetry is under pressure, and then what was asked for.

Once a second a thread looks at the pressure. At a limit it halves what may be lowered, and again with each look, down
to 1/64. When everything has been below half of its limit for five looks it doubles again, and so on up to exactly what
was asked for. Who is lowered again soon after waits twice as long the next time, a minute at most.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.trace.sampling import Sampler

from otel_trading.config.config import Config
from otel_trading.delivery.books import Load
from otel_trading.delivery.lasting import LastingThread
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline
from otel_trading.traces.pressure import Pressure, Pressures
from otel_trading.traces.sampler import TradingSampler

QUEUE_LIMIT = 0.5
"""A queue that is half full is on its way to be full."""
LOOK_S = 1.0
LOWEST = 1 / 64
FEWEST_CALM, MOST_CALM = 5, 60
"""Looks without pressure before it is raised."""
_CALM = 0.5
"""Share of the limits below which there is no pressure."""


def begin(sampler: Sampler, config: Config, loads: Callable[[], Sequence[Load]]) -> Adapting | None:
    """Adapts a sampler as the knobs say; None if they say no, if it is none of ours, or if there is nothing to look at.

    Args:
        sampler: of the provider.
        config: the resolved knobs.
        loads: of the workers that send spans.
    """
    limits = Pressure(QUEUE_LIMIT if loads() else 0.0, config["adaptive_cpu_limit"], config["adaptive_loop_lag_s"])
    if not config["adaptive_sampling"] or not isinstance(sampler, TradingSampler) or limits == Pressure():
        return None
    return Adapting(sampler, limits, loads)


class Steps:
    """From pressure to the scale of what may be lowered. Pure: one `step` a look, no clock."""

    def __init__(self, limits: Pressure) -> None:
        self._limits = limits
        self._calm = 0
        self._wanted_calm = FEWEST_CALM
        self._since_raised = MOST_CALM
        self.scale = 1.0
        """1, 1/2, 1/4 ... 1/64."""

    def step(self, pressure: Pressure) -> float:
        """Takes one look into account; the scale from now on."""
        load = self.load(pressure)
        self._since_raised += 1
        if load >= 1:
            self._lower()
        elif load >= _CALM:
            self._calm = 0
        else:
            self._calm += 1
            if self._calm >= self._wanted_calm and self.scale < 1:
                self.scale *= 2
                self._calm = self._since_raised = 0
            elif self.scale == 1 and self._calm >= MOST_CALM:
                self._wanted_calm = FEWEST_CALM
        return self.scale

    def load(self, pressure: Pressure) -> float:
        """How much of its limit is reached by what is nearest to it."""
        return max((part for _, part in self._parts(pressure)), default=0.0)

    def why(self, pressure: Pressure) -> str:
        """What has reached its limit, in words."""
        return " and ".join(what for what, part in self._parts(pressure) if part >= 1)

    def _parts(self, pressure: Pressure) -> Iterable[tuple[str, float]]:
        limits = self._limits
        if limits.queue:
            yield f"telemetry's queue is {pressure.queue:.0%} full", pressure.queue / limits.queue
        if limits.processors:
            yield f"{pressure.processors:.2f} processors are used", pressure.processors / limits.processors
        if limits.loop_lag_s:
            yield f"the event loop is {pressure.loop_lag_s:.3f} s late", pressure.loop_lag_s / limits.loop_lag_s

    def _lower(self) -> None:
        if self._since_raised < self._wanted_calm:  # raised too soon
            self._wanted_calm = min(MOST_CALM, self._wanted_calm * 2)
        self._calm = 0
        self._since_raised = MOST_CALM
        self.scale = max(LOWEST, self.scale / 2)


class Adapting:
    """Lowers a sampler and puts it back, on a thread of its own that is replaced if it dies."""

    def __init__(self, sampler: TradingSampler, limits: Pressure, loads: Callable[[], Sequence[Load]]) -> None:
        """Starts the thread.

        Args:
            sampler: whose ticks, default ratio and lowerable rules are lowered; nothing else of it.
            limits: at which it is lowered; `Pressure(QUEUE_LIMIT)` looks at the queue only.
            loads: of the workers that send spans.
        """
        self._sampler = sampler
        self._steps = Steps(limits)
        self._pressures = Pressures(loads)
        self._stopping = threading.Event()
        self._why = ""
        self._thread = LastingThread("adaptive sampling", self._run)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_S):
            self.look()

    def look(self) -> None:
        """One look, as the thread takes it each second; some 20 us."""
        if self._stopping.is_set():
            return
        before, pressure = self._steps.scale, self._pressures.read()
        scale = self._steps.step(pressure)
        self._why = self._steps.why(pressure) or self._why
        if scale == before:
            return
        self._sampler.scale(scale)
        if before == 1:
            diagnostics.say(
                logging.WARNING,
                "%s: ticks and other traces that may be thinned are thinned until it is over; orders are kept",
                self._why,
            )
        elif scale == 1:
            diagnostics.say(logging.INFO, "sampling is back at what was asked for")

    @property
    def scale(self) -> float:
        """What is kept of what was asked for; 1 is all of it."""
        return self._steps.scale

    def troubles(self) -> dict[str, Any]:
        """For `/health`: the scale and why, while it is lowered; empty otherwise."""
        scale = self.scale
        return {} if scale == 1 else {"sampling lowered": {"scale": scale, "why": self._why}}

    def tell(self, meter: Meter) -> None:
        """Creates the instrument about itself, which is read at each collection."""

        def read(_: CallbackOptions) -> Iterable[Observation]:
            yield Observation(self.scale)

        meter.create_observable_gauge(
            "otel_trading.sampling.scale", [read], "1", "Share of the ratios that adaptive sampling leaves; 1 is all."
        )

    def watch_loop(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Looks at an event loop too, until it is closed; None for the running one.

        Raises:
            RuntimeError: None is given where no loop runs.
        """
        self._pressures.watch(asyncio.get_running_loop() if loop is None else loop)

    def stop(self, deadline: Deadline) -> None:
        """Ends the thread, and puts back what was lowered."""
        self._stopping.set()
        self._thread.join(deadline)
        self._sampler.scale(1.0)

    def after_fork_in_child(self) -> None:
        """The thread does not exist here; what was lowered stays with the parent's sampler."""
        self._stopping = threading.Event()
        self._stopping.set()
        self._thread.after_fork_in_child()
