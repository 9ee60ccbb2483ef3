"""The whole examination, readable from top to bottom: look around, send, look for it, judge."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from otel_trading.config.config import Config
from otel_trading.config.plan import EndpointPlan
from otel_trading.doctor import (
    first_look,
    instrumented,
    metrics_port,
    packages,
    second_look,
    sending,
    variables,
)
from otel_trading.doctor.finding import Finding, exit_code, failed, ok
from otel_trading.doctor.judgement import Evidence, hops, known
from otel_trading.doctor.links import pages
from otel_trading.doctor.route import NOUNS, Route, batches, plan_of, routes
from otel_trading.doctor.stored_metrics import targets_at
from otel_trading.ground.clock import Deadline
from otel_trading.ground.errors import ConfigurationError, OtelTradingError, Problem
from otel_trading.stores.addresses import Addresses
from otel_trading.stores.errors import StoreError
from otel_trading.stores.opened import Stores, open_stores

_QUESTION_S = 4.0
_FIRST_S = 8.0
_FLUSH_S = 8.0
_HOPELESS_S = 1.0
_RESERVE_S = 2.0  # for ending the canary's process and for judging
_ARGUMENTS = {"stdout": "off", "traces_sampler": "always_on", "log_level": "info", "shutdown_timeout_s": 0.5}


@dataclass(frozen=True, slots=True)
class Report:
    """What came out.

    Attributes:
        findings: in the order in which they are shown.
        canary: its id; empty if none was sent.
        trace_id: of the canary's span.
        pages: where a person sees the canary, by store.
        seconds: that the examination took.
    """

    findings: tuple[Finding, ...]
    canary: str = ""
    trace_id: str = ""
    pages: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 if nothing failed."""
        return exit_code(self.findings)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "ok": self.exit_code == 0,
            "canary": self.canary,
            "trace_id": self.trace_id,
            "seconds": round(self.seconds, 3),
            "findings": [finding.as_dict() for finding in self.findings],
            "pages": dict(self.pages),
        }


class Refused(OtelTradingError):
    """`init()` in the canary's process did not take the configuration; the message is its own."""


@dataclass(frozen=True, slots=True)
class Patient:
    """What is examined.

    Attributes:
        config: the resolved configuration.
        warnings: what was said about it.
        config_file: as `init()` would be given it; None for the environment's.
        environment: the variables.
    """

    config: Config
    warnings: Sequence[str]
    config_file: str | None
    environment: Mapping[str, str]


def examine(patient: Patient, timeout_s: float, progress: Callable[[str], None]) -> Report:
    """Examines, within the limit.

    Args:
        patient: what is examined.
        timeout_s: limit in seconds for all of it.
        progress: is told what is being done.

    Raises:
        ConfigurationError: the configuration cannot be used after all.
        Refused: `init()` said so in the canary's process.
    """
    began, deadline = time.perf_counter(), Deadline(max(1.0, timeout_s - _RESERVE_S))
    plan = plan_of(patient.config)
    ways = routes(plan)
    local = _local(patient, ways)
    addresses = Addresses.from_config(patient.config)
    if patient.config["disabled"]:
        return Report((*local, _disabled(patient.config)), seconds=time.perf_counter() - began)
    try:
        stores = open_stores(addresses, min(_QUESTION_S, timeout_s * 0.25))
    except StoreError as error:
        problem = Problem("stores_certificate", "configuration", "a PEM file", repr(addresses.certificate), error.why)
        raise ConfigurationError([problem]) from error
    progress("listening to ports, clocks and counters")
    first = first_look.look(ways, plan.endpoint, stores, min(_FIRST_S, timeout_s * 0.3))
    name = f"canary-{secrets.token_hex(8)}"
    progress("sending a canary")
    with sending.canary(
        name, patient.config_file, _arguments(plan.endpoint, first), _flush_s(ways, first, deadline), deadline
    ) as sent:
        if sent.mistake:
            raise Refused(sent.mistake)
        progress("looking for the canary in the stores")
        evidence = _evidence(patient, ways, plan.endpoint, first, sent, stores)
        evidence = replace(evidence, second=second_look.look(sent, evidence.expected, stores, deadline))
    findings = (
        *local,
        metrics_port.diagnose(plan.endpoint, first.holder),
        *hops(evidence, exporters={signal: len(batches(plan, signal)) for signal in NOUNS}),
    )
    seen = pages(addresses, sent, evidence.second)
    return Report(findings, name, sent.trace_id, seen, time.perf_counter() - began)


