"""What `init()` returns: it builds every part from the configuration, runs them, and stops them within one deadline."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any

from opentelemetry import propagate
from opentelemetry.metrics import Meter
from opentelemetry.sdk.resources import Resource

from otel_trading import leaving, providers, sdk
from otel_trading.config.config import Config
from otel_trading.config.kinds import Rejected
from otel_trading.config.knobs import KNOBS
from otel_trading.config.plan import EndpointPlan, LogsPlan, MetricsPlan, Plan, TracesPlan, from_knobs
from otel_trading.config.resolve import running_under_pytest
from otel_trading.context import threads
from otel_trading.delivery import farewell, reachability
from otel_trading.delivery.books import Books
from otel_trading.delivery.lane import Lane
from otel_trading.delivery.last_call import all_ended
from otel_trading.ground import diagnostics
from otel_trading.ground.clock import Deadline
from otel_trading.ground.errors import ConfigurationError, Problem
from otel_trading.health import forms
from otel_trading.health.report import health_page
from otel_trading.health.server import Page, Server, listen
from otel_trading.logs import part as logs_part
from otel_trading.logs import pipeline
from otel_trading.logs.processors import RecordProcessors
from otel_trading.metrics import operations
from otel_trading.metrics.part import MetricsPart
from otel_trading.privacy.destinations import Destinations
from otel_trading.privacy.redaction import Redactor
from otel_trading.resource import create_resource
from otel_trading.traces import adapting, beginnings, keeping, propagation, redirects
from otel_trading.traces import part as traces_part
from otel_trading.traces.origin import Processors

Undo = Callable[[], None]
BegunWith = tuple[Mapping[str, Any], str | os.PathLike[str] | None]
"""Arguments of `init()`, and the configuration file."""


@dataclass(frozen=True, slots=True)
class InMemory:
    """What `otel_trading.testing` adds: a span processor, a metric reader, a log processor, an id generator."""

    span_processor: Any = None
    reader: Any = None
    log_processor: Any = None
    ids: Any = None


class Telemetry:
    """What `init()` returns; also a context manager whose outermost block shuts down.

    Thread-safe. A forked child's copy is inert; the child has one of its own.

    Attributes:
        config: the frozen configuration with the source of each value.
        redactor: what masks secrets; `redactor.text(...)` and `redactor.mapping(...)` show what leaves.
        metrics_url: where Prometheus scrapes; None if nothing is served.
    """

    def __init__(
        self,
        config: Config,
        in_memory: InMemory,
        begun_with: BegunWith,
        *,
        begun_by_itself: bool,
        beside_parent: bool,
        on_end: Callable[[Telemetry], None],
    ) -> None:
        self.config = config
        self.metrics_url: str | None = None
        self.begun_by_itself = begun_by_itself
        self.begun_with = begun_with
        self._in_memory = in_memory
        self._beside_parent = beside_parent
        self._on_end = on_end
        self.redactor = Redactor()
        self.resource = Resource.get_empty()
        self._lanes: dict[str, Lane] = {}
        self._metrics: MetricsPart | None = None
        self._logs: pipeline.LogPipeline | None = None
        self._adapting: adapting.Adapting | None = None
        self._server: Server | None = None
        self._endpoint_trouble = ""
        self._undo: list[Undo] = []
        self._told: list[Processors | RecordProcessors] = []
        self._blocks = 0
        self._stopped = False
        self._clean = True
        self._ending = threading.RLock()
        self._ended = threading.Event()

    # -- starting ------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Builds every part; on a configuration mistake takes back what was built and raises ConfigurationError."""
        silent = self.config["under_pytest"] == "silent" and running_under_pytest()
        try:
            plan = _plan(self.config, silent)
            if self._beside_parent:
                plan = _for_child(plan, self.config)
            self.redactor = _redactor(self.config)
            self.resource = create_resource(self.config, plan)
            foreign = providers.claim()
            self._start_metrics(plan.metrics, plan.endpoint, foreign.meters)
            self._start_traces(plan.traces, foreign.tracers)
            self._start_logs(plan.logs, foreign.loggers)
            self._tell(operations.tells_how_long_exports_take(self._lanes))
            self._open_endpoint(self._placed(plan.endpoint))
            self._guard_propagation(plan)
            self._carry_context(plan)
            leaving.prepare_this_process()
            if self.config["flush_on_sigterm"]:
                leaving.watch_sigterm(self.config["shutdown_timeout_s"])
                self._undo.append(leaving.unwatch_sigterm)
        except BaseException:
            self._stopped = True
            self._stop(Deadline(0))
            raise

    def _start_traces(self, plan: TracesPlan | None, foreign: Any) -> None:
        if plan is None:
            return
        lane = self._lanes["traces"] = traces_part.create_lane(plan, self.config, self.redactor, self.resource)
        if foreign is not None:
            self._undo.append(traces_part.join(foreign, lane))
            providers.tracers.delegate_to(foreign)
            return
        provider = traces_part.create_provider(plan, self.config, self.resource, lane, self._in_memory.ids)
        self._told.append(provider.processors)
        if self._in_memory.span_processor is not None:
            provider.add_span_processor(self._in_memory.span_processor)
        self._adapting = adapting.begin(provider.sampler, self.config, lane.loads)
        self._tell(beginnings.tells_what_began(lane.arena))
        if self._adapting is not None:
            self._tell(self._adapting.tell)
        if provider.keeping.any:
            self._tell(keeping.tells_what_was_forgotten(lane.arena))
        providers.tracers.delegate_to(provider)

    def _tell(self, further: Callable[[Meter], None]) -> None:
        """Has a part create its instruments about itself, where metrics are recorded."""
        if self._metrics is not None:
            self._metrics.tell(further)

    def _start_metrics(self, plan: MetricsPlan | None, endpoint: EndpointPlan | None, foreign: Any) -> None:
        if plan is None:
            return
        extra = (self._in_memory.reader,) if self._in_memory.reader is not None else ()
        self._metrics = MetricsPart(plan, self.config, endpoint, extra)
        self._lanes["metrics"] = self._metrics.lane
        if foreign is not None:
            self._undo.append(self._metrics.join(foreign, self.resource))
            providers.meters.delegate_to(foreign)
            return
        providers.meters.delegate_to(self._metrics.create_provider(self.resource, self._lanes))

    def _start_logs(self, plan: LogsPlan | None, foreign: Any) -> None:
        provider: Any = sdk.NoOpLoggerProvider()
        if plan is not None:
            lane = self._lanes["logs"] = logs_part.create_lane(plan, self.redactor)
            if foreign is not None:
                self._undo.append(logs_part.join(foreign, lane))
                provider = foreign
            else:
                provider, processors = logs_part.create_provider(plan, self.resource, lane)
                self._told.append(processors)
                if self._in_memory.log_processor is not None:
                    provider.add_log_record_processor(self._in_memory.log_processor)
        providers.loggers.delegate_to(provider)
        options = pipeline.LogOptions(
            service=str(self.resource.attributes.get("service.name", "")),
            level=self.config["log_level"],
            stdout=self.config["stdout"],
            bridge_standard_library=self.config["bridge_standard_library"],
        )
        self._logs = pipeline.start(options, providers.loggers, self.redactor)

    def _open_endpoint(self, plan: EndpointPlan | None) -> None:
        """Serves /metrics and /health; without them telemetry goes on, degraded, unless `strict`."""
        if plan is None or self._metrics is None or self._metrics.exposition is None:
            return
        service = str(self.resource.attributes.get("service.name", ""))
        pages: dict[str, Page] = {
            "/metrics": self._metrics.exposition.page,
            "/health": self._health_page(service),
        }
        try:
            self._server = listen(plan, pages)
        except OSError as error:
            setting = self.config.settings["prometheus_port"]
            problem = Problem(
                "prometheus_port",
                setting.source,
                "an address where /metrics can be served",
                repr(plan.port),
                f"{error.strerror or error}.",
            )
            if self.config["strict"]:
                raise ConfigurationError([problem]) from error
            self._endpoint_trouble = str(problem)
            diagnostics.say(logging.ERROR, "%s Telemetry goes on without /metrics and /health.", problem)
            return
        host = f"[{plan.host.strip('[]')}]" if ":" in plan.host else plan.host
        self.metrics_url = f"{'https' if plan.certificate else 'http'}://{host}:{self._server.server_port}/metrics"

    def _placed(self, plan: EndpointPlan | None) -> EndpointPlan | None:
        """On the port of the profile, if there is one profile and nobody set a port."""
        profiles = self._metrics.profiles if self._metrics is not None else ()
        if plan is None or len(profiles) != 1 or plan.port_explicit or self.config.file is not None:
            return plan
        port = profiles[0].place.port_of(str(self.resource.attributes.get("service.name", "")))
        return plan if port is None else replace(plan, port=port)

    def _health_page(self, service: str) -> Page:
        """In the form of the first profile that has one of its own."""
        metrics = self._metrics
        profiles = metrics.profiles if metrics is not None else ()
        form = next((profile.health for profile in profiles if profile.health != "json"), "json")
        if form == "bog" and metrics is not None and metrics.profile_pages is not None:
            return forms.bog_page(metrics.profile_pages.values)
        return forms.text_page() if form == "text" else health_page(service, self.telemetry_troubles)

    def _guard_propagation(self, plan: Plan) -> None:
        try:
            destinations = Destinations(self.config["propagation_hosts"])
        except ValueError as error:
            source, value = self.config.settings["propagation_hosts"].source, repr(self.config["propagation_hosts"])
            rule, advice = "host names, *.suffix patterns or networks", f"{str(error).rstrip('.')}. Mend the entry."
            raise ConfigurationError([Problem("propagation_hosts", source, rule, value, advice)]) from error
        before = propagation.install(propagation.create(plan, self.config), destinations)
        self._undo += [lambda: propagate.set_global_textmap(before), redirects.let_go]

    def _carry_context(self, plan: Plan) -> None:
        for knob, name in (("thread_context", "threading"), ("asyncio_instrumentation", "asyncio")):
            if self.config[knob] and threads.instrument(name):
                self._undo.append(lambda name=name: threads.uninstrument(name))  # type: ignore[misc]
        if plan.instrumentation_model is not None:
            sdk.instrument_from_model(plan.instrumentation_model)

    # -- running -------------------------------------------------------------------------------------------------

    def report_difference(self, arguments: Mapping[str, Any]) -> None:
        """Says which arguments of a second `init()` differ; they are not obeyed."""
        different = sorted(
            name for name, value in arguments.items() if value is not None and self._differs(name, value)
        )
        if different:
            diagnostics.say(
                logging.WARNING,
                "init() was called a second time with different %s; the first call counts until shutdown()",
                ", ".join(different),
            )

    def _differs(self, name: str, value: Any) -> bool:
        if name == "config_file":
            return self.config.file is None or os.fspath(value) != self.config.file.path
        try:
            return name not in KNOBS or bool(KNOBS[name].kind.from_value(value) != self.config[name])
        except Rejected:
            return True

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Sends everything that waits.

        Args:
            timeout_s: longest time in seconds for all signals together.

        Returns:
            True if everything offered since the previous flush was delivered.
        """
        if self._stopped:
            return not any(lane.books().lost for lane in self._lanes.values())
        deadline = Deadline(timeout_s if isinstance(timeout_s, (int, float)) else 5.0)
        written = self._logs is None or self._logs.flush(deadline)
        collected = self._metrics is None or self._metrics.collect(deadline)
        tickets = {name: lane.ask_to_flush() for name, lane in self._lanes.items()}
        delivered = [lane.flushed(tickets[name], deadline) for name, lane in self._lanes.items()]
        return written and collected and all(delivered)

    def books(self) -> dict[str, Books]:
        """Offered, delivered, dropped by reason and queued, for `traces`, `metrics` (data points) and `logs`."""
        return {name: lane.books() for name, lane in self._lanes.items()}

    def telemetry_troubles(self) -> dict[str, Any]:
        """What is wrong with telemetry itself, by name; empty for nothing. `/health` shows it as `degraded`."""
        found: dict[str, Any] = {}
        for place, why in reachability.silent_places().items():
            found[f"receiver {place}"] = why
        for name, books in self.books().items():
            if books.lost:
                found[f"{name} lost"] = books.dropped
        if self._logs is not None and (dropped := self._logs.books().get("dropped")):
            found["stdout lines lost"] = dropped
        if self._adapting is not None:
            found |= self._adapting.troubles()
        if self._endpoint_trouble:
            found["endpoint"] = self._endpoint_trouble
        return found | diagnostics.troubles()

    def watch_loop(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Has adaptive sampling look at an event loop too, until it is closed; see knob `adaptive_loop_lag_s`.

        Args:
            loop: None for the running one.

        Raises:
            RuntimeError: None is given where no loop runs.
        """
        watched = asyncio.get_running_loop() if loop is None else loop
        if self._adapting is not None:
            self._adapting.watch_loop(watched)

    def __enter__(self) -> Telemetry:
        self._blocks += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._blocks -= 1
        if self._blocks == 0:
            self.shutdown()

    # -- stopping ------------------------------------------------------------------------------------------------

    def shutdown(self, timeout_s: float | None = None) -> bool:
        """Delivers what it can, then stops everything; a second call does nothing.

        Tracers, instruments, loggers and handles stay valid, do nothing, and come to life at the next `init()`.

        Args:
            timeout_s: longest time in seconds for all signals together; `shutdown_timeout_s` unless given.

        Returns:
            True if everything offered since the previous flush was delivered.
        """
        with leaving.stopping():
            return self._shut_down(timeout_s)

    def _shut_down(self, timeout_s: float | None) -> bool:
        limit_s = timeout_s if isinstance(timeout_s, (int, float)) else self.config["shutdown_timeout_s"]
        deadline = Deadline(limit_s)
        with self._ending:
            first, self._stopped = not self._stopped, True
        if not first:  # another thread, or the code that a signal interrupted, is at it
            return self._ended.wait(deadline.remaining_s()) and self._clean
        try:
            self._clean = self._stop(deadline)
        finally:
            self._on_end(self)
            self._ended.set()
        return self._clean

    def _stop(self, deadline: Deadline) -> bool:
        if self._adapting is not None:
            self._adapting.stop(deadline)
        clean = self._metrics is None or self._metrics.collect(deadline)
        for lane in self._lanes.values():
            lane.ask_to_flush()
        if self._logs is not None:
            # half at most, so that a standard output that nobody reads leaves time for the receiver
            clean &= self._logs.stop(Deadline(deadline.remaining_s() / 2))
        if self._metrics is not None:
            self._metrics.stop_readers()
        providers.let_go()
        others = [call for told in self._told for call in told.last_calls]
        for call in others:
            call.begin()
        for lane in self._lanes.values():
            lane.ask_to_stop(deadline)
        clean &= all([lane.stop(deadline) for lane in self._lanes.values()])
        all_ended(others, deadline)
        if self._server is not None:
            self._server.stop()
        for undo in reversed(self._undo):
            undo()
        self._undo.clear()
        farewell.say(self.books())
        diagnostics.fall_silent()
        return clean

    @property
    def goes_on_in_children(self) -> bool:
        """Whether telemetry begins by itself in a forked child; never where it is kept in memory for tests."""
        wanted = self.config["forked_children"] and not self.config["disabled"]
        return bool(wanted and not self._stopped and self._in_memory == InMemory())

    def after_fork_in_child(self) -> None:
        """Closes the inherited listener and forgets the rest; the parent's threads do not exist here."""
        self._stopped = True
        if self._metrics is not None:
            self._metrics.forget_garbage()
        if self._adapting is not None:
            self._adapting.after_fork_in_child()
        for lane in self._lanes.values():
            lane.after_fork_in_child()
        if self._server is not None:
            self._server.close_in_child()


def _plan(config: Config, silent: bool) -> Plan:
    if config.file is None:
        return from_knobs(config, silent=silent)
    from otel_trading.config.plan_file import from_file

    return from_file(config)


def _for_child(plan: Plan, config: Config) -> Plan:
    """The plan of a forked child: without an endpoint, or with one beside the parent's."""
    if plan.endpoint is None:
        return plan
    own = config["forked_endpoint"] == "own"
    return replace(plan, endpoint=replace(plan.endpoint, port_explicit=False) if own else None)


def _redactor(config: Config) -> Redactor:
    try:
        return Redactor(keys=config["redact_keys"], patterns=config["redact_patterns"])
    except ValueError as error:
        source = config.settings["redact_patterns"].source
        value = repr(config["redact_patterns"])
        advice = f"{error}. Mend the pattern."
        raise ConfigurationError(
            [Problem("redact_patterns", source, "valid regular expressions", value, advice)]
        ) from error
