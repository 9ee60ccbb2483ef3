"""One run of the demo: store, receiver and services together, stepped by whoever shows them."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from otel_trading.demo.mirror import Mirror
from otel_trading.demo.scrape import Endpoint
from otel_trading.demo.services import MARKET_DATA, ORDER_STAGES, SERVICES
from otel_trading.demo.stack import Stack
from otel_trading.demo.supervise import ChildDied, Supervisor
from otel_trading.ground.clock import monotonic_ns
from otel_trading.viewer import runs
from otel_trading.viewer.reader import StoreReader, TraceSummary
from otel_trading.viewer.receiver import Receiver
from otel_trading.viewer.store import Store

READY_WITHIN_S = 30.0
_DRAIN_S = 2.0
_STACK_SETTLES_S = 30.0
_STEP_S = 0.05
_SCRAPE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for.

    Attributes:
        duration_s: seconds from the moment all services run; None means until Ctrl-C.
        rate: ticks a second.
        seed: of the market, the strategy and the venue.
        replay: a recording instead of the simulated market.
        store: file of the store; None means one in the run's directory.
        keep: later runs do not remove this run's directory.
        stack: where the services send to instead of the embedded receiver, and where it is found again.
    """

    duration_s: float | None = None
    rate: float = 200.0
    seed: int = 7
    replay: Path | None = None
    as_json: bool = False
    store: Path | None = None
    keep: bool = False
    stack: Stack | None = None


class NotReady(Exception):
    """A service did not get ready in time; the message tells which."""


@dataclass(slots=True)
class Story:
    """What is known of the run so far; the screen reads it.

    Attributes:
        first_complete_s: seconds from the start of the run to its first complete order in the store.
        newest: the newest complete order.
        trouble: why the run ended early.
    """

    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    statuses: dict[str, dict[str, Any]] = field(default_factory=dict)
    ready_s: float | None = None
    first_complete_s: float | None = None
    newest: TraceSummary | None = None
    trouble: ChildDied | NotReady | None = None
    exit_codes: dict[str, int] = field(default_factory=dict)