def _local(patient: Patient, ways: list[Route]) -> list[Finding]:
    """What needs nobody else."""
    installed = packages.installed()
    set_by_somebody = sum(patient.config.explicit(name) for name in patient.config)
    origin = f" beside {patient.config.file.path}" if patient.config.file is not None else ""
    return [
        ok("configuration", f"{set_by_somebody} knobs are set{origin}; `otel-trading config` shows them"),
        packages.diagnose(installed, packages.needed()),
        variables.diagnose(patient.environment, patient.config, patient.warnings, ways),
        instrumented.diagnose(patient.environment, instrumented.plugins(), installed),
    ]


def _disabled(config: Config) -> Finding:
    source = config.settings["disabled"].source
    remedy = f"Set {source} to false, or take it away."
    return failed("telemetry", "disabled", f"{source} turns all of it off.", remedy, "disabled")


def _flush_s(ways: list[Route], first: first_look.FirstLook, deadline: Deadline) -> float:
    """How long delivery is waited for; short where it cannot work."""
    hopeful = any(speech.suits(route) for route, speech in zip(ways, first.speeches, strict=True))
    return min(_FLUSH_S if hopeful else _HOPELESS_S, deadline.remaining_s() * 0.5)


def _arguments(endpoint: EndpointPlan | None, first: first_look.FirstLook) -> dict[str, Any]:
    """What the canary's process changes: nothing may be sampled away, and nobody's port be taken without need."""
    if endpoint is None or _serves(endpoint, first):
        return dict(_ARGUMENTS)
    return {**_ARGUMENTS, "prometheus_port": 0}


def _serves(endpoint: EndpointPlan, first: first_look.FirstLook) -> bool:
    """True if the canary should listen at the configured port: it is free, and Prometheus comes there."""
    if endpoint.port == 0 or first.holder is None or first.holder.anybody or first.holder.unusable:
        return False
    return isinstance(first.targets, list) and bool(targets_at(first.targets, endpoint.port))


def _evidence(
    patient: Patient,
    ways: list[Route],
    endpoint: EndpointPlan | None,
    first: first_look.FirstLook,
    sent: sending.Sent,
    stores: Stores,
) -> Evidence:
    addresses = Addresses.from_config(patient.config)
    ours = endpoint is not None and _serves(endpoint, first) and bool(sent.metrics_url)
    taken = {signal: _taken(signal, ways, first, sent, addresses) for signal in NOUNS}
    expected = second_look.Expected(
        spans=taken["traces"] and sent.sampled,
        log_records=taken["logs"],
        collected=taken["metrics"],
        scraped=endpoint.port if ours and endpoint is not None else None,
        template=first.template,
        service=patient.config["service_name"] or "",
    )
    return Evidence(
        routes=tuple(ways),
        first=first,
        sent=sent,
        expected=expected,
        endpoint=endpoint,
        ours=ours,
        addresses=addresses,
        stores=stores,
        stdout=patient.config["stdout"],
    )


def _taken(
    signal: str, ways: list[Route], first: first_look.FirstLook, sent: sending.Sent, addresses: Addresses
) -> bool:
    """True if a receiver took the signal, and not a web page that only looked like one."""
    pairs = [pair for pair in zip(ways, first.speeches, strict=True) if pair[0].signal == signal]
    real = [
        route.grpc or not (speech.is_web_page or (speech.is_json and known(addresses, route)))
        for route, speech in pairs
    ]
    return any(real) and sent.delivered(signal)