class Session:
    """Owns everything of a run. Use it as a context manager in one thread; leaving it ends everything.

    Attributes:
        began_ns: UTC nanoseconds; older orders in a reused store are not this run's.
    """

    def __init__(self, options: Options) -> None:
        """Opens store and receiver.

        Raises:
            StoreError: the store cannot be written.
            OSError: there is no writable place for the run's files.
        """
        self.options = options
        self.story = Story()
        self.began_ns, self._began = time.time_ns(), monotonic_ns()
        self.run = runs.create(keep=options.keep)
        try:
            self.store_path = (options.store or self.run.store_path).absolute()
            self._store = Store(self.store_path)
        except BaseException:
            self.run.close()
            raise
        self._source = self._open_source()
        self.reader = StoreReader(self.store_path)
        # the way to a stack may need headers or certificates
        keep = "OTEL_EXPORTER_OTLP_" if options.stack else None
        self._supervisor = Supervisor(self.run.path, keep_variables=keep)
        self._scraped_ns = self._ready_ns = 0
        self._told: set[str] = set()

    def _open_source(self) -> Receiver | Mirror:
        """What fills the store: the services themselves, or what the stack's stores have of them."""
        stack = self.options.stack
        if stack is None:
            return Receiver(self._store, run_id=self.run.run_id)
        return Mirror(self._store, stack.jaeger, stack.elasticsearch, self.began_ns)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self.reader.close()
        self._store.close()
        self.run.close()

    @property
    def otlp_endpoint(self) -> str:
        """Where the services send to."""
        if self.options.stack is not None:
            return self.options.stack.otlp_endpoint
        assert isinstance(self._source, Receiver)
        return self._source.url

    @property
    def received(self) -> dict[str, int]:
        """What came into the store, and how often that failed."""
        return dict(self._source.counts)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return (monotonic_ns() - self._began) / 1e9

    def start(self) -> None:
        """Starts the four services side by side; each waits for the endpoint of the one before it."""
        options = self.options
        for service in SERVICES:
            arguments = ["--otlp-endpoint", self.otlp_endpoint, "--seed", str(options.seed)]
            arguments += ["--metrics-exporter", options.stack.metrics_exporters] if options.stack else []
            if service.receives:
                arguments += ["--source", "-"]
            else:
                arguments += ["--rate", repr(options.rate)]
                arguments += ["--replay", str(options.replay.absolute())] if options.replay else []
            self._supervisor.start(service.name, service.module, arguments)

    def play(self, stop: threading.Event, show: Any) -> None:
        """Runs until the time is up, the recording is over, `stop` is set, or a service fails (`story.trouble`).

        Args:
            stop: set by Ctrl-C.
            show: called with this session after each step, about twenty times a second.
        """
        ends_ns: int | None = None
        try:
            while not stop.wait(_STEP_S):
                self._step()
                show(self)
                ends_ns = self._end_ns(ends_ns)
                if ends_ns is not None and monotonic_ns() >= ends_ns:
                    break
        except (ChildDied, NotReady) as error:
            self.story.trouble = error
        else:
            self._scrape()

    def end(self) -> None:
        """Ends the services, then the receiver, so that what they send last is stored. A second call does nothing."""
        if not self.story.exit_codes:
            self.story.exit_codes = self._supervisor.stop(timeout_s=4)
            if self.options.stack is not None:
                self.options.stack.tell_prometheus([])
            self.story.statuses = {name: child.status() for name, child in self._supervisor.children.items()}
            if isinstance(self._source, Receiver):
                self._source.stop()
            else:
                self._source.finish(_STACK_SETTLES_S)
            self._look_for_orders()  # the last ones arrive while the services end

    def _step(self) -> None:
        self._supervisor.check()
        self._introduce()
        if self.story.ready_s is not None:
            if monotonic_ns() - self._scraped_ns > _SCRAPE_EVERY_S * 1e9:
                self._scrape()
            self._look_for_orders()
        elif self.elapsed_s > READY_WITHIN_S:
            late = [name for name in self._supervisor.children if self._state(name) not in ("running", "finished")]
            raise NotReady(f"not ready after {READY_WITHIN_S:.0f} s: {', '.join(late)}")

    def _introduce(self) -> None:
        """Reads what the services tell, and tells each the endpoint of the one before it."""
        story = self.story
        for name, child in self._supervisor.children.items():
            story.statuses[name] = child.status()
            url = story.statuses[name].get("metrics_url")
            if url and name not in story.endpoints:
                story.endpoints[name] = Endpoint(url)
                self._tell_prometheus()
        for before, service in pairwise(SERVICES):
            endpoint = story.statuses[before.name].get("endpoint")
            if endpoint and service.name not in self._told:
                self._told.add(service.name)
                self._supervisor.hand_over(service.name, endpoint)
        if story.ready_s is None and all(self._state(service.name) in ("running", "finished") for service in SERVICES):
            story.ready_s, self._ready_ns = self.elapsed_s, monotonic_ns()

    def _tell_prometheus(self) -> None:
        if self.options.stack is not None:
            self.options.stack.tell_prometheus([endpoint.url for endpoint in self.story.endpoints.values()])

    def _state(self, name: str) -> str:
        return str(self.story.statuses.get(name, {}).get("state", ""))

    def _scrape(self) -> None:
        self._scraped_ns = monotonic_ns()
        for endpoint in self.story.endpoints.values():
            endpoint.read()

    def _look_for_orders(self) -> None:
        newest = self.reader.newest_complete_order(ORDER_STAGES, since_ns=self.began_ns)
        if newest is not None:
            self.story.newest = newest
            if self.story.first_complete_s is None:
                self.story.first_complete_s = self.elapsed_s

    def _end_ns(self, known: int | None) -> int | None:
        """Returns the monotonic moment of the end, as soon as it is known."""
        if known is not None or self.story.ready_s is None:
            return known
        if self._state(MARKET_DATA) == "finished":
            return monotonic_ns() + int(_DRAIN_S * 1e9)
        duration_s = self.options.duration_s
        if duration_s is not None and monotonic_ns() >= self._ready_ns + int(duration_s * 1e9):
            return monotonic_ns()
        return None
